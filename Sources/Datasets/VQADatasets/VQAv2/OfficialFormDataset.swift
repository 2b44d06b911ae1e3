import Foundation
import VQAFeatures
import VQASettings

/// A dataset whose files lie in VQA-v2's places and have its form.
public protocol OfficialFormDataset: VQADataset {
    /// Its files.
    var files: OfficialDataset { get }
}

extension OfficialFormDataset {
    /// All splits of VQA-v2.
    public static var splitNames: [String] { DatasetSplit.allCases.map(\.rawValue) }
    /// The split `val`.
    public static var evaluatedSplit: String { DatasetSplit.val.rawValue }
    /// The binary cross-entropy of soft scores.
    public var loss: any AnswerLoss { SoftScoreLoss() }

    /// The questions, annotations, words and answers of the files, read on all cores.
    public func trainingData(
        _ request: DatasetRequest, cache: PreparedCache?, onNotice: (String) -> Void
    ) throws -> TrainingData {
        let splits = try DatasetSplit.trainingSplits(named: request.split)
        let hasVal = files.hasQuestions(.val) && files.hasAnnotations(.val)
        let data = try files.trainingData(
            TrainingData.Request(
                splits: splits, evaluatesVal: request.isEvaluated && hasVal && !splits.contains(.val),
                metric: request.metric, maximumWords: request.maximumWords, vocabulary: request.vocabulary,
                answers: request.answers, knownAnswers: request.knownAnswers,
                reservedWords: request.reservedWords),
            cache: cache, onNotice: onNotice)
        if request.vocabulary == nil { noteAbsentVocabulary(onNotice) }
        if let notice = data.validation?.notice { onNotice("val: \(notice)") }
        if request.isEvaluated, splits.contains(.val) {
            onNotice("val is trained on, so it is not evaluated after each epoch")
        } else if request.isEvaluated, !hasVal {
            onNotice("there are no val questions with annotations, so no epoch is evaluated")
        }
        return data
    }

    /// Every word of the question files that are there.
    public func vocabulary(reservedWords: [String], onNotice: (String) -> Void) throws -> Vocabulary {
        let vocabulary = try files.vocabulary(reservedWords: reservedWords)
        noteAbsentVocabulary(onNotice)
        return vocabulary
    }

    private func noteAbsentVocabulary(_ onNotice: (String) -> Void) {
        let absent = files.absentVocabularySplits.map(\.rawValue)
        guard !absent.isEmpty else { return }
        onNotice("the vocabulary is made without \(absent.joined(separator: ", ")): no such question file")
    }

    /// The answers given often enough in train and val.
    public func answers() throws -> AnswerList { try files.answers() }

    /// The questions of a split, with the answers of those that are annotated.
    public func questions(of split: String) throws -> ReadableQuestions? {
        let split = try DatasetSplit(named: split)
        guard files.hasQuestions(split) else { return nil }
        return ReadableQuestions(
            try files.questions(split), files.hasAnnotations(split) ? try files.annotations(split) : nil)
    }

    /// The folder in `images`.
    public func pictures(of split: String) throws -> URL? {
        files.layout.pictures(of: try DatasetSplit(named: split))
    }

    /// The question and annotation files of all splits.
    public static func textFiles(at place: DatasetPlace) -> [URL] {
        guard place.folder != nil || place.questionsFolder != nil else { return [] }
        let layout = OfficialLayout(at: place)
        return DatasetSplit.allCases.flatMap { [layout.questions(of: $0), layout.annotations(of: $0)] }
            .compactMap { $0 }
    }

    /// The questions of a split, in the order of their file.
    public func examples(of split: String, vocabulary: Vocabulary, maximumWords: Int) throws -> Examples {
        try files.examples(DatasetSplit(named: split), vocabulary: vocabulary, maximumWords: maximumWords)
    }

    /// The annotated questions and the official metric.
    public func annotatedQuestions(
        of split: String, vocabulary: Vocabulary, maximumWords: Int, metric: MetricVersion
    ) throws -> AnnotatedQuestions {
        try files.annotatedQuestions(
            DatasetSplit(named: split), vocabulary: vocabulary, maximumWords: maximumWords, metric: metric)
    }

    /// The features in the official places, packed or in folders.
    public func features(
        of splits: [String], maximumRegions: Int, onNotice: @escaping @Sendable (String) -> Void
    ) throws -> any FeatureSource {
        let splits = try splits.map(DatasetSplit.init(named:))
        for place in files.featurePlaces(splits) {
            // A folder of files is what anybody would expect.
            if case .folder(_, unfinishedStore: nil) = place { continue }
            onNotice("features from \(place)")
        }
        return try files.features(splits, maximumRegions: maximumRegions, onNotice: onNotice)
    }

    /// The note beside the features.
    public func featureRecipe(of split: String) -> String? {
        DatasetSplit(rawValue: split).flatMap(files.featureRecipe)
    }

    /// The parts of `train+val+vg`.
    public func imageSplits(trainingOn split: String) throws -> [String] {
        try DatasetSplit.trainingSplits(named: split).map(\.rawValue)
    }

    /// The form that EvalAI takes.
    public func write(_ predictions: [Prediction], to file: URL) throws {
        try ResultFile.write(predictions, to: file)
    }
}

extension OfficialDataset {
    /// Opens the files of a place.
    ///
    /// - Throws: `DatasetFolderError` where there is none.
    public convenience init(at place: DatasetPlace) throws {
        let folder = place.folder ?? URL(fileURLWithPath: "")
        guard place.questionsFolder != nil || place.featuresFolder != nil else {
            try self.init(folder)
            return
        }
        let layout = OfficialLayout(at: place)
        try self.init(questionsFolder: layout.questionsFolder, featuresFolder: layout.featuresFolder)
    }
}

extension OfficialLayout {
    /// The layout of a place.
    package init(at place: DatasetPlace) {
        self.init(
            datasets: place.folder ?? URL(fileURLWithPath: ""), questionsFolder: place.questionsFolder,
            featuresFolder: place.featuresFolder)
    }
}

/// VQA-v2, with the questions of Visual Genome about its images.
public final class VQAv2Dataset: OfficialFormDataset {
    /// The name in a configuration.
    public static let name = "vqa-v2"
    /// What it is, in one line.
    public static let summary = "VQA-v2 with Visual Genome, and any dataset whose files have its form."
    /// Its files.
    public let files: OfficialDataset

    /// Opens the dataset.
    public init(at place: DatasetPlace) throws { files = try OfficialDataset(at: place) }

    /// Which part is wanted, and in what sizes. The defaults are the official release's.
    public struct Options: DatasetOptions {
        /// What is trained on.
        public var split = "train"
        /// How many words of a question are kept.
        public var maxToken = 16
        /// How wide the features of a region are.
        public var imgFeatSize = 2048
        /// How many regions of an image are kept.
        public var imgFeatPadSize = 100

        /// The official defaults.
        public init() {}

        /// Every setting.
        public static let settings: [Setting<Self>] = [
            .word(
                "split", \.split, oneOf: DatasetSplit.trainingSplitNames, "What is trained on."),
            .count("max_token", \.maxToken, upTo: 1024, "How many words of a question are kept."),
            .count("img_feat_size", \.imgFeatSize, "How wide the features of a region are."),
            .count("img_feat_pad_size", \.imgFeatPadSize, "How many regions of an image are kept."),
        ]
    }
}
