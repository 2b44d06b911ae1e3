import Archives
import ArgumentParser
import FileSystem
import Foundation
import VQADatasets
import VQAFeatures
import VQASettings
import VQATraining

struct InfoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "info",
        abstract: "Say what is in a checkpoint, a file of features, a store or a datasets folder.")

    @Argument(
        help: "A checkpoint (.safetensors, .pkl), features of an image (.npz), a store or a datasets folder."
    )
    var path: String
    @Flag(help: "Read a store whole, and compare it with its checksums.") var verify = false
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw NothingThere(path: path)
        }
        if isFolder.boolValue, FeatureStore.isFinished(path) {
            try show(StoreSummary(path, verifying: verify))
        } else if isFolder.boolValue {
            try show(DatasetSummary(path))
        } else {
            try showFile()
        }
    }

    private func showFile() throws {
        switch FileKind(contentsOf: path) {
        case .zip? where path.hasSuffix(".npz") || ZipEntries.has(".npy", in: path):
            try show(FeatureSummary(path))
        case .zip? where ZipEntries.has(".npz", in: path):
            throw UnknownFile(path: path, found: "a zip of .npz files")
        case .zip?, .pickle?, .safetensors?, nil: try show(CheckpointSummary(path))
        case let kind?: throw UnknownFile(path: path, found: "\(kind)")
        }
    }

    private func show(_ summary: some Summary) throws {
        guard !json else { return try Console.result(json: summary) }
        for line in summary.lines { try Console.result(line) }
    }
}

private struct NothingThere: Error, CustomStringConvertible {
    let path: String
    var description: String { "\(path): no such file or folder" }
}

/// A file of another kind than `info` looks into.
private struct UnknownFile: Error, CustomStringConvertible {
    let path: String
    let found: String
    var description: String {
        "\(path): expected a checkpoint (safetensors, or a .pkl of the official release) or features (.npz), "
            + "found \(found)"
    }
}

private protocol Summary: Encodable {
    var lines: [String] { get }
}

private struct CheckpointSummary: Summary {
    let kind = "checkpoint"
    let parameters: Int
    let tensors: [String: [Int]]
    let configuration: [String: SettingValue]?
    let words: Int?
    let answers: Int?
    let training: TrainingState?
    let adamSteps: Int

    init(_ path: String) throws {
        let checkpoint = try Checkpoint(contentsOf: path)
        parameters = checkpoint.weights.values.reduce(0) { $0 + $1.count }
        tensors = checkpoint.weights.mapValues(\.shape)
        configuration = try CheckpointError.naming(path) {
            try checkpoint.settings.map { try Registries.configuration().restored(from: $0).dictionary }
        }
        words = checkpoint.vocabulary?.count
        answers = checkpoint.answers?.count
        training = checkpoint.training
        adamSteps = checkpoint.stepCount
    }

    var lines: [String] {
        var lines = ["checkpoint: \(parameters) parameters in \(tensors.count) tensors"]
        if let training {
            lines.append(
                "trained for \(training.epoch) epochs and \(training.stepInEpoch) steps (\(training.step) steps in "
                    + "all), seed \(training.seed)")
        } else {
            lines.append("trained for \(adamSteps) steps")
        }
        lines.append(
            "words: \(words.map(String.init) ?? "none"), answers: \(answers.map(String.init) ?? "none")")
        for (key, value) in (configuration ?? [:]).sorted(by: { $0.key < $1.key }) {
            lines.append("  \(key): \(value)")
        }
        for (name, shape) in tensors.sorted(by: { $0.key < $1.key }) { lines.append("  \(name) \(shape)") }
        return lines
    }
}

private struct FeatureSummary: Summary {
    let kind = "features"
    let regions: Int
    let width: Int
    let imageWidth: Int
    let imageHeight: Int

    init(_ path: String) throws {
        let features = try RegionFeatures(officialFile: path)
        regions = features.count
        width = features.width
        imageWidth = features.imageWidth
        imageHeight = features.imageHeight
    }

    var lines: [String] {
        ["features: \(regions) regions, \(width) wide, of an image of \(imageWidth) x \(imageHeight) pixels"]
    }
}

private struct StoreSummary: Summary {
    let kind = "feature store"
    let images: Int
    let regions: Int
    let width: Int
    let dtype: String
    let shards: Int
    let bytes: Int
    let skipped: [SkippedInput]
    let verified: Bool

    init(_ path: String, verifying: Bool) throws {
        let store = try FeatureStore(path)
        if verifying { try store.verify(remembering: VerifiedFiles(), onNotice: Console.note) }
        images = store.imageIDs.count
        regions = store.regionCount
        width = store.width
        dtype = store.precision.rawValue
        shards = store.shardCount
        bytes = store.byteCount
        skipped = store.skipped
        verified = verifying
    }

    var lines: [String] {
        [
            "feature store: \(images) images, \(regions) regions, \(width) wide, as \(dtype)",
            "\(shards) shards, \(bytes) bytes" + (verified ? ", as their checksums say" : ""),
        ] + skipped.map { "left out when packed: \($0)" }
    }
}

private struct DatasetSummary: Summary {
    struct Split: Encodable {
        let split: String
        let questions: Int
        let annotations: Int?
        let images: Int
        let imagesWithoutFeatures: Int?
        /// Why the features cannot be read, where they cannot.
        let featureProblem: String?
    }

    let kind = "dataset"
    let splits: [Split]
    let words: Int
    let answers: Int?

    init(_ path: String) throws {
        let dataset = try OfficialDataset(URL(fileURLWithPath: path))
        splits = try DatasetSplit.allCases.filter(dataset.hasQuestions).map { split in
            let images = Set(try dataset.questions(split).imageIDs)
            let missing = Result {
                try dataset.features([split], maximumRegions: .max, onNotice: Console.note).missing(images)
                    .count
            }
            let isThere = dataset.featurePlaces([split]).contains {
                FileManager.default.fileExists(atPath: $0.location.path)
            }
            return Split(
                split: split.rawValue, questions: try dataset.questions(split).count,
                annotations: dataset.hasAnnotations(split) ? try dataset.annotations(split).count : nil,
                images: images.count,
                imagesWithoutFeatures: try? missing.get(), featureProblem: isThere ? missing.problem : nil)
        }
        words = try dataset.vocabulary().count
        answers = dataset.hasAnnotations(.train) ? try dataset.answers().count : nil
    }

    var lines: [String] {
        var lines = splits.map { split in
            let features =
                switch split.imagesWithoutFeatures {
                case nil: split.featureProblem ?? "no feature folder"
                case 0: "all with features"
                case let missing?: "\(missing) without features"
                }
            let annotations = split.annotations.map { ", \($0) annotations" } ?? ""
            return
                "\(split.split): \(split.questions) questions\(annotations); \(split.images) images, \(features)"
        }
        lines.append("words: \(words), answers: \(answers.map(String.init) ?? "none")")
        return lines
    }
}

extension Result {
    /// What went wrong, in one line; nil for a success.
    fileprivate var problem: String? {
        if case .failure(let error) = self { ErrorLine.text(for: error) } else { nil }
    }
}
