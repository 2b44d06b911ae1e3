import FileSystem
import Foundation
import VQADatasets
import VQAModels
import VQASettings

/// The folder of a published model.
struct PublishedFiles {
    private let folder: URL

    init(_ folder: String) { self.folder = URL(fileURLWithPath: folder) }

    /// What kind of a model it is, and its settings.
    static let configurationFile = "config.json"
    /// Its words, or pieces of words.
    static let wordFile = "vocab.txt"
    /// How words become pieces.
    static let pieceFile = "tokenizer_config.json"
    /// How ViLT takes pictures.
    static let pictureFile = "preprocessor_config.json"
    /// LXMERT's answers.
    static let answerFile = "trainval_label2ans.json"

    /// Configurations and lists of answers have some 200 kB.
    static let byteLimit = 8 << 20

    func path(_ name: String) -> String { url(name).relativePath }

    func url(_ name: String) -> URL { folder.appending(path: name) }

    func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }

    /// Reads a file of JSON.
    func decoded<Contents: Decodable>(_ type: Contents.Type, _ path: String) throws -> Contents {
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
        try decoded(PublishedConfiguration.self, path(Self.configurationFile))
    }

    /// What tells a model from others, whatever else its `config.json` holds.
    private struct Heading: Decodable { let architectures: [String]? }

    /// Whose form the model has.
    ///
    /// - Parameter models: The models of ours that there are.
    /// - Throws: ``PublishedModelError`` where there is none, or one of another kind.
    func form(_ models: ModelRegistry) throws -> PublishedForm {
        let path = path(Self.configurationFile)
        guard exists(Self.configurationFile) else {
            throw PublishedModelError(
                path: folder.relativePath,
                reason: "expected a folder with a published model's config.json in it, found none")
        }
        let found = try decoded(Heading.self, path).architectures ?? []
        let own = Set(models.entries.map(\.architecture))
        for name in found {
            if let architecture = PublishedArchitecture(rawValue: name) { return .transformers(architecture) }
            if own.contains(name) { return .own(name) }
        }
        let known = PublishedArchitecture.allCases.map(\.rawValue) + own.sorted()
        throw PublishedModelError(
            path: path,
            reason:
                "architectures: expected \(known.dropLast().joined(separator: ", ")) or \(known.last ?? ""), found "
                + (found.isEmpty ? "none" : found.map { "'\($0)'" }.joined(separator: ", ")))
    }

    /// The settings of a network that transformers has.
    ///
    /// - Throws: ``PublishedModelError`` where they cannot be.
    func settings(_ settings: [(key: String, value: SettingValue)], _ datasets: DatasetRegistry) throws
        -> Configuration
    {
        var configuration = try Configuration(models: .published, datasets: datasets)
        do {
            try configuration.apply(settings)
            try configuration.validate()
        } catch {
            throw PublishedModelError(path: folder.relativePath, reason: "config.json: \(error)")
        }
        return configuration
    }

    func wordPiece(_ file: String?, count: Int) throws -> WordPiece {
        guard file != nil || exists(Self.wordFile) else {
            throw PublishedModelError(
                path: path(Self.wordFile),
                reason: "expected the model's words, found no file; it is the vocab.txt of bert-base-uncased")
        }
        let settings =
            exists(Self.pieceFile)
            ? try WordPieceSettings(contentsOf: url(Self.pieceFile)) : WordPieceSettings()
        let path = file ?? path(Self.wordFile)
        let pieces = try WordPiece(vocabulary: URL(fileURLWithPath: path), settings)
        guard pieces.count == count else {
            throw PublishedModelError(
                path: path, reason: "expected \(count) words, as vocab_size says, found \(pieces.count)")
        }
        return pieces
    }

    /// How pictures become the patches that the network takes.
    func patchRecipe(_ patchSide: Int) throws -> PatchRecipe {
        let settings = try PatchSettings(contentsOf: path(Self.pictureFile))
        do {
            return try PatchRecipe(settings, patchSize: patchSide)
        } catch {
            throw PublishedModelError(path: path(Self.pictureFile), reason: error.reason)
        }
    }

    /// Answers by number: `{"0": "yes", ...}`.
    func answers(numbered labels: [String: String]?, _ file: String?) throws -> AnswerList {
        if let file { return try list(decoded([String].self, file), file) }
        guard let labels, !labels.isEmpty else {
            throw PublishedModelError(
                path: path(Self.configurationFile), reason: "id2label: expected answers, found none")
        }
        let answers = try (0..<labels.count).map { number in
            guard let answer = labels["\(number)"] else {
                throw PublishedModelError(
                    path: path(Self.configurationFile),
                    reason: "id2label: expected the numbers 0 to \(labels.count - 1), found no \(number)")
            }
            return answer
        }
        return try list(answers, path(Self.configurationFile))
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

    func list(_ answers: [String], _ path: String) throws(PublishedModelError) -> AnswerList {
        do {
            return try AnswerList(answers: answers)
        } catch {
            throw PublishedModelError(path: path, reason: "\(error)")
        }
    }
}
