/// A file that could not be fetched, and why.
public struct DownloadError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What went wrong.
    public enum Reason: Sendable, Equatable {
        /// The address is none that a file can be fetched from.
        case unusableAddress(String)
        /// Nobody answers there: no such host, nobody listening, or a certificate that is not trusted.
        case unreachable(String)
        /// The server answers with a status other than that of a file, such as 404.
        case refused(status: Int)
        /// The server asks to come back later than the downloader is ready to wait.
        case putOff(status: Int, seconds: Int)
        /// The transfer ended before its end. `expected` is nil where the server does not say how long the
        /// file is.
        case cutShort(expected: Int?, found: Int, cause: String)
        /// The server sent something else than was asked for.
        case wrongAnswer(expected: String, found: String)
        /// What came cannot be kept; a full disk comes as this.
        case unwritable(file: String, String)
        /// The disk has less room than the rest of the file takes.
        case noRoom(file: String, expected: Int, found: Int)
        /// The file is longer than any of its kind.
        case tooLarge(byteLimit: Int)
        /// Another process is fetching to the same file.
        case inUse(file: String)
    }

    /// The address of the file.
    public let address: String
    /// What went wrong the last time.
    public let reason: Reason
    /// How often it was tried without coming further.
    public var attempts = 1

    /// An error about the file of an address.
    package init(address: String, reason: Reason, attempts: Int = 1) {
        (self.address, self.reason, self.attempts) = (address, reason, attempts)
    }

    /// The error in one line.
    public var description: String {
        let text =
            switch reason {
            case .unusableAddress(let why): "\(address): expected an address of http, https or file: \(why)"
            case .unreachable(let why): "\(address): cannot be reached: \(why)"
            case .refused(let status): "\(address): expected a file, found \(describe(status: status))"
            case .putOff(let status, let seconds):
                "\(address): expected a file, found \(describe(status: status)) and the request to come back in "
                    + "\(seconds) s"
            case .cutShort(let expected?, let found, let cause):
                "\(address): expected \(expected) bytes, found \(found): \(cause)"
            case .cutShort(nil, let found, let cause): "\(address): ended after \(found) bytes: \(cause)"
            case .wrongAnswer(let expected, let found): "\(address): expected \(expected), found \(found)"
            case .unwritable(let file, let why): "\(file): cannot be written: \(why)"
            case .noRoom(let file, let expected, let found):
                "\(file): expected room for \(expected) bytes more on the disk, found \(found): make room, then give "
                    + "the command again"
            case .tooLarge(let byteLimit): "\(address): expected at most \(byteLimit) bytes, found more"
            case .inUse(let file):
                "\(file): expected a file that nobody else is fetching, found one in use"
            }
        return attempts > 1 ? "\(text) (tried \(attempts) times)" : text
    }
}

/// `status 404 (not found)`: what the statuses that users meet mean.
private func describe(status: Int) -> String {
    let meanings = [
        401: "login needed", 403: "forbidden", 404: "not found", 407: "the proxy wants a login", 410: "gone",
        429: "too many requests", 500: "the server failed", 502: "a server behind it failed",
        503: "not available now", 504: "a server behind it is silent",
    ]
    return "status \(status)" + (meanings[status].map { " (\($0))" } ?? "")
}
