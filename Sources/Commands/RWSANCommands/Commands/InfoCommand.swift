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
    @OptionGroup var dataset: DatasetChoice
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
            if let found = FeatureFolderKind(path) { throw UnknownFile(path: path, found: "\(found)") }
            try show(DatasetSummary(path, as: dataset.type()))
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

/// Something of another kind than `info` looks into.
private struct UnknownFile: Error, CustomStringConvertible {
    let path: String
    let found: String
    var description: String {
        "\(path): expected a checkpoint (safetensors, or a .pkl of the official release), features (.npz), a feature "
            + "store or a datasets folder, found \(found)"
    }
}

/// What a folder that is neither a store nor a dataset holds.
private enum FeatureFolderKind: CustomStringConvertible {
    case unfinishedStore
    case features(Int)

    /// Nil for any other folder.
    init?(_ folder: String) {
        let names = (try? FolderListing(folder))?.visibleNames ?? []
        let count = names.count(where: ImageNaming.isFeatureFile)
        if count > 0 {
            self = .features(count)
        } else if StoreConstruction.hasBegun(among: names) {
            self = .unfinishedStore
        } else {
            return nil
        }
    }

    var description: String {
        switch self {
        case .unfinishedStore:
            "a store that is not finished: the command that began it goes on with it"
        case .features(let count):
            "a folder of \(count) .npz files: name one of them, or '\(Program.name) pack' the folder"
        }
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
            if let start = training.startedFrom {
                lines.append(
                    "started from \(start.checkpoint): \(start.tensors) tensors, \(start.words) words, \(start.answers) answers"
                )
            }
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
    /// What it says of each region.
    let labels: [String]

    init(_ path: String) throws {
        let features = try RegionFeatures(officialFile: path)
        let found = try RegionLabels(officialFile: path)
        labels = labelNames(objects: found != nil, attributes: found?.attributes != nil)
        regions = features.count
        width = features.width
        imageWidth = features.imageWidth
        imageHeight = features.imageHeight
    }

    var lines: [String] {
        [
            "features: \(regions) regions, \(width) wide, of an image of \(imageWidth) x \(imageHeight) pixels"
                + line(ofLabels: labels)
        ]
    }
}

/// What regions are known to be.
private func labelNames(objects: Bool, attributes: Bool) -> [String] {
    (objects ? ["objects"] : []) + (attributes ? ["attributes"] : [])
}

private func line(ofLabels labels: [String]) -> String {
    labels.isEmpty ? "" : ", with \(labels.joined(separator: " and "))"
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
    /// What it says of regions.
    let labels: [String]
    /// Which part of the pictures it is of; nil where it is of all.
    let part: String?

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
        labels = labelNames(objects: store.hasObjects, attributes: store.hasAttributes)
        part = store.part.map { "\($0)" }
    }

    var lines: [String] {
        [
            "feature store: \(images) images, \(regions) regions, \(width) wide, as \(dtype)\(line(ofLabels: labels))",
            "\(shards) shards, \(bytes) bytes" + (verified ? ", as their checksums say" : ""),
        ] + (part.map { ["part \($0) of the pictures: '\(Program.name) pack' joins all parts"] } ?? [])
            + skipped.map { "left out when packed: \($0)" }
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
    let dataset: String
    let splits: [Split]
    let words: Int
    let answers: Int?

    init(_ path: String, as type: any VQADataset.Type) throws {
        let dataset = try type.init(at: .folder(path))
        self.dataset = type.name
        splits = try type.splitNames.compactMap { split in
            try dataset.questions(of: split).map { try Self.summary(of: $0, split, dataset) }
        }
        words = try dataset.vocabulary(reservedWords: [], onNotice: Console.note).count
        answers = splits.contains { $0.annotations != nil } ? try dataset.answers().count : nil
    }

    private static func summary(
        of questions: ReadableQuestions, _ split: String, _ dataset: any VQADataset
    ) throws -> Split {
        let images = Set(questions.images)
        let annotated = questions.count { $0.answer != nil }
        var (missing, problem): (Int?, String?)
        do {
            missing = try dataset.features(of: [split], maximumRegions: .max, onNotice: Console.note)
                .missing(images).count
        } catch is AbsentFeaturesError {
            // Features are made or fetched later.
        } catch {
            problem = ErrorLine.text(for: error)
        }
        return Split(
            split: split, questions: questions.count, annotations: annotated > 0 ? annotated : nil,
            images: images.count, imagesWithoutFeatures: missing, featureProblem: problem)
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
