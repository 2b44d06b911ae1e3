import Foundation
import VQABatches
import VQADatasets
import VQAFeatures
import VQASettings
import VisualQuestionAnswering

/// Everything that a dataset outside this package makes itself: three questions about two images, in memory.
final class ColourDataset: VQADataset {
    struct Options: DatasetOptions {
        var split = "train"
        var maxToken = 4
        var imgFeatSize = 2
        var imgFeatPadSize = 3

        static let settings: [Setting<Self>] = [
            .word("split", \.split, oneOf: ["train"], "What is trained on."),
            .count("max_token", \.maxToken, "How many words of a question are kept."),
            .count("img_feat_size", \.imgFeatSize, "How wide the features of a region are."),
            .count("img_feat_pad_size", \.imgFeatPadSize, "How many regions of an image are kept."),
        ]
    }

    static let name = "colours"
    static let summary = "Two images of one colour each."
    static let splitNames = ["train", "val"]
    static let evaluatedSplit = "val"

    let loss: any AnswerLoss = SoftScoreLoss()
    private let questionTable: QuestionTable
    private let annotationTable: AnnotationTable

    init(at place: DatasetPlace) throws {
        guard place.folder != nil else {
            throw DatasetFolderError(path: "", expected: "a folder")
        }
        let answers = ["red", "blue", "red"]
        questionTable = try QuestionTable(
            answers.indices.map {
                Question(
                    id: QuestionID(rawValue: Int64($0)), imageID: ImageID("image \($0 % 2)"),
                    text: "what colour is it?")
            })
        annotationTable = try AnnotationTable(
            answers.enumerated().map { number, answer in
                Annotation(
                    questionID: QuestionID(rawValue: Int64(number)), imageID: ImageID("image \(number % 2)"),
                    questionType: "what colour", answerType: "other", multipleChoiceAnswer: answer,
                    answers: (1...4).map { HumanAnswer(answer: answer, confidence: "yes", answerID: $0) })
            })
    }

    func trainingData(_ request: DatasetRequest, cache: PreparedCache?, onNotice: (String) -> Void) throws
        -> TrainingData
    {
        let words =
            try request.vocabulary ?? vocabulary(reservedWords: request.reservedWords, onNotice: onNotice)
        let list = try request.answers ?? answers()
        let training = try Examples(
            files: [(questionTable, annotationTable)], vocabulary: words, answers: list,
            maximumWords: request.maximumWords)
        let validation = try annotatedQuestions(
            of: "val", vocabulary: words, maximumWords: request.maximumWords, metric: request.metric)
        return TrainingData(vocabulary: words, answers: list, training: training, validation: validation)
    }

    func vocabulary(reservedWords: [String], onNotice: (String) -> Void) throws -> Vocabulary {
        Vocabulary(questions: [questionTable], reservedWords: reservedWords)
    }

    func answers() throws -> AnswerList { try AnswerList(answers: ["red", "blue"]) }

    func examples(of split: String, vocabulary: Vocabulary, maximumWords: Int) throws -> Examples {
        guard Self.splitNames.contains(split) else {
            throw UnknownSplitError(name: split, validNames: Self.splitNames)
        }
        return Examples(questions: questionTable, vocabulary: vocabulary, maximumWords: maximumWords)
    }

    func annotatedQuestions(
        of split: String, vocabulary: Vocabulary, maximumWords: Int, metric: MetricVersion
    )
        throws -> AnnotatedQuestions
    {
        guard split == "val" else { throw UnannotatedSplitError(split: split) }
        return try AnnotatedQuestions(
            of: examples(of: split, vocabulary: vocabulary, maximumWords: maximumWords),
            by: ExactMatch(annotationTable))
    }

    func questions(of split: String) -> ReadableQuestions? {
        Self.splitNames.contains(split) ? ReadableQuestions(questionTable, annotationTable) : nil
    }

    func features(of splits: [String], maximumRegions: Int, onNotice: @escaping @Sendable (String) -> Void)
        throws
        -> any FeatureSource
    {
        CombinedFeatures([ColourFeatures(colour: 0), ColourFeatures(colour: 1)])
    }

    func featureRecipe(of split: String) -> String? { nil }
    func imageSplits(trainingOn split: String) throws -> [String] { [split] }
    func write(_ predictions: [Prediction], to file: URL) throws {
        try ResultFile.write(predictions, to: file)
    }
}

/// A measure of its own: the share of answers that are what was said.
struct ExactMatch: AnswerMetric {
    let name = "exact"
    let questionIDs: [QuestionID]
    private let truth: [QuestionID: String]

    init(_ annotations: AnnotationTable) {
        questionIDs = annotations.questionIDs
        truth = Dictionary(
            annotations.map { ($0.questionID, $0.multipleChoiceAnswer) },
            uniquingKeysWith: { first, _ in first })
    }

    func evaluate(_ predictions: [Prediction], leavingOut leftOut: Set<QuestionID>) throws -> AccuracyReport {
        let scores = predictions.map { truth[$0.questionID] == $0.answer ? 100.0 : 0 }
        let overall = scores.reduce(0, +) / Double(max(1, scores.count))
        return AccuracyReport(
            metric: name, overall: overall, perAnswerType: ["other": overall], perQuestionType: [:],
            questionIDs: predictions.map(\.questionID), leftOutCount: leftOut.count, perQuestion: scores)
    }
}

/// The features of one image.
struct ColourFeatures: FeatureSource {
    let colour: Int
    var place: String { "colour \(colour)" }

    func contains(_ image: ImageID) -> Bool { image == ImageID("image \(colour)") }

    func features(for image: ImageID) throws -> RegionFeatures {
        guard contains(image) else {
            throw MissingFeaturesError(place: place, images: [image], imageCount: 1)
        }
        return try RegionFeatures(
            width: 2, features: colour == 0 ? [1, 0] : [0, 1], boxes: [0, 0, 8, 8], imageHeight: 8,
            imageWidth: 8)
    }
}

/// The least that a model does with a batch made of a dataset's examples and features, without a run.
let colours = try ColourDataset(at: .folder("."))
let data = try colours.trainingData(
    DatasetRequest(split: "train", isEvaluated: true, maximumWords: 4), cache: nil, onNotice: { print($0) })
let builder = try BatchBuilder(
    examples: data.training, features: colours.features(of: ["train"], maximumRegions: 3, onNotice: { _ in }),
    answerCount: data.answers.count, featureWidth: 2, maximumRegions: 3, maximumWords: 4)
let batch = try builder.batch(rows: 0..<builder.count)
print(try batch.regions.shape, batch.words.shape, batch.targets?.shape ?? [])

var configuration = try Configuration(
    models: .standard, datasets: DatasetRegistry([ColourDataset.self]))
try configuration.apply([
    ("model", "mcan_small"), ("layer", 1), ("hidden_size", 8), ("multi_head", 2), ("use_glove", false),
    ("batch_size", 2), ("max_epoch", 1),
])
var request = TrainingRun.Request(name: "colours", place: .folder("."), configuration: configuration)
request.devices = [.cpu]
request.cache = nil
print(try TrainingRun(request).train())
