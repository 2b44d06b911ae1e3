import Archives
import FileSystem
import Foundation

/// Where a run puts its files, below the working folder: the official places.
///
///     ckpts/ckpt_NAME/epoch<E>.safetensors, interrupted.safetensors, metrics.jsonl
///     results/log/log_run_NAME.txt
///     results/cache/result_run_NAME.json
public struct RunFolder: Sendable {
    /// The run's name.
    public let name: String
    private let root: URL

    /// - Parameters:
    ///   - name: The run's name.
    ///   - root: The working folder.
    public init(name: String, in root: URL) {
        self.name = name
        self.root = root
    }

    /// The folder of checkpoints.
    public var checkpoints: URL { root.appending(components: "ckpts", "ckpt_\(name)") }
    /// The accuracies of every epoch, one JSON object a line.
    public var metrics: URL { checkpoints.appending(component: Self.metricsName) }
    /// The log in the official release's form.
    public var log: URL { root.appending(components: "results", "log", "log_run_\(name).txt") }

    /// The answers to the val questions after the latest epoch.
    public var validationResult: URL {
        root.appending(components: "results", "cache", "result_run_\(name).json")
    }

    /// The checkpoint after an epoch; 0 is the one before the first step.
    public func checkpoint(epoch: Int) -> URL {
        checkpoints.appending(component: "epoch\(epoch).safetensors")
    }
    /// The checkpoint in the middle of an epoch.
    public var interrupted: URL { checkpoints.appending(component: "interrupted.safetensors") }

    /// Whether there is a checkpoint to go on from.
    package var hasCheckpoints: Bool { checkpointNames.contains { $0.hasSuffix(".safetensors") } }

    private var checkpointNames: [String] {
        (try? FolderListing(checkpoints.path))?.visibleNames ?? []
    }

    /// Makes the folders, and removes the halves of checkpoints that a kill has left there.
    ///
    /// - Throws: Foundation's error where that is not allowed.
    package func create() throws {
        let folders = [checkpoints] + [log, validationResult].map { $0.deletingLastPathComponent() }
        for folder in folders {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        }
        for name in checkpointNames where name.hasSuffix(".partial") {
            try? FileManager.default.removeItem(at: checkpoints.appending(component: name))
        }
    }

    /// Keeps another process from a run of this name, as long as what is returned lives.
    ///
    /// - Throws: `RunInUseError` where another process has it; `ArchiveError` or Foundation's error where the
    ///   folder cannot be written.
    package func lock() throws -> FileLock {
        try FileManager.default.createDirectory(at: checkpoints, withIntermediateDirectories: true)
        // Beside the folder, which may be moved out of the way.
        let file = checkpoints.deletingLastPathComponent().appending(component: ".ckpt_\(name).lock")
        guard let lock = try FileLock(path: file.path) else {
            throw RunInUseError(name: name, path: checkpoints.path)
        }
        return lock
    }

    /// Moves out of the way, to `ckpt_NAME.1`, `.2` and so on, what a run that starts here would mix with its own:
    /// the whole of an earlier run, or where it goes on from a checkpoint of this folder, those that are ahead of it.
    ///
    /// - Parameters:
    ///   - source: The checkpoint that the run goes on from; nil where it starts anew.
    ///   - step: How many steps that has behind it.
    /// - Returns: Where it lies now; nil where there was nothing in the way.
    /// - Throws: Foundation's error where that is not allowed.
    package func setAsideEarlierRun(goingOnFrom source: URL?, step: Int) throws -> URL? {
        // The same folder may be named through a link.
        let folder = source?.deletingLastPathComponent().resolvingSymlinksInPath().path
        guard let folder, folder == checkpoints.resolvingSymlinksInPath().path else {
            guard hasCheckpoints else { return nil }
            let target = unusedFolder()
            try FileManager.default.moveItem(at: checkpoints, to: target)
            return target
        }
        let ahead = checkpointNames.filter { name in
            let file = checkpoints.appending(component: name)
            return name.hasSuffix(".safetensors") && (try? Checkpoint.stepCount(of: file.path)) ?? 0 > step
        }
        guard !ahead.isEmpty else { return nil }
        let target = unusedFolder()
        try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
        for name in ahead {
            try FileManager.default.moveItem(
                at: checkpoints.appending(component: name), to: target.appending(component: name))
        }
        return target
    }

    private func unusedFolder() -> URL {
        let folders = (1...).lazy.map {
            checkpoints.deletingLastPathComponent().appending(component: "ckpt_\(name).\($0)")
        }
        return folders.first { !FileManager.default.fileExists(atPath: $0.path) } ?? checkpoints
    }

    /// Writes the records of all epochs, whole or not at all.
    ///
    /// - Throws: `ArchiveError` where a file cannot be written.
    package func write(_ records: [EpochRecord]) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let lines = try records.map { String(decoding: try encoder.encode($0), as: UTF8.self) + "\n" }
        try Self.write(lines.joined(), to: metrics)
        try Self.write(records.map(OfficialLog.text(of:)).joined(), to: log)
    }

    private static func write(_ text: String, to file: URL) throws {
        let output = try AtomicFile(path: file.path)
        try output.write(Data(text.utf8))
        try output.commit()
    }

    /// The records of the epochs up to one, from an earlier part of the run.
    ///
    /// - Throws: `CheckpointError` where the file is there and cannot be read.
    package func records(upTo epoch: Int) throws -> [EpochRecord] {
        try Self.records(in: metrics).filter { $0.epoch <= epoch }
    }

    /// The records of the run that a checkpoint lies in; none where it lies in no run's folder.
    ///
    /// - Throws: `CheckpointError` where they are there and cannot be read.
    package static func records(beside checkpoint: String) throws -> [EpochRecord] {
        try records(
            in: URL(fileURLWithPath: checkpoint).deletingLastPathComponent()
                .appending(component: metricsName))
    }

    private static let metricsName = "metrics.jsonl"
    /// Of 2^20 epochs, at half a kilobyte a line.
    private static let metricsByteLimit = 512 << 20

    private static func records(in file: URL) throws -> [EpochRecord] {
        guard FileManager.default.fileExists(atPath: file.path) else { return [] }
        do {
            let contents = try SmallFile.contents(of: file.path, byteLimit: metricsByteLimit)
            return try contents.split(separator: UInt8(ascii: "\n")).map {
                try JSONDecoder().decode(EpochRecord.self, from: $0)
            }
        } catch {
            throw CheckpointError(path: file.path, reason: "expected one JSON object a line for each epoch")
        }
    }

    /// The checkpoint of a folder that has come furthest; a file that cannot be read is passed over and
    /// named in `onUnreadable`. In a folder of official ones alone, it is the one whose name has the highest epoch.
    ///
    /// - Throws: `CheckpointError` where there is none, or where names do not tell which it is.
    package static func latestCheckpoint(in folder: URL, onUnreadable: (any Error) -> Void) throws -> URL {
        let names = (try? FolderListing(folder.path))?.visibleNames ?? []
        var latest: (step: Int, file: URL)?
        for name in names where name.hasSuffix(".safetensors") {
            let file = folder.appending(component: name)
            do {
                let step = try Checkpoint.stepCount(of: file.path)
                if step >= latest?.step ?? 0 { latest = (step, file) }
            } catch {
                onUnreadable(error)
            }
        }
        if let latest { return latest.file }
        return try latestOfficialCheckpoint(in: folder, names.filter { $0.hasSuffix(".pkl") })
    }

    /// Whether a folder has a checkpoint of the official release in it.
    package static func hasOfficialCheckpoints(in folder: URL) -> Bool {
        let names = try? FileManager.default.contentsOfDirectory(atPath: folder.path)
        return names?.contains { $0.hasSuffix(".pkl") } ?? false
    }

    /// The one of `epoch<E>.pkl` with the highest epoch, or the only file.
    private static func latestOfficialCheckpoint(in folder: URL, _ names: [String]) throws -> URL {
        guard !names.isEmpty else {
            throw CheckpointError(path: folder.path, reason: "expected a folder with a checkpoint in it")
        }
        let numbered = names.compactMap { name in
            OfficialCheckpoint.epoch(inNameOf: name).map { (epoch: $0, name: name) }
        }
        guard
            let latest = numbered.max(by: { $0.epoch < $1.epoch })?.name
                ?? (names.count == 1 ? names[0] : nil)
        else {
            throw CheckpointError(
                path: folder.path,
                reason: "expected checkpoints epoch<E>.pkl, found \(names.sorted().joined(separator: ", ")): "
                    + "name the one to go on from")
        }
        return folder.appending(component: latest)
    }
}

/// A run that another process is training.
public struct RunInUseError: Error, Sendable, CustomStringConvertible {
    /// The run's name.
    public let name: String
    /// Its folder of checkpoints.
    public let path: String
    /// One line.
    public var description: String {
        "\(path): expected a run that nobody else is training, found \(name) in use"
    }
}
