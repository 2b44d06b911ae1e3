import FileSystem
import Foundation
import Torch
import VQADatasets
import VQAModels
import VQASettings
import VQAVision

/// A model in the form in which the Hugging Face hub publishes it: a folder with `config.json`, weights, words, answers,
/// and the way in which pictures become its input.
///
/// Nothing in the folder is executed.
public struct PublishedModel {
    /// The folder's path.
    public let folder: String
    /// The network's settings, by key.
    let settings: [(key: String, value: SettingValue)]
    /// The words that it knows.
    let vocabulary: Vocabulary
    /// The answers that it chooses from.
    let answers: AnswerList
    /// How its input is made of pictures; nil where a detector makes it.
    let recipe: FeatureRecipe?

    /// Reads all but the weights.
    ///
    /// - Parameters:
    ///   - folder: The folder's path.
    ///   - answerFile: A list of answers, `["yes", ...]`, in place of the folder's own; nil for that.
    ///   - wordFile: A `vocab.txt` in place of the folder's own; nil for that.
    /// - Throws: ``PublishedModelError`` where the model is of another kind, or a file is missing or does not fit the
    ///   others; `DatasetFileError` or `PatchSettingsError` where one cannot be read.
    public init(folder: String, answerFile: String? = nil, wordFile: String? = nil) throws {
        self.folder = folder
        let files = PublishedFiles(folder)
        let configuration = try files.configuration()
        let architecture = try files.architecture(configuration)
        if let problem = configuration.problem(architecture) {
            throw PublishedModelError(path: files.path("config.json"), reason: problem)
        }
        settings = configuration.settings(architecture)
        vocabulary = Vocabulary(pieces: try files.wordPiece(wordFile, count: configuration.vocabularySize))
        switch architecture {
        case .viLT:
            answers = try files.answers(numbered: configuration.answers, answerFile)
            recipe = .patches(
                try PatchRecipe(
                    PatchSettings(contentsOf: files.path("preprocessor_config.json")),
                    patchSize: configuration.patchSide))
        case .lxmert:
            answers = try files.listedAnswers(count: configuration.lxmertAnswerCount, answerFile)
            recipe = nil
        }
    }

    /// The network with its weights.
    ///
    /// - Throws: ``PublishedModelError`` where weights are missing or do not fit; what reading them throws.
    func network(_ configuration: Configuration) throws -> any VQAModel {
        let inputs = configuration.inputs(words: vocabulary.count, answers: answers.count)
        do {
            let names = try configuration.model.tensorNames(inputs)
            let weights = try PublishedFiles(folder).weights(named: names)
            return try configuration.model.make(inputs, weights: weights, isAdopting: true)
        } catch let mismatch as StateMismatch {
            throw PublishedModelError(path: folder, reason: "\(mismatch)")
        }
    }

    /// The files of a published model besides its `config.json`, which tells them.
    package struct NeededFiles {
        /// What it cannot do without: of each line, the first that there is.
        package let needed: [[String]]
        /// What it takes where it is there.
        package let wanted: [String]
        /// Its words.
        package let words = "vocab.txt"
        /// Its answers, where they are in a file of their own.
        package let answers: String?
    }

    /// - Parameter folder: A folder with a `config.json`.
    /// - Throws: ``PublishedModelError`` where there is none, or it is of another kind.
    package static func neededFiles(_ folder: String) throws -> NeededFiles {
        let files = PublishedFiles(folder)
        let isViLT = try files.architecture(files.configuration()) == .viLT
        return NeededFiles(
            needed: (isViLT ? [["preprocessor_config.json"]] : []) + [PublishedFiles.weightFiles],
            wanted: ["tokenizer_config.json"], answers: isViLT ? nil : PublishedFiles.answerFile)
    }
}

/// The folder of a published model.
struct PublishedFiles {
    private let folder: URL

    init(_ folder: String) { self.folder = URL(fileURLWithPath: folder) }

    /// LXMERT's answers.
    static let answerFile = "trainval_label2ans.json"

    /// Configurations and lists of answers have some 200 kB.
    private static let byteLimit = 8 << 20

    func path(_ name: String) -> String { url(name).relativePath }

    private func url(_ name: String) -> URL { folder.appending(path: name) }

    private func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }

    /// Reads a file of JSON.
    private func decoded<Contents: Decodable>(_ type: Contents.Type, _ path: String) throws -> Contents {
        do {
            return try JSONDecoder().decode(
                type, from: SmallFile.contents(of: path, byteLimit: Self.byteLimit))
        } catch let error as SmallFileError {
            throw PublishedModelError(path: path, reason: "\(error)")
        } catch let error as DecodingError {
            throw PublishedModelError(path: path, reason: error.whatIsWrong)
        } catch {
            throw PublishedModelError(path: path, reason: "it cannot be read: \(systemReason(of: error))")
        }
    }

    func configuration() throws -> PublishedConfiguration {
        guard exists("config.json") else {
            throw PublishedModelError(
                path: folder.relativePath,
                reason: "expected a folder with a published model's config.json in it, found none")
        }
        return try decoded(PublishedConfiguration.self, path("config.json"))
    }

    func architecture(_ configuration: PublishedConfiguration) throws(PublishedModelError)
        -> PublishedArchitecture
    {
        let found = configuration.architectures ?? []
        guard let architecture = found.lazy.compactMap(PublishedArchitecture.init).first else {
            let known = PublishedArchitecture.allCases.map(\.rawValue).joined(separator: " or ")
            throw PublishedModelError(
                path: path("config.json"),
                reason: "architectures: expected \(known), found "
                    + (found.isEmpty ? "none" : found.map { "'\($0)'" }.joined(separator: ", ")))
        }
        return architecture
    }

    func wordPiece(_ file: String?, count: Int) throws -> WordPiece {
        guard file != nil || exists("vocab.txt") else {
            throw PublishedModelError(
                path: path("vocab.txt"),
                reason: "expected the model's words, found no file; it is the vocab.txt of bert-base-uncased")
        }
        let settings =
            exists("tokenizer_config.json")
            ? try WordPieceSettings(contentsOf: url("tokenizer_config.json")) : WordPieceSettings()
        let path = file ?? path("vocab.txt")
        let pieces = try WordPiece(vocabulary: URL(fileURLWithPath: path), settings)
        guard pieces.count == count else {
            throw PublishedModelError(
                path: path, reason: "expected \(count) words, as vocab_size says, found \(pieces.count)")
        }
        return pieces
    }

    /// Answers by number: `{"0": "yes", ...}`.
    func answers(numbered labels: [String: String]?, _ file: String?) throws -> AnswerList {
        if let file { return try list(decoded([String].self, file), file) }
        guard let labels, !labels.isEmpty else {
            throw PublishedModelError(
                path: path("config.json"), reason: "id2label: expected answers, found none")
        }
        let answers = try (0..<labels.count).map { number in
            guard let answer = labels["\(number)"] else {
                throw PublishedModelError(
                    path: path("config.json"),
                    reason: "id2label: expected the numbers 0 to \(labels.count - 1), found no \(number)")
            }
            return answer
        }
        return try list(answers, path("config.json"))
    }

    /// Answers in a file of their own: `["yes", ...]`.
    func listedAnswers(count: Int, _ file: String?) throws -> AnswerList {
        let name = Self.answerFile
        guard file != nil || exists(name) else {
            throw PublishedModelError(
                path: path(name),
                reason:
                    "expected the model's answers, found no file; it is data/vqa/\(name) of github.com/airsplay/lxmert, "
                    + "to be put there or named by --answers")
        }
        let path = file ?? path(name)
        let answers = try decoded([String].self, path)
        guard answers.count == count else {
            throw PublishedModelError(
                path: path, reason: "expected \(count) answers, as num_qa_labels says, found \(answers.count)"
            )
        }
        return try list(answers, path)
    }

    private func list(_ answers: [String], _ path: String) throws(PublishedModelError) -> AnswerList {
        do {
            return try AnswerList(answers: answers)
        } catch {
            throw PublishedModelError(path: path, reason: "\(error)")
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

extension DecodingError {
    /// What the decoder stumbled over, and at which key, in one line.
    fileprivate var whatIsWrong: String {
        switch self {
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .keyNotFound(_, let context),
            .dataCorrupted(let context):
            let keys = context.codingPath.map(\.stringValue).joined(separator: ".")
            return keys.isEmpty ? context.debugDescription : "\(keys): \(context.debugDescription)"
        @unknown default: return localizedDescription
        }
    }
}
