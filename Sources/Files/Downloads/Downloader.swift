import Foundation

/// Fetches a file from an address, and goes on where an earlier attempt ended.
///
///     let outcome = try Downloader().fetch("https://example.org/a.zip", to: "a.zip")
///
/// What has come lies in `a.zip.partial`, and in `a.zip.partial.json` which version of the file it is of, by the
/// server's `ETag` or `Last-Modified`. The next request asks for the rest on the condition that the file is still
/// that one (`If-Range`), so that a file that has changed is begun anew. Servers that do not say which version they
/// give, or give no parts, are asked for the whole file again. Under its own name the file appears when it is whole.
///
/// A connection that is cut, stalls, or ends in a status that passes (5xx, 429, 408) is tried again, after
/// pauses that grow, or as long as the server asks for.
///
/// The program should ignore SIGPIPE: encrypted connections that are cut can raise it.
package struct Downloader: Sendable {
    /// How often in a row it is tried again without coming further.
    package var retryLimit = 8
    /// How long the first pause is; each one after it is twice as long.
    package var firstPause = Duration.milliseconds(250)
    /// How long a pause is at most. A server that asks for a longer one is given up.
    package var longestPause = Duration.seconds(60)
    /// How long it may take until a server answers to a call.
    package var connectTimeout = Duration.seconds(30)
    /// How long, in whole seconds, next to nothing may come before a connection counts as cut. The pace is that
    /// of five seconds, which come on top.
    package var stallTimeout = Duration.seconds(30)
    /// How many bytes a file may have.
    package var byteLimit = Int.max
    /// What is said to the server beside the usual, as `Name: value`. `Authorization` goes to the host and port of
    /// the address alone, and not to one that it leads on to: that is libcurl's rule.
    package var headers: [String] = []

    /// A downloader that waits as long as the internet needs.
    package init() {}

    /// How a download ended that did not fail.
    package enum Outcome: Sendable {
        /// The file is in its place.
        case complete
        /// It was asked to stop; what has come is kept.
        case interrupted
    }

    /// A version of a file of which it is known, before it is asked for, what it is: its path says which.
    ///
    /// What has come of it lies in `NAME.incomplete`, and is gone on with whatever the server calls the version.
    package struct KnownVersion {
        /// How many bytes it has, where that is known.
        package let byteCount: Int?
        /// Looks at all bytes before they get the file's name: the path where they are, and what is asked whether to
        /// stop; false says that it did. What it throws ends the download, and the bytes are thrown away.
        package let check: (_ path: String, _ shouldStop: () -> Bool) throws -> Bool

        /// A version of these bytes.
        package init(byteCount: Int?, check: @escaping (String, () -> Bool) throws -> Bool) {
            (self.byteCount, self.check) = (byteCount, check)
        }
    }

    /// What happens on the way.
    package enum Event: Sendable {
        /// The first bytes are about to come, of so many where the server says.
        case starting(totalByteCount: Int?)
        /// Bytes of an earlier attempt are gone on with.
        case resuming(at: Int)
        /// Bytes have come.
        case received(Progress)
        /// What was there is of no use, and the file is begun anew.
        case startingAgain(String)
        /// It did not work, and will be tried again.
        case retrying(cause: DownloadError, in: Duration)
    }

    /// How far a download has come.
    package struct Progress: Sendable {
        /// How many bytes are there, those of earlier attempts included.
        package let byteCount: Int
        /// How many bytes the file has, where the server says.
        package let totalByteCount: Int?
        /// At what pace they come.
        package let bytesPerSecond: Double
        /// How long the rest will take at that pace; nil where nothing can be said.
        package var secondsLeft: Double? {
            guard let totalByteCount, bytesPerSecond > 0 else { return nil }
            return (Double(totalByteCount) - Double(byteCount)) / bytesPerSecond
        }
    }

    /// Fetches a file. One that is at the path already is replaced.
    ///
    /// - Parameters:
    ///   - address: Of `http`, `https` or `file`.
    ///   - path: Where the file goes; the folder must exist.
    ///   - version: What the file is, where that is known.
    ///   - onEvent: Called when something happens.
    ///   - shouldStop: Asked at least once a second.
    /// - Throws: `DownloadError`; what `version` finds wrong. What has come is kept, for the next attempt.
    package func fetch(
        _ address: String, to path: String, version: KnownVersion? = nil,
        onEvent: @escaping (Event) -> Void = { _ in },
        shouldStop: @escaping () -> Bool = { false }
    ) throws -> Outcome {
        try Download(self, address, to: path, version: version, onEvent: onEvent, shouldStop: shouldStop)
            .run()
    }
}
