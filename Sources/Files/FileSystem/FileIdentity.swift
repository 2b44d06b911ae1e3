import Foundation

/// What tells whether a file is still the one that was read: where it lies, how long it is, when it was changed,
/// and its number in the file system.
package struct FileIdentity: Sendable, Codable, Hashable {
    package let path: String
    /// Nil, like the values below, where there is no such file.
    package let byteCount: Int64?
    package let inode: UInt64?
    package let device: UInt64?
    /// When the contents were changed, in nanoseconds since 1970.
    package let modification: Int64?
    /// When the contents or the file's attributes were changed: a program can set the other time back, not this.
    package let change: Int64?

    package init(_ file: URL) {
        path = file.standardizedFileURL.path
        var status = stat()
        guard stat(path, &status) == 0 else {
            (byteCount, inode, device, modification, change) = (nil, nil, nil, nil, nil)
            return
        }
        func nanoseconds(_ time: timespec) -> Int64 {
            let (whole, overflows) = Int64(time.tv_sec).multipliedReportingOverflow(by: 1_000_000_000)
            let (sum, overflowsToo) = whole.addingReportingOverflow(Int64(time.tv_nsec))
            // A file may bear any date; beyond the years 1677 to 2262 all are the same.
            return overflows || overflowsToo ? (time.tv_sec < 0 ? .min : .max) : sum
        }
        byteCount = Int64(status.st_size)
        inode = UInt64(status.st_ino)
        device = UInt64(status.st_dev)
        modification = nanoseconds(status.st_mtim)
        change = nanoseconds(status.st_ctim)
    }

    /// Whether the file has not been changed for so long that a change to come will show in its times, which go
    /// by the system's ticks.
    package var isSettled: Bool {
        guard let change else { return true }
        let now = Int64(clamping: Date().timeIntervalSince1970 * 1e9)
        let (age, overflows) = now.subtractingReportingOverflow(change)
        return overflows ? change < 0 : age > 50_000_000
    }
}
