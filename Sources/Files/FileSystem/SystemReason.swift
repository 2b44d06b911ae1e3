import Foundation

/// Why the system refused something that Foundation tried, in the system's own words ("No such file or
/// directory"); in Foundation's where it does not say.
package func systemReason(of error: any Error) -> String {
    let cause = (error as NSError).userInfo[NSUnderlyingErrorKey] as? any Error
    for candidate in [cause, error].compactMap({ $0 as NSError? })
    where candidate.domain == NSPOSIXErrorDomain {
        return String(cString: strerror(Int32(clamping: candidate.code)))
    }
    return error.localizedDescription
}
