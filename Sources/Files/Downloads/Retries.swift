import Foundation

/// What to make of a request that did not bring what was asked for.
struct Setback: Error {
    let reason: DownloadError.Reason
    /// Whether it may go better next time.
    var canPass = true
    /// After how many seconds the server asks to come back.
    var retryAfter: Int?

    init(reason: DownloadError.Reason, canPass: Bool = true) {
        (self.reason, self.canPass) = (reason, canPass)
    }

    /// An answer with a status other than that of a file.
    init(status: Int, retryAfter: Int?) {
        (reason, canPass) = (.refused(status: status), Self.passes(status))
        self.retryAfter = retryAfter
    }

    /// Whether a status is one that passes: the server is overloaded or fails.
    static func passes(_ status: Int) -> Bool {
        (500...599).contains(status) || status == 429 || status == 408
    }
}

/// Has requests tried again, after pauses that grow.
struct Retries {
    let settings: Downloader
    let address: String
    let onEvent: (Downloader.Event) -> Void
    let shouldStop: () -> Bool
    /// How often it did not work without coming further.
    private var attempts = 0

    init(
        _ settings: Downloader, _ address: String, onEvent: @escaping (Downloader.Event) -> Void,
        shouldStop: @escaping () -> Bool
    ) {
        (self.settings, self.address) = (settings, address)
        (self.onEvent, self.shouldStop) = (onEvent, shouldStop)
    }

    /// Begins to count anew, since it has come further.
    mutating func restart() { attempts = 0 }

    /// Waits until it is to be tried again.
    ///
    /// - Throws: `DownloadError` where it is to be given up.
    mutating func pause(after setback: Setback) throws {
        attempts += 1
        let error = DownloadError(address: address, reason: setback.reason, attempts: attempts)
        guard setback.canPass, attempts <= settings.retryLimit else { throw error }
        let duration = try duration(of: setback)
        onEvent(.retrying(cause: error, in: duration))
        let end = ContinuousClock.now + duration
        while ContinuousClock.now < end, !shouldStop() {
            Thread.sleep(forTimeInterval: min(0.1, max(0, (end - ContinuousClock.now) / .seconds(1))))
        }
    }

    private func duration(of setback: Setback) throws -> Duration {
        var duration = settings.longestPause
        // Doubled too often, a pause would be too long for a number.
        if attempts < 32 { duration = min(duration, settings.firstPause * (1 << (attempts - 1))) }
        if let seconds = setback.retryAfter, case .refused(let status) = setback.reason {
            guard .seconds(seconds) <= settings.longestPause else {
                throw DownloadError(address: address, reason: .putOff(status: status, seconds: seconds))
            }
            duration = max(duration, .seconds(seconds))
        }
        return duration
    }
}
