import Foundation

/// Why the system refused something that Foundation tried, in the system's own words ("No such file or
/// directory"); in Foundation's where it does not say.
package func systemReason(of error: any Error) -> String {
    let posix = error as? POSIXError ?? (error as? CocoaError)?.underlying as? POSIXError
    return posix.map { String(cString: strerror($0.code.rawValue)) } ?? error.localizedDescription
}
