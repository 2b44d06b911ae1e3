import FileSystem
import Foundation
import Torch
import VQADatasets
import VQAModels
import VQASettings
import VQATraining

/// Writes a model as a repository of the Hugging Face hub: a folder with weights, settings, words, answers and a page that
/// describes it, which ``PublishedModel`` reads back.
///
///     let export = try ModelExport(to: "my-model")
///     _ = try export.write(Answerer(checkpoint: "epoch16.safetensors"))
///
/// Every file appears whole or not at all, and `config.json`, without which the folder is no model, last.
public struct ModelExport {
    /// The folder's path.
    public let folder: String
    private let output: ExportFolder

    /// What was written.
    public struct Summary: Sendable, Encodable {
        /// The folder's path.
        public let output: String
        /// The name of the model's type, as `config.json` has it.
        public let architecture: String
        /// How many numbers the weights have.
        public let parameters: Int
        /// How many words it knows, or pieces of words.
        public let words: Int
        /// How many answers it chooses from.
        public let answers: Int
        /// The accuracy that its page claims, in percent; nil for none.
        public let accuracy: Double?
        /// The names of the files.
        public let files: [String]
    }

    /// - Parameter folder: The folder's path; it is made where it is not there.
    /// - Throws: ``ModelExportError`` where there is something in the folder.
    public init(to folder: String) throws {
        self.folder = folder
        output = try ExportFolder(folder)
    }

    // MARK: - A model of ours

    /// Writes a model of ours; one of transformers', which was fine-tuned, in the form that it has there.
    ///
    /// - Parameters:
    ///   - answerer: The model, in float32.
    ///   - command: The name of the program, for the page's examples.
    /// - Throws: ``ModelExportError`` where the form cannot hold it; `CheckpointError` where its note on features, or
    ///   the accuracies beside the checkpoint, cannot be read; `ArchiveError` or Foundation's error where a file cannot be written.
    public func write(_ answerer: Answerer, command: String = "rwsan") throws -> Summary {
        try Self.requireOwnSettings(answerer)
        let form = try TransformersForm(answerer)
        let card = try ModelCard(answerer, command: command, form: form?.architecture)
        let configuration = try form?.configuration() ?? Self.configuration(of: answerer)
        try Self.requireRoom(
            configuration.count, PublishedFiles.byteLimit, PublishedFiles.configurationFile, answerer)
        let weights = try Self.inFloat32(answerer.model.state())
        var output = output
        typealias Files = PublishedFiles
        output.add(Files.wordFile, try Self.words(of: answerer))
        if let form {
            for file in try form.files() { output.add(file.name, file.contents) }
        } else if let recipe = answerer.featureRecipe {
            output.add(Files.recipeFile, Data(recipe.utf8))
        }
        output.add(Self.cardFile, Data(card.text.utf8))
        output.add(Files.weightFiles[0]) { try Self.save(weights, to: $0) }
        output.add(Files.configurationFile, configuration)
        try output.write()
        return Summary(
            output: folder,
            architecture: form?.architecture.rawValue ?? answerer.configuration.model.architecture,
            parameters: weights.values.reduce(0) { $0 + $1.count }, words: answerer.vocabulary.count,
            answers: answerer.answers.count, accuracy: card.accuracy?.overall,
            files: output.files.map(\.name))
    }

    /// Makes sure that a model has the settings that it was trained with.
    private static func requireOwnSettings(_ answerer: Answerer) throws(ModelExportError) {
        // The page would say that it was trained with them.
        guard let changed = answerer.configuration.changedKeys.min(), answerer.training != nil else { return }
        throw ModelExportError(
            path: answerer.path,
            reason:
                "expected no other settings than those that it was trained with, found \(changed): leave it out"
        )
    }

    /// The page that the hub shows of a model.
    package static let cardFile = "README.md"

    private static func save(_ weights: [String: Tensor], to path: String) throws {
        // What Python's libraries look for.
        try saveSafetensors(weights, metadata: ["format": "pt"], to: path)
    }

    private static func inFloat32(_ weights: [String: Tensor]) throws -> [String: Tensor] {
        let halves: Set<DType> = [.float16, .bfloat16, .float64]
        return try weights.mapValues { halves.contains($0.dtype) ? try $0.converted(to: .float32) : $0 }
    }

    private static func words(of answerer: Answerer) throws -> [UInt8] {
        let bytes = try CheckpointError.naming(answerer.path) { try answerer.vocabulary.fileContents() }
        try requireRoom(bytes.count, VocabularyFile.byteLimit, PublishedFiles.wordFile, answerer)
        return bytes
    }

    /// The `config.json`: what it is, every setting by key, and the answers by number.
    private static func configuration(of answerer: Answerer) throws -> Data {
        let architecture = answerer.configuration.model.architecture
        var members: [(key: String, value: String)] = [
            (OwnModelKey.architectures.rawValue, try HubJSON.text([architecture])),
            (OwnModelKey.modelType.rawValue, try HubJSON.text(OwnModelKey.modelType(architecture))),
            (OwnModelKey.format.rawValue, try HubJSON.text(OwnModelKey.currentFormat)),
        ]
        for (key, value) in answerer.configuration.values {
            guard OwnModelKey(rawValue: key) == nil else {
                throw ModelExportError(
                    path: answerer.path,
                    reason:
                        "expected settings of other names than config.json has itself, found \(key): rename it in the model"
                )
            }
            members.append((key, try HubJSON.text(value)))
        }
        let answers = try answerer.answers.answers.enumerated().map { ("\($0)", try HubJSON.text($1)) }
        members.append((OwnModelKey.answers.rawValue, try HubJSON.object(answers)))
        return try HubJSON.file(members)
    }

    /// Makes sure that a file will be read again.
    private static func requireRoom(_ count: Int, _ limit: Int, _ file: String, _ answerer: Answerer)
        throws(ModelExportError)
    {
        guard count > limit else { return }
        throw ModelExportError(
            path: answerer.path, reason: "expected at most \(limit) bytes for \(file), found \(count)")
    }

    // MARK: - One that is published already

    /// What belongs to a published model beside its weights and `config.json`, whichever there is.
    private static let belongings = [
        PublishedFiles.wordFile, PublishedFiles.answerFile, PublishedFiles.pieceFile,
        PublishedFiles.pictureFile,
        PublishedFiles.recipeFile, "special_tokens_map.json", cardFile,
    ]
    private static let belongingByteLimit = 16 << 20

    /// Writes a published model again, in the form that it has: its weights as safetensors, all else as it is.
    ///
    /// - Parameters:
    ///   - model: The folder of the model.
    ///   - answerFile: Its answers, where they are not in the folder; nil for those there.
    ///   - wordFile: Its words, where they are not in the folder; nil for those there.
    ///   - options: The models and datasets that there are.
    /// - Throws: As `PublishedModel` where it is none; ``ModelExportError`` where a file is too long; `ArchiveError` or
    ///   Foundation's error where one cannot be written.
    public func write(
        publishedModel model: String, answerFile: String? = nil, wordFile: String? = nil,
        _ options: Answerer.Options = Answerer.Options()
    ) throws -> Summary {
        let published = try PublishedModel(
            folder: model, answerFile: answerFile, wordFile: wordFile, models: options.models,
            datasets: options.datasets)
        let network = try published.network(published.configuration)
        let files = PublishedFiles(model)
        let weights = try files.allWeights()
        var output = output
        for name in Self.belongings {
            let given = name == PublishedFiles.wordFile ? wordFile : nil
            let path = given ?? files.path(name)
            if given != nil || files.exists(name) { output.add(name, try Self.contents(of: path)) }
        }
        if published.form == .transformers(.lxmert),
            !files.exists(PublishedFiles.answerFile) || answerFile != nil
        {
            output.add(
                PublishedFiles.answerFile, Data(try HubJSON.text(published.answers.answers).utf8))
        }
        output.add(PublishedFiles.weightFiles[0]) { try Self.save(weights, to: $0) }
        output.add(
            PublishedFiles.configurationFile,
            try Self.contents(of: files.path(PublishedFiles.configurationFile)))
        try output.write()
        return Summary(
            output: folder, architecture: published.form.name,
            parameters: network.parameters().reduce(0) { $0 + $1.count }, words: published.vocabulary.count,
            answers: published.answers.count, accuracy: nil, files: output.files.map(\.name))
    }

    private static func contents(of path: String) throws -> Data {
        do {
            return try SmallFile.contents(of: path, byteLimit: belongingByteLimit)
        } catch let error as SmallFileError {
            throw ModelExportError(path: path, reason: "\(error)")
        }
    }
}
