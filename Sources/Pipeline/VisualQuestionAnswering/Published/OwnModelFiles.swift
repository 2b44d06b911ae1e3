import FileSystem
import Foundation
import Torch
import VQADatasets
import VQAModels
import VQASettings
import VQAVision

/// What the `config.json` of a model of ours holds beside its settings.
enum OwnModelKey: String, CaseIterable {
    /// The name of the model's type, in a list.
    case architectures
    /// The same in small letters.
    case modelType = "model_type"
    /// The version of this form.
    case format = "rwsan_format"
    /// The answers by number.
    case answers = "id2label"

    /// The version of the form that is written and read.
    static let currentFormat = 1

    /// What ``modelType`` is for a model.
    static func modelType(_ architecture: String) -> String { architecture.lowercased() }
}

/// The `config.json` of a model of ours.
private struct OwnModelFile: Decodable {
    let modelType: String?
    let format: Int?
    let answers: [String: String]?
    let settings: [String: SettingValue]

    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Key.self)
        func own<Value: Decodable>(_ key: OwnModelKey, _ type: Value.Type) throws -> Value? {
            try values.decodeIfPresent(type, forKey: Key(stringValue: key.rawValue))
        }
        modelType = try own(.modelType, String.self)
        format = try own(.format, Int.self)
        answers = try own(.answers, [String: String].self)
        var settings: [String: SettingValue] = [:]
        for key in values.allKeys where OwnModelKey(rawValue: key.stringValue) == nil {
            // A null is a value too.
            settings[key.stringValue] = try SettingValue(from: values.superDecoder(forKey: key))
        }
        self.settings = settings
    }
}

extension PublishedFiles {
    /// How features were made of pictures, as `rwsan extract` notes it beside them.
    static let recipeFile = "extraction.json"
    /// As that of a folder of features.
    private static let recipeByteLimit = 64 << 10

    /// The settings of a model of ours, and its answers by number.
    ///
    /// - Parameters:
    ///   - architecture: The name of the model's type.
    ///   - models: The models that there are.
    ///   - datasets: The datasets that there are.
    /// - Throws: ``PublishedModelError`` where it is of a later version, or a setting cannot be.
    func ownConfiguration(_ architecture: String, _ models: ModelRegistry, _ datasets: DatasetRegistry) throws
        -> (configuration: Configuration, answers: [String: String]?)
    {
        let path = path(Self.configurationFile)
        let file = try decoded(OwnModelFile.self, path)
        guard file.format == OwnModelKey.currentFormat else {
            let found = file.format.map(String.init) ?? "none"
            throw PublishedModelError(
                path: path,
                reason:
                    "\(OwnModelKey.format.rawValue): expected \(OwnModelKey.currentFormat), found \(found)")
        }
        let modelType = OwnModelKey.modelType(architecture)
        guard file.modelType == nil || file.modelType == modelType else {
            throw PublishedModelError(
                path: path,
                reason:
                    "model_type: expected '\(modelType)', as architectures says, found '\(file.modelType ?? "")'"
            )
        }
        guard file.settings["model"] != nil else {
            throw PublishedModelError(path: path, reason: "model: expected the name of a model, found none")
        }
        let configuration: Configuration
        do {
            configuration = try Configuration(models: models, datasets: datasets)
                .restored(from: file.settings)
            try configuration.validate()
        } catch {
            throw PublishedModelError(path: path, reason: "\(error)")
        }
        guard configuration.model.architecture == architecture else {
            throw PublishedModelError(
                path: path,
                reason: "architectures: expected '\(configuration.model.architecture)', which "
                    + "\(configuration.model.name) is of, found '\(architecture)'")
        }
        return (configuration, file.answers)
    }

    /// The words of a model of ours.
    func ownWords(_ file: String?) throws -> Vocabulary {
        guard file != nil || exists(Self.wordFile) else {
            throw PublishedModelError(
                path: path(Self.wordFile), reason: "expected the model's words, found no file")
        }
        return try Vocabulary(wordsIn: file.map { URL(fileURLWithPath: $0) } ?? url(Self.wordFile))
    }

    /// The answers of a model of ours; a list that is named must say the same.
    func ownAnswers(_ labels: [String: String]?, _ file: String?) throws -> AnswerList {
        let own = try answers(numbered: labels, nil)
        return try AnswerListChoice.list(file: file, checkpoint: own, of: path(Self.configurationFile)) ?? own
    }

    /// How a model of ours was given features; nil where that is not known.
    func ownRecipe() throws -> String? {
        let path = path(Self.recipeFile)
        guard exists(Self.recipeFile) else { return nil }
        do {
            let bytes = try SmallFile.contents(of: path, byteLimit: Self.recipeByteLimit)
            let text = String(decoding: bytes, as: UTF8.self)
            _ = try FeatureRecipe(parsing: text)
            return text
        } catch let error as SmallFileError {
            throw PublishedModelError(path: path, reason: "\(error)")
        } catch let error as FeatureRecipeError {
            throw PublishedModelError(path: path, reason: "\(error)")
        } catch {
            throw PublishedModelError(path: path, reason: "it cannot be read: \(systemReason(of: error))")
        }
    }

    /// All weights of a model of ours, on the file's own pages.
    ///
    /// - Throws: ``PublishedModelError`` where there is no file of weights; what reading it throws.
    func ownWeights() throws -> [String: Tensor] {
        let path = path(Self.weightFiles[0])
        guard exists(Self.weightFiles[0]) else {
            throw PublishedModelError(path: path, reason: "expected weights, found no file")
        }
        let file = try SafetensorsFile(path: path)
        return try Dictionary(uniqueKeysWithValues: file.tensors.map { ($0.name, try file.tensor($0.name)) })
    }

    /// What weights do not fit: words, answers or settings.
    func unfit(_ mismatch: StateMismatch, words: Int, answers: Int) -> PublishedModelError {
        switch UnfitCheckpoint.otherCount(mismatch, wordCount: words, answerCount: answers) {
        case .words(let own):
            PublishedModelError(
                path: path(Self.wordFile), reason: "expected the \(own) words of the weights, found \(words)")
        case .answers(let own):
            PublishedModelError(
                path: path(Self.configurationFile),
                reason: "id2label: expected the \(own) answers of the weights, found \(answers)")
        case nil: PublishedModelError(path: path(Self.weightFiles[0]), reason: "\(mismatch)")
        }
    }
}
