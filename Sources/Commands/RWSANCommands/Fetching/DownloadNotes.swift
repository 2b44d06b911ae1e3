import Downloads
import Foundation
import Hub

/// Tells how a download goes.
final class DownloadNotes {
    private let name: String
    private let path: String
    private let line = ProgressLine()

    /// Files of at least so many bytes are told of before they come.
    private static let largeFile = 100_000_000

    /// - Parameters:
    ///   - name: What the file is called.
    ///   - address: Where it comes from; nil where that is told already.
    ///   - path: Where it goes.
    init(_ name: String, from address: String? = nil, to path: String) {
        (self.name, self.path) = (name, path)
        if let address { Console.note("fetching \(address)") }
    }

    /// Tells what happens.
    func tell(_ event: Downloader.Event) {
        switch event {
        case .starting(let byteCount):
            guard let byteCount, byteCount >= Self.largeFile else { return }
            Console.note("\(name) has \(megabytes(byteCount)), and goes to \(relativeToWorkingFolder(path))")
        case .received(let progress): line.show { "\(name): \(progress.text)" }
        case .resuming(let byteCount): Console.note("going on at \(megabytes(byteCount))")
        case .startingAgain(let why): Console.note("starting again: \(why)")
        case .retrying(let cause, let pause):
            Console.note("\(cause); trying again in \(decimal(pause / .seconds(1), 1)) s")
        }
    }
}

/// Somebody asked to stop fetching.
struct FetchStopped: Error {}

extension Downloader {
    /// Fetches a file, and tells how it goes.
    ///
    /// - Throws: `FetchStopped`; `DownloadError`.
    func fetchShowing(_ address: String, to path: String, _ interrupts: Interrupts) throws {
        let name = URL(fileURLWithPath: address).lastPathComponent
        let notes = DownloadNotes(name, from: address, to: path)
        let outcome = try fetch(
            address, to: path, onEvent: notes.tell, shouldStop: { interrupts.isRequested })
        Console.clearProgress()
        if outcome == .interrupted { throw FetchStopped() }
    }
}

extension Hub {
    /// Fetches a file of the hub, and tells how it goes.
    ///
    /// - Throws: `FetchStopped`; `HubError`; `DownloadError`.
    func fetchShowing(
        _ name: String, of repository: HubRepository, revision: String = "main",
        recorded isRecorded: Bool = true,
        _ interrupts: Interrupts
    ) throws -> File {
        var notes: DownloadNotes?
        let file = try fetch(
            name, of: repository, revision: revision, recorded: isRecorded,
            onEvent: { event in
                switch event {
                case .fetching(let address, let path): notes = DownloadNotes(name, from: address, to: path)
                case .download(let event): (notes ?? DownloadNotes(name, to: "")).tell(event)
                case .notice(let text): Console.note(text)
                }
            }, shouldStop: { interrupts.isRequested })
        Console.clearProgress()
        guard let file else { throw FetchStopped() }
        return file
    }
}

extension Downloader.Progress {
    /// `45.2 %, 12.3 MB/s, 12 s left`
    fileprivate var text: String {
        var parts = [megabytes(byteCount), "\(decimal(bytesPerSecond / 1e6, 1)) MB/s"]
        if let totalByteCount, totalByteCount > 0 {
            parts[0] = "\(decimal(Double(byteCount) / Double(totalByteCount) * 100, 1)) %"
        }
        if let secondsLeft { parts.append("\(readable(seconds: secondsLeft)) left") }
        return parts.joined(separator: ", ")
    }
}

private func megabytes(_ byteCount: Int) -> String { "\(decimal(Double(byteCount) / 1e6, 1)) MB" }
