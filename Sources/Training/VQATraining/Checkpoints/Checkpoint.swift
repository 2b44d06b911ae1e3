import FileSystem
import Foundation
import Torch
import VQADatasets
import VQASettings

/// A trained, or half trained, model in one file: enough to resume, to predict and to serve.
///
/// The file is safetensors. The weights have the official parameter names; beside them lie what the optimizer keeps
/// (Adam: `optimizer.mean.<name>`, `optimizer.square.<name>`) and the random generators' states (`random.cpu`, and
/// `random.cuda.0` and so on of a run on GPUs).
/// The metadata holds `configuration`, `words` (or `pieces` of words), `answers`, `training` and `features` as JSON, and
/// checksums of all.
public struct Checkpoint: Sendable {
    /// The weights, by official name.
    public var weights: [String: Tensor]
    /// The settings the model was built and trained with, by key; nil where the file holds none.
    public var settings: [String: SettingValue]?
    /// The words the model knows; nil where the file holds none.
    public var vocabulary: Vocabulary?
    /// The answers the model chooses from; nil where the file holds none.
    public var answers: AnswerList?
    /// Where training stands; nil in a file from elsewhere.
    public var training: TrainingState?
    /// How the features were made from pictures, as JSON; nil where that is not known.
    public var featureRecipe: String?
    /// What the optimizer keeps of each parameter; empty where there is nothing.
    package var optimizerState: OptimizerState
    /// How many steps the optimizer has made.
    package var stepCount: Int
    /// The base learning rate that an official checkpoint holds.
    package var officialLearningRateBase: Double?
    /// How many epochs were finished, where an official checkpoint says so: openvqa's do.
    package var officialEpoch: Int?
    /// How many epochs were finished as the name of an official checkpoint says: `epoch<E>.pkl`; nil for other names.
    package var namedEpoch: Int?
    /// Why the optimizer's state that an official checkpoint holds cannot be gone on with; nil where it can, or there
    /// is none.
    package var optimizerProblem: String?
    /// The state of the CPU's random generator; nil where there is none.
    package var generatorState: Tensor?
    /// The states of the random generators of the GPUs that it was trained on, in their order; empty where those
    /// were none.
    package var deviceGeneratorStates: [Tensor] = []

    /// A checkpoint of nothing but weights.
    public init(weights: [String: Tensor]) {
        self.weights = weights
        optimizerState = [:]
        stepCount = 0
    }

    /// Reads a checkpoint of ours, a safetensors file, or one of an official release (RWSAN's, mcan-vqa's or openvqa's),
    /// which is read and never executed. Content tells these apart, not names.
    ///
    /// - Throws: `CheckpointError` where the file is no checkpoint; what the readers throw where it is
    ///   missing or damaged.
    public init(contentsOf path: String) throws {
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue {
            throw CheckpointError(
                path: path, reason: "expected a checkpoint, found a folder: name one of the files in it")
        }
        switch FileKind(contentsOf: path) {
        case .zip?, .pickle?: self = try OfficialCheckpoint.read(path)
        // Where there is no such file, the reader says so.
        case .safetensors?, nil: try self.init(safetensors: path)
        case let kind?:
            throw CheckpointError(
                path: path,
                reason:
                    "expected a checkpoint, a safetensors file of rwsan or a .pkl of the official release, "
                    + "found \(kind)")
        }
    }

    private enum Names {
        static let optimizer = "optimizer."
        static let generator = "random.cpu"
        static let deviceGenerator = "random.cuda."
        static let format = "rwsan-checkpoint-1"
    }

    private init(safetensors path: String) throws {
        let file = try SafetensorsFile(path: path)
        let metadata = file.metadata
        guard metadata["format"] == Names.format else {
            throw CheckpointError(
                path: path,
                reason: "expected a checkpoint of rwsan (format \(Names.format)), found a "
                    + "safetensors file of format \(metadata["format"] ?? "unknown")")
        }
        let tensors = try CheckpointChecksums.tensors(of: file)
        self.init(weights: [:])
        func decode<Value: Decodable>(_ key: String, _ type: Value.Type) throws -> Value? {
            guard let text = metadata[key] else { return nil }
            guard text.utf8.count(where: { $0 == UInt8(ascii: ",") }) < Self.mostValues else {
                throw CheckpointError(
                    path: path,
                    reason:
                        "expected at most \(Self.mostValues) values in its \(key), found more: it is no checkpoint of rwsan's"
                )
            }
            do {
                return try JSONDecoder().decode(type, from: Data(text.utf8))
            } catch {
                throw CheckpointError(path: path, reason: "its \(key) cannot be read")
            }
        }
        settings = try decode("configuration", [String: SettingValue].self)
        vocabulary = try decode("words", [String].self).map { words in
            try CheckpointError.naming(path) { try Vocabulary(words: words) }
        }
        if let pieces = try decode("pieces", WordPieceList.self) {
            vocabulary = try CheckpointError.naming(path) { try Vocabulary(pieces) }
        }
        answers = try decode("answers", [String].self).map { answers in
            try CheckpointError.naming(path) { try AnswerList(answers: answers) }
        }
        training = try decode("training", TrainingState.self)
        if let training { try Self.requirePossible(training, path) }
        featureRecipe = metadata["features"]
        stepCount = training?.optimizerSteps ?? 0
        for (name, tensor) in tensors {
            if name == Names.generator {
                generatorState = tensor
            } else if name.hasPrefix(Names.deviceGenerator) {
                continue
            } else if name.hasPrefix(Names.optimizer) {
                let parts = name.dropFirst(Names.optimizer.count).split(separator: ".", maxSplits: 1)
                guard parts.count == 2 else {
                    throw CheckpointError(
                        path: path, reason: "expected \(Names.optimizer)WHAT.PARAMETER, found \(name)")
                }
                optimizerState[String(parts[1]), default: [:]][String(parts[0])] = tensor
            } else {
                weights[name] = tensor
            }
        }
        try requireWholeOptimizerState(path)
        while let state = tensors[Names.deviceGenerator + "\(deviceGeneratorStates.count)"] {
            deviceGeneratorStates.append(state)
        }
    }

    /// More words, answers or settings than any model has.
    private static let mostValues = 1 << 20

    /// Makes sure that a run can stand where a checkpoint says that it does.
    private static func requirePossible(_ training: TrainingState, _ path: String) throws(CheckpointError) {
        guard !training.isPossible else { return }
        throw CheckpointError(
            path: path,
            reason:
                "expected a training state that a run can be in, found \(training.summary): go on from another "
                + "checkpoint, for this one is damaged")
    }

    /// Makes sure that the optimizer keeps the same of every parameter.
    private func requireWholeOptimizerState(_ path: String) throws(CheckpointError) {
        let all = Set(optimizerState.values.flatMap(\.keys))
        for (name, state) in optimizerState {
            guard let missing = all.subtracting(state.keys).min() else { continue }
            throw CheckpointError(path: path, reason: "it lacks \(Names.optimizer)\(missing).\(name)")
        }
    }

    /// How many steps a checkpoint of ours has made, from the file's head alone.
    ///
    /// - Throws: As `init(contentsOf:)`.
    static func stepCount(of path: String) throws -> Int {
        let file = try SafetensorsFile(path: path)
        _ = try CheckpointChecksums.stated(in: file.metadata, of: path)
        guard let text = file.metadata["training"],
            let training = try? JSONDecoder().decode(TrainingState.self, from: Data(text.utf8))
        else {
            throw CheckpointError(path: path, reason: "expected a checkpoint that training can go on from")
        }
        try requirePossible(training, path)
        return training.step
    }

    /// Writes the checkpoint, whole or not at all: a kill at any moment leaves the old file or the new one.
    ///
    /// - Parameters:
    ///   - path: Where it goes.
    ///   - durably: As in `AtomicFile.commit(durably:)`.
    /// - Throws: `ArchiveError` where the file cannot be written, as when the disk is full.
    public func write(to path: String, durably: Bool = true) throws {
        var tensors = weights
        for (name, state) in optimizerState {
            for (what, tensor) in state { tensors["\(Names.optimizer)\(what).\(name)"] = tensor }
        }
        tensors[Names.generator] = generatorState
        for (index, state) in deviceGeneratorStates.enumerated() {
            tensors[Names.deviceGenerator + "\(index)"] = state
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        func json(_ value: some Encodable) throws -> String {
            String(decoding: try encoder.encode(value), as: UTF8.self)
        }
        var metadata = ["format": Names.format]
        metadata["configuration"] = try settings.map { try json($0) }
        if let pieces = vocabulary?.pieceList {
            metadata["pieces"] = try json(pieces)
        } else {
            metadata["words"] = try vocabulary.map { try json($0.words) }
        }
        metadata["answers"] = try answers.map { try json($0.answers) }
        metadata["training"] = try training.map { try json($0) }
        metadata["features"] = featureRecipe
        metadata = try CheckpointChecksums.added(to: metadata, of: tensors)
        try saveSafetensors(tensors, metadata: metadata, to: path, durably: durably)
    }
}

/// A file that is no checkpoint, or not one for the purpose.
public struct CheckpointError: Error, Sendable, CustomStringConvertible {
    /// The file.
    public let path: String
    /// What was expected and found.
    public let reason: String

    /// - Parameters:
    ///   - path: The file.
    ///   - reason: What was expected and found.
    package init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }

    /// One line.
    public var description: String { "\(path): \(reason)" }

    /// Runs `body`, whose errors come from what the checkpoint at `path` holds, and names it in them.
    package static func naming<Result>(_ path: String, _ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as CheckpointError {
            throw error
        } catch {
            throw CheckpointError(path: path, reason: "\(error)")
        }
    }
}
