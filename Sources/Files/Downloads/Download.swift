import FileSystem
import Foundation

/// One file on its way.
final class Download {
    private let settings: Downloader
    private let address: String
    private let file: PartialFile
    private let version: Downloader.KnownVersion?
    private let onEvent: (Downloader.Event) -> Void
    private let shouldStop: () -> Bool
    private let pace = Pace()
    /// Where the file is gone on with in the request at hand; 0 asks for all of it.
    private var offset = 0
    /// Whether the response at hand is known to be the one that was asked for.
    private var isAccepted = false
    /// Whether it has been told that bytes will come.
    private var hasBegun = false

    init(
        _ settings: Downloader, _ address: String, to path: String, version: Downloader.KnownVersion?,
        onEvent: @escaping (Downloader.Event) -> Void, shouldStop: @escaping () -> Bool
    ) throws {
        (self.settings, self.address, self.version) = (settings, address, version)
        (self.onEvent, self.shouldStop) = (onEvent, shouldStop)
        file = try PartialFile(path: path, address: address, version: version)
    }

    /// An answer that is not the one that was asked for.
    private enum Unwanted: Error {
        /// A status other than that of a file.
        case status(Int)
        /// A part that does not fit what is there.
        case part(expected: String, found: String)
        /// A file that is not as long as that version is known to be.
        case otherLength(expected: Int, found: String)
    }

    func run() throws -> Downloader.Outcome {
        let transfer = try makeTransfer()
        var retries = Retries(settings, address, onEvent: onEvent, shouldStop: shouldStop)
        var furthest = file.byteCount
        if furthest > 0, !file.isWhole { onEvent(.resuming(at: furthest)) }
        while !file.isWhole {
            if shouldStop() { return .interrupted }
            do {
                guard try request(transfer) else { return .interrupted }
                if file.origin?.byteCount == nil { break }
            } catch let setback as Setback {
                if file.byteCount > furthest {
                    retries.restart()
                    furthest = file.byteCount
                }
                try retries.pause(after: setback)
            }
        }
        return try finish() ? .complete : .interrupted
    }

    /// Puts the file in its place, once its bytes are known to be the right ones.
    ///
    /// - Returns: Whether it is there; false where somebody asked to stop.
    private func finish() throws -> Bool {
        if let version {
            do {
                guard try version.check(file.temporaryPath, shouldStop) else { return false }
            } catch {
                try file.empty()
                throw error
            }
        }
        try file.finish()
        return true
    }

    private func makeTransfer() throws -> Transfer {
        try Transfer(
            address, settings,
            receive: { [unowned self] response, bytes in
                try accept(response)
                try requireWithinLength(bytes.count)
                try file.append(bytes)
                tell()
            }, shouldStop: shouldStop)
    }

    /// Asks for the file or the rest of it.
    ///
    /// - Returns: Whether it came; false where somebody asked to stop.
    /// - Throws: `Setback` where it did not come to its end; `DownloadError` where it cannot be written.
    private func request(_ transfer: Transfer) throws -> Bool {
        // A file of this machine has neither ETag nor status, and is copied anew in no time.
        let continuation =
            file.canBeGoneOnWith
            ? Transfer.Continuation(offset: file.byteCount, validator: file.origin?.validator) : nil
        offset = continuation?.offset ?? 0
        isAccepted = false
        pace.start(at: file.byteCount)
        switch transfer.perform(continuation) {
        case .stopped: return false
        case .failed(let reason): throw Setback(reason: reason, canPass: false)
        case .broken(let cause): throw cutShort(cause)
        case .rejected(let unwanted as Unwanted): throw try setback(unwanted, transfer)
        case .rejected(let error): throw error
        case .finished: break
        }
        do {
            // A response without a body has not been looked at yet.
            try accept(transfer.response)
        } catch let unwanted as Unwanted {
            throw try setback(unwanted, transfer)
        }
        guard let expected = file.origin?.byteCount, expected != file.byteCount else { return true }
        let setback = cutShort("the server ended there")
        // More bytes than the whole file has are not its beginning.
        if file.byteCount > expected { try file.empty() }
        throw setback
    }

    /// Makes sure, before its first byte, that a response is what was asked for.
    private func accept(_ response: HTTPResponse) throws {
        guard !isAccepted else { return }
        switch response.status {
        case 0, 200:
            if let expected = version?.byteCount, let found = response.contentLength, found != expected {
                throw Unwanted.otherLength(expected: expected, found: "one of \(found)")
            }
            if offset > 0 {
                onEvent(.startingAgain("the server sends the whole file; it may have changed"))
            }
            try file.begin(
                PartialFile.Origin(
                    address: address, validator: response.validator, byteCount: response.contentLength))
            pace.start(at: 0)
        case 206 where offset > 0: try acceptPart(response)
        default: throw Unwanted.status(response.status)
        }
        isAccepted = true
        try requireRoom(for: response.contentLength)
        if !hasBegun { onEvent(.starting(totalByteCount: file.origin?.byteCount)) }
        hasBegun = true
    }

    /// Makes sure, before they come, that there is room for bytes, and that nobody minds how many they are.
    private func requireRoom(for byteCount: Int?) throws {
        guard let byteCount else { return }
        guard byteCount.addingClamped(file.byteCount) <= settings.byteLimit else {
            throw DownloadError(address: address, reason: .tooLarge(byteLimit: settings.byteLimit))
        }
        guard let room = DiskRoom.byteCount(at: file.temporaryPath), room < byteCount else { return }
        throw DownloadError(
            address: address,
            reason: .noRoom(file: file.temporaryPath, expected: byteCount, found: room))
    }

    /// Makes sure that bytes that have come are no more than there can be.
    private func requireWithinLength(_ added: Int) throws {
        guard file.byteCount.addingClamped(added) > version?.byteCount ?? settings.byteLimit else { return }
        guard let expected = version?.byteCount else {
            throw DownloadError(address: address, reason: .tooLarge(byteLimit: settings.byteLimit))
        }
        try file.empty()
        throw Unwanted.otherLength(expected: expected, found: "more")
    }

    private func acceptPart(_ response: HTTPResponse) throws {
        let whole = file.origin?.byteCount
        guard let range = response.contentRange, range.start == offset,
            range.total == nil || whole == nil || range.total == whole
        else {
            throw Unwanted.part(
                expected: "the bytes from \(offset)" + (whole.map { " of \($0)" } ?? ""),
                found: response["content-range"].map { "'\($0)'" } ?? "a part that does not say which")
        }
        if let expected = file.origin?.validator, let found = response.validator, found != expected {
            throw Unwanted.part(expected: "the rest of version \(expected)", found: "that of \(found)")
        }
    }

    private func setback(_ unwanted: Unwanted, _ transfer: Transfer) throws -> Setback {
        switch unwanted {
        case .part(let expected, let found):
            try startAgain("the server sends another part than was asked for")
            return Setback(reason: .wrongAnswer(expected: expected, found: found))
        case .status(416) where offset > 0:
            try startAgain("the server has no such part of the file")
            return Setback(
                reason: .wrongAnswer(expected: "the bytes from \(offset)", found: "that there are none"))
        case .status(let status): return Setback(status: status, retryAfter: transfer.retryAfter)
        case .otherLength(let expected, let found):
            // What says so is the address of the file, so that asking again would bring the same.
            return Setback(
                reason: .wrongAnswer(expected: "a file of \(expected) bytes", found: found), canPass: false)
        }
    }

    private func startAgain(_ why: String) throws {
        try file.empty()
        onEvent(.startingAgain(why))
    }

    private func cutShort(_ cause: String) -> Setback {
        Setback(
            reason: .cutShort(expected: file.origin?.byteCount, found: file.byteCount, cause: cause))
    }

    private func tell() {
        onEvent(
            .received(
                Downloader.Progress(
                    byteCount: file.byteCount, totalByteCount: file.origin?.byteCount,
                    bytesPerSecond: pace.bytesPerSecond(at: file.byteCount))))
    }
}

/// At what pace bytes come, over the last seconds.
private final class Pace {
    private static let span = Duration.seconds(5)
    private var marks: [(time: ContinuousClock.Instant, byteCount: Int)] = []

    func start(at byteCount: Int) { marks = [(ContinuousClock.now, byteCount)] }

    func bytesPerSecond(at byteCount: Int) -> Double {
        let now = ContinuousClock.now
        if let last = marks.last, now - last.time > .milliseconds(200) { marks.append((now, byteCount)) }
        // One mark older than the span stays, so that the span is covered.
        while marks.count > 2, now - marks[1].time > Self.span { marks.removeFirst() }
        guard let first = marks.first, now > first.time else { return 0 }
        return Double(byteCount - first.byteCount) / ((now - first.time) / .seconds(1))
    }
}
