import Foundation
import Torch
import VQADatasets
import VQAModels
import VQATraining

/// The checkpoint whose weights a new run starts with, though its words and answers may be others.
///
/// Weights that do not depend on words and answers are taken as they are. Of those with a row a word, as the word
/// embedding, the rows of words that both know are taken, and of those with a row an answer, as the output's weight and
/// bias, the rows of answers that both choose from. The rest keeps its start values, and so does the optimizer. A model that
/// reads pieces of words keeps all of them.
struct StartingPoint {
    /// The checkpoint's path, or what a published model is called.
    let path: String
    /// Answers that count where all of the dataset's own are among them: those of a published model.
    let knownAnswers: AnswerList?
    private let checkpoint: Checkpoint

    /// Reads the checkpoint.
    ///
    /// - Throws: As `Checkpoint.init(contentsOf:)`.
    init(_ path: String) throws {
        self.path = path
        knownAnswers = nil
        checkpoint = try Checkpoint(contentsOf: path)
    }

    /// Reads a published model.
    ///
    /// - Throws: As `PublishedModel`.
    init(_ source: PublishedModel.Source, models: ModelRegistry, datasets: DatasetRegistry) throws {
        let model = try PublishedModel(
            folder: source.folder, answerFile: source.answerFile, wordFile: source.wordFile, models: models,
            datasets: datasets)
        path = source.name
        knownAnswers = model.answers
        checkpoint = try model.checkpoint()
    }

    /// What a run is to start from; nil where it starts anew, or goes on.
    ///
    /// - Throws: As `Checkpoint.init(contentsOf:)` and `PublishedModel`.
    init?(_ request: TrainingRun.Request) throws {
        if let path = request.startFrom {
            try self.init(path)
        } else if let source = request.startFromModel {
            let registries = request.configuration.registries
            try self.init(source, models: registries.models, datasets: registries.datasets)
        } else {
            return nil
        }
    }

    /// The words of a model that reads pieces of them; nil for one whose words are the dataset's.
    var pieces: Vocabulary? { checkpoint.vocabulary.flatMap { $0.hasPieces ? $0 : nil } }

    /// How its input was made of pictures, as JSON; nil where that is not known.
    var featureRecipe: String? { checkpoint.featureRecipe }

    /// The settings that the shapes of its weights follow from, on top of which those count that somebody has set.
    ///
    /// - Throws: `CheckpointError` where it is of a model that the registry lacks.
    func configuration(_ request: Configuration) throws -> Configuration {
        guard let settings = checkpoint.settings else { return request }
        return try CheckpointError.naming(path) {
            let model = try request.restored(from: settings.filter { $0.key == "model" })
            // A model that brings its words reads as many of them, and of a picture, as it was published for.
            let inputKeys = pieces == nil ? [] : ["max_token", "img_feat_pad_size"]
            let keys = Set(Self.networkKeys(of: model) + inputKeys)
            var adopted = try request.restored(from: settings.filter { keys.contains($0.key) })
            try adopted.apply(request.values.filter { request.changedKeys.contains($0.key) })
            return adopted
        }
    }

    private static func networkKeys(of configuration: Configuration) -> [String] {
        ["model", "img_feat_size"] + configuration.model.options.values.map(\.key)
    }

    /// What is to be taken for a network that has not been built yet.
    ///
    /// - Parameters:
    ///   - configuration: The settings of the network.
    ///   - data: Its words and answers.
    /// - Throws: `CheckpointError` where the checkpoint is of another model, or of other sizes.
    func transfer(to configuration: Configuration, _ data: TrainingData) throws -> WeightTransfer {
        let rows = try WeightRows(configuration, words: data.vocabulary.count, answers: data.answers.count)
        try requireFit(rows, configuration)
        return WeightTransfer(
            weights: checkpoint.weights, rows: rows,
            words: pieces.map { (0..<$0.count).map { ($0, $0) } }
                ?? matches(data.vocabulary.words, checkpoint.vocabulary?.words),
            answers: matches(data.answers.answers, checkpoint.answers?.answers), path: path)
    }

    /// Where the features were made otherwise than those that the checkpoint has learned from, in one line.
    func otherFeatures(than recipe: String?) -> String? {
        guard let recipe, let own = checkpoint.featureRecipe, recipe != own else { return nil }
        return
            "\(path) has learned from features that were made otherwise: what it knows of regions may be of no use here"
    }

    /// The places of texts that both lists have, in the order of the new one.
    private func matches(_ new: [String], _ old: [String]?) -> [(new: Int, old: Int)] {
        let places = Dictionary(
            (old ?? []).enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        return new.enumerated().compactMap { place, text in places[text].map { (place, $0) } }
    }

    /// Makes sure that its weights are those of the network that the settings make with its own words and answers.
    private func requireFit(_ rows: WeightRows, _ configuration: Configuration) throws {
        let words = checkpoint.vocabulary?.count ?? rowCount(of: rows.ofWords)
        let answers = checkpoint.answers?.count ?? rowCount(of: rows.ofAnswers)
        do {
            try configuration.model.requireFit(
                checkpoint.weights, configuration.inputs(words: words ?? 1, answers: answers ?? 1))
        } catch {
            throw CheckpointError(
                path: path,
                reason: UnfitCheckpoint.reason(error, of: checkpoint, configuration) ?? differences(
                    configuration)
                    ?? "\(error)")
        }
    }

    /// How many rows the checkpoint has where the network has one a word, or an answer.
    private func rowCount(of names: Set<String>) -> Int? {
        names.sorted().lazy.compactMap { checkpoint.weights[$0]?.shape.first }.first { $0 > 0 }
    }

    private func differences(_ configuration: Configuration) -> String? {
        let values = configuration.dictionary
        let differing = Self.networkKeys(of: configuration).compactMap { key -> String? in
            guard let before = checkpoint.settings?[key], let now = values[key], before != now else {
                return nil
            }
            return "\(key) = \(now), where it has \(before)"
        }
        guard !differing.isEmpty else { return nil }
        return "a run cannot start from it with \(differing.joined(separator: "; "))"
    }
}

/// Weights of a checkpoint on their way into a new network.
struct WeightTransfer {
    fileprivate let weights: [String: Tensor]
    fileprivate let rows: WeightRows
    /// The places of words that both know.
    fileprivate let words: [(new: Int, old: Int)]
    /// The places of answers that both choose from.
    fileprivate let answers: [(new: Int, old: Int)]
    fileprivate let path: String

    /// Puts the weights into the network, which has its start values and lies on the CPU.
    ///
    /// - Returns: What was taken.
    /// - Throws: `TorchError` where memory is short.
    func start(_ model: any VQAModel) throws -> StartRecord {
        var record = StartRecord(checkpoint: path, words: words.count, answers: answers.count)
        try withoutGradients {
            for (name, tensor) in model.namedParameters() + model.namedBuffers() {
                guard let value = weights[name] else { continue }
                if rows.ofWords.contains(name) {
                    try Self.copy(words, from: value, to: tensor)
                } else if rows.ofAnswers.contains(name) {
                    try Self.copy(answers, from: value, to: tensor)
                } else {
                    try tensor.copy(from: value)
                    record.tensors += 1
                }
            }
        }
        return record
    }

    private static func copy(_ rows: [(new: Int, old: Int)], from old: Tensor, to new: Tensor) throws {
        guard let count = new.shape.first, count > 0, !rows.isEmpty else { return }
        let width = new.count / count
        let source: [Float] = try old.converted(to: .float32).contiguous().array()
        var values: [Float] = try new.detached().contiguous().array()
        for row in rows {
            values.replaceSubrange(
                row.new * width..<(row.new + 1) * width, with: source[row.old * width..<(row.old + 1) * width]
            )
        }
        try new.copy(from: Tensor(values, shape: new.shape))
    }
}

/// Which weights of a network have a row for each word, and which for each answer.
struct WeightRows {
    let ofWords: Set<String>
    let ofAnswers: Set<String>

    /// Compares the shapes of networks that differ in nothing but one word, or one answer.
    ///
    /// - Throws: `TorchError` where the network looks at numbers while it is built.
    init(_ configuration: Configuration, words: Int, answers: Int) throws {
        func shapes(_ words: Int, _ answers: Int) throws -> [String: [Int]] {
            try ShapesOnly.run {
                let network = try configuration.model.make(
                    configuration.inputs(words: words, answers: answers))
                return Dictionary(
                    (network.namedParameters() + network.namedBuffers()).map { ($0.name, $0.tensor.shape) },
                    uniquingKeysWith: { $1 })
            }
        }
        let own = try shapes(words, answers)
        func growing(_ other: [String: [Int]]) -> Set<String> {
            Set(own.filter { name, shape in shape != other[name] }.keys)
        }
        ofWords = growing(try shapes(words + 1, answers))
        ofAnswers = growing(try shapes(words, answers + 1))
    }
}

/// A run that is to begin in more than one way.
public struct StartAndResumeError: Error, Sendable, CustomStringConvertible {
    /// The options that were given.
    private let options: [String]

    /// - Parameter options: The options that were given, by name, and whether each was.
    /// - Returns: Nil where there is nothing wrong.
    package init?(_ options: [(name: String, isGiven: Bool)]) {
        self.options = options.filter(\.isGiven).map(\.name)
        guard self.options.count > 1 else { return nil }
    }

    /// Nil where a request begins in one way.
    init?(_ request: TrainingRun.Request) {
        self.init([
            ("--resume", request.resume != nil), ("--start-from", request.startFrom != nil),
            ("--model", request.startFromModel != nil),
        ])
    }

    /// One line.
    public var description: String {
        "expected one of --resume, which goes on with a run, --start-from and --model, which begin one; found "
            + "\(options.count == 2 ? "both " : "")\(options.joined(separator: " and "))"
    }
}
