import Foundation
import Torch
import VQADatasets
import VQAModels
import VQASettings
import VQATraining
import VQAVision

/// A model in the form in which the Hugging Face hub publishes it: a folder with `config.json`, weights, words, answers,
/// and the way in which pictures become its input. It is one of those that transformers has, or one of ours, as
/// ``ModelExport`` writes it.
///
/// Nothing in the folder is executed.
public struct PublishedModel {
    /// Where the files of a published model are.
    public struct Source: Sendable {
        /// What it is called: a repository, or its folder.
        public var name: String
        /// The folder's path.
        public var folder: String
        /// Its answers, where they are not in the folder.
        public var answerFile: String?
        /// Its words, where they are not in the folder.
        public var wordFile: String?

        /// - Parameters: as the properties.
        public init(name: String, folder: String, answerFile: String? = nil, wordFile: String? = nil) {
            (self.name, self.folder, self.answerFile, self.wordFile) = (name, folder, answerFile, wordFile)
        }
    }

    /// The folder's path.
    public let folder: String
    /// The network's settings; of a model of ours, also those that it was trained with.
    let configuration: Configuration
    /// The words that it knows.
    let vocabulary: Vocabulary
    /// The answers that it chooses from.
    let answers: AnswerList
    /// How its input is made of pictures, as JSON; nil where that is not known.
    let featureRecipe: String?
    /// Whose form it has.
    let form: PublishedForm

    /// Reads all but the weights.
    ///
    /// - Parameters:
    ///   - folder: The folder's path.
    ///   - answerFile: A list of answers in place of the folder's own, `["yes", ...]`; of a model of ours, one that says the
    ///     same, in the official form. Nil for the folder's.
    ///   - wordFile: A `vocab.txt` in place of the folder's own; nil for that.
    ///   - models: The models of ours that there are.
    ///   - datasets: The datasets that these can have been trained on.
    /// - Throws: ``PublishedModelError`` where the model is of another kind, or a file is missing or does not fit the
    ///   others; `DatasetFileError` or `PatchSettingsError` where one cannot be read; ``OtherAnswerListError`` where the
    ///   answers of a model of ours are others.
    public init(
        folder: String, answerFile: String? = nil, wordFile: String? = nil,
        models: ModelRegistry = .standard, datasets: DatasetRegistry = .standard
    ) throws {
        let files = PublishedFiles(folder)
        form = try files.form(models)
        self.folder = folder
        switch form {
        case .own(let architecture):
            let own = try files.ownConfiguration(architecture, models, datasets)
            configuration = own.configuration
            vocabulary = try files.ownWords(wordFile)
            answers = try files.ownAnswers(own.answers, answerFile)
            featureRecipe = try files.ownRecipe()
        case .transformers(let architecture):
            let published = try files.configuration()
            if let problem = published.problem(architecture) {
                throw PublishedModelError(path: files.path(PublishedFiles.configurationFile), reason: problem)
            }
            let settings = published.settings(architecture)
            vocabulary = Vocabulary(pieces: try files.wordPiece(wordFile, count: published.vocabularySize))
            switch architecture {
            case .viLT:
                answers = try files.answers(numbered: published.answers, answerFile)
                let recipe = try files.patchRecipe(published.patchSide)
                // None of a picture's patches is left out.
                configuration = try files.settings(
                    settings + [("img_feat_pad_size", .int(recipe.mostPatches))], datasets)
                featureRecipe = String(decoding: try FeatureRecipe.patches(recipe).json(), as: UTF8.self)
            case .lxmert:
                answers = try files.listedAnswers(count: published.lxmertAnswerCount, answerFile)
                configuration = try files.settings(settings, datasets)
                featureRecipe = try files.ownRecipe()
            }
        }
    }

    /// The network with its weights.
    ///
    /// - Parameters:
    ///   - configuration: Its settings.
    ///   - onFile: Given the file on whose pages the weights lie, where they do.
    /// - Throws: ``PublishedModelError`` where weights are missing or do not fit; what reading them throws.
    func network(_ configuration: Configuration, onFile: (SafetensorsFile) -> Void = { _ in }) throws
        -> any VQAModel
    {
        let inputs = configuration.inputs(words: vocabulary.count, answers: answers.count)
        let files = PublishedFiles(folder)
        do {
            switch form {
            case .transformers:
                let names = try configuration.model.tensorNames(inputs)
                return try configuration.model.make(
                    inputs, weights: files.weights(named: names, onFile: onFile), isAdopting: true)
            case .own:
                // Copied to where a checkpoint's weights would lie: products of matrices look at that, in their last bits.
                return try configuration.model.make(inputs, weights: files.ownWeights())
            }
        } catch let mismatch as StateMismatch {
            guard case .own = form else { throw PublishedModelError(path: folder, reason: "\(mismatch)") }
            throw files.unfit(mismatch, words: vocabulary.count, answers: answers.count)
        }
    }

    /// What a new run starts from: weights, settings of the network and its input, words and answers.
    ///
    /// - Throws: ``PublishedModelError`` where there are no weights; what reading them throws.
    func checkpoint() throws -> Checkpoint {
        let files = PublishedFiles(folder)
        var checkpoint = Checkpoint(weights: [:])
        var settings = configuration.dictionary
        switch form {
        case .transformers:
            let names = try configuration.model.tensorNames(
                configuration.inputs(words: vocabulary.count, answers: answers.count))
            checkpoint.weights = try files.weights(named: names)
            // That of the file is for answering; the preset has what the authors trained with.
            settings["dropout_r"] = nil
        case .own: checkpoint.weights = try files.ownWeights()
        }
        checkpoint.settings = settings
        checkpoint.vocabulary = vocabulary
        checkpoint.answers = answers
        checkpoint.featureRecipe = featureRecipe
        return checkpoint
    }

    /// The files of a published model besides its `config.json`, which tells them.
    package struct NeededFiles {
        /// What it cannot do without: of each line, the first that there is.
        package let needed: [[String]]
        /// What it takes where it is there.
        package let wanted: [String]
        /// Its words, where they may be those of BERT instead.
        package let words: String?
        /// Its answers, where they are in a file of their own.
        package let answers: String?
    }

    /// - Parameters:
    ///   - folder: A folder with a `config.json`.
    ///   - models: The models of ours that there are.
    /// - Throws: ``PublishedModelError`` where there is none, or it is of another kind.
    package static func neededFiles(_ folder: String, models: ModelRegistry) throws -> NeededFiles {
        typealias Files = PublishedFiles
        switch try Files(folder).form(models) {
        case .own:
            return NeededFiles(
                needed: [[Files.wordFile], [Files.weightFiles[0]]], wanted: [Files.recipeFile], words: nil,
                answers: nil)
        case .transformers(.viLT):
            return NeededFiles(
                needed: [[Files.wordFile], [Files.pictureFile], Files.weightFiles], wanted: [Files.pieceFile],
                words: nil, answers: nil)
        case .transformers(.lxmert):
            return NeededFiles(
                needed: [Files.weightFiles], wanted: [Files.pieceFile, Files.recipeFile],
                words: Files.wordFile,
                answers: Files.answerFile)
        }
    }
}

/// Whose form a published model has.
enum PublishedForm: Equatable {
    /// That of transformers.
    case transformers(PublishedArchitecture)
    /// Ours, of the model whose type has this name.
    case own(String)

    /// What `architectures` has for it.
    var name: String {
        switch self {
        case .transformers(let architecture): architecture.rawValue
        case .own(let name): name
        }
    }
}

/// A folder that holds no published model, or one of another kind, or not all of one.
public struct PublishedModelError: Error, Sendable, CustomStringConvertible {
    /// The file or folder at fault.
    public let path: String
    /// What was expected and what was found.
    public let reason: String

    /// One line.
    public var description: String { "\(path): \(reason)" }
}
