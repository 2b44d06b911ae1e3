import Foundation

/// How much room a disk has.
package enum DiskRoom {
    /// How many bytes can still be written where a file or folder is; nil where the system does not say, as of file
    /// systems without a size of their own.
    package static func byteCount(at path: String) -> Int? {
        var room = statvfs()
        guard statvfs(path, &room) == 0, room.f_blocks > 0 else { return nil }
        let (byteCount, overflows) = UInt64(clamping: room.f_bavail)
            .multipliedReportingOverflow(by: UInt64(clamping: room.f_frsize))
        return overflows ? .max : Int(clamping: byteCount)
    }
}
