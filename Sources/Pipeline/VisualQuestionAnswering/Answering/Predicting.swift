import Foundation
import Torch
import VQABatches
import VQADatasets
import VQATraining

extension Answerer {
    /// The answers to the questions of a split, and what they are worth.
    public struct Evaluation: Sendable {
        /// The answers; none to questions that were left out.
        public let predictions: [Prediction]
        /// Their accuracy.
        public let report: AccuracyReport
    }

    /// Answers the questions of a split of the dataset. Its feature stores are compared with their checksums first, once
    /// for each change of a file. Where ``Options/skipsDamaged`` says so, questions about images whose features cannot
    /// be read are left out, of the logits too.
    ///
    /// - Parameters:
    ///   - split: The split's name.
    ///   - logitsFile: Where the logits of every answer go too; nil for nowhere.
    ///   - onProgress: Called now and then with the number of questions answered and that of all; returns whether to go
    ///     on.
    /// - Throws: ``NoDatasetError``; ``SplitOfNoDatasetError``; ``DamagedFeaturesError``; what reading features throws;
    ///   `InterruptedError` where
    ///   `onProgress` ended it.
    ///
    /// ``Options/part`` has a part of them answered alone.
    public func predict(
        split: String, savingLogitsTo logitsFile: String? = nil,
        onProgress: (_ answered: Int, _ count: Int) throws -> Bool = { _, _ in true }
    ) throws -> [Prediction] {
        let dataset = try requireDataset()
        let type = type(of: dataset)
        guard type.splitNames.contains(split) else {
            throw SplitOfNoDatasetError(split: split, dataset: type.name, validNames: type.splitNames)
        }
        let examples = try dataset.examples(
            of: split, vocabulary: vocabulary, maximumWords: configuration.data.maxToken)
        return try answer(
            partOf(examples), of: split, dataset, savingLogitsTo: logitsFile, onProgress
        ).predictions
    }

    /// The questions of the part that is to be answered: whole batches, which are those of all questions.
    private func partOf(_ examples: Examples) -> Examples {
        guard let part else { return examples }
        let size = Predictor.partSize(configuration.training)
        let batches = part.range(of: (examples.count + size - 1) / size)
        let rows = batches.lowerBound * size..<min(examples.count, batches.upperBound * size)
        return examples.selecting(Array(rows))
    }

    /// Answers the questions of a file of one's own, a line each: an object with `id`, `question`, and `picture` or
    /// `features`.
    ///
    /// - Parameters:
    ///   - file: The file: JSON Lines.
    ///   - logitsFile: Where the logits of every answer go too; nil for nowhere.
    ///   - onProgress: As of ``predict(split:savingLogitsTo:onProgress:)``.
    /// - Throws: `DatasetFileError` where the file is not of this form; what making or reading features throws;
    ///   `InterruptedError` where `onProgress` ended it.
    public func predict(
        questionsIn file: URL, savingLogitsTo logitsFile: String? = nil,
        onProgress: (_ answered: Int, _ count: Int) throws -> Bool = { _, _ in true }
    ) throws -> [Prediction] {
        let list = try QuestionList(contentsOf: file)
        let examples = Examples(
            questions: list.table, vocabulary: vocabulary, maximumWords: configuration.data.maxToken)
        noteCut(examples, of: file.relativePath)
        for case .features(let features) in list.origins.values { try requireFeaturesTaken(features) }
        var builder = try builder(
            examples,
            PictureFeatures(
                file.relativePath, list.origins, width: configuration.data.imgFeatSize, pictureExtractor))
        builder.unreadable = skipsDamaged ? UnreadableImages() : nil
        let predictions = try answer(builder, savingLogitsTo: logitsFile, onProgress)
        LeftOutQuestions(of: builder)?.tell(consequence: ": the results lack them", onNotice)
        return predictions
    }

    private func answer(
        _ examples: Examples, of split: String, _ dataset: any VQADataset,
        savingLogitsTo logitsFile: String?, _ onProgress: (_ answered: Int, _ count: Int) throws -> Bool
    ) throws -> (predictions: [Prediction], leftOut: [QuestionID]) {
        let builder = try checkedBuilder(examples, of: split, dataset, onProgress)
        let predictions = try answer(builder, savingLogitsTo: logitsFile, onProgress)
        LeftOutQuestions(of: builder)?.tell(consequence: ": the results lack them", onNotice)
        return (predictions, builder.leftOut)
    }

    /// What makes batches of a split's questions, with features that have been compared with their checksums.
    func checkedBuilder(
        _ examples: Examples, of split: String, _ dataset: any VQADataset,
        _ onProgress: (_ answered: Int, _ count: Int) throws -> Bool
    ) throws -> BatchBuilder {
        noteCut(examples, of: split)
        let source = try featureSource(of: split, dataset)
        try (source as? PictureFeatures)?.requireAny(of: examples.imageIDs)
        var builder = try builder(examples, source)
        builder.isPinned = device != .cpu
        builder.unreadable = skipsDamaged ? UnreadableImages() : nil
        let count = builder.count
        try share.oncePerMachine {
            try FeatureCheck(skipsDamaged: skipsDamaged, memory: verifiedFiles, onNotice: onNotice)
                .check(builder.stores, shouldStop: { try !onProgress(0, count) })
        }
        return builder
    }

    /// Notes how many questions are longer than what the model reads of them.
    private func noteCut(_ examples: Examples, of place: String) {
        let cut = examples.cutCount
        cutNotice =
            cut == 0
            ? nil : "\(place): of \(cut) of \(examples.count) questions, the model reads only the beginning"
    }

    private func answer(
        _ builder: BatchBuilder, savingLogitsTo logitsFile: String?,
        _ onProgress: (_ answered: Int, _ count: Int) throws -> Bool
    ) throws -> [Prediction] {
        let predictor = Predictor(model, device: device, precision: precision, configuration.training)
        let count = builder.count
        guard let logitsFile else {
            return try predictor.answer(builder, share: share, onProgress: { try onProgress($0, count) })
                .predictions(answers)
        }
        // How many rows the file has is written at its beginning.
        let readable = try builder.leavingOutUnreadable()
        guard share.isWriting else {
            // The logits of all processes go to the one that writes them.
            return try predictor.answer(readable, share: share, onLogits: { _ in }) {
                try onProgress($0, count)
            }
            .predictions(answers)
        }
        return try LogitsFile.write(of: readable.questionIDs, answerCount: answers.count, to: logitsFile) {
            append in
            try withoutActuallyEscaping(append) { append in
                try predictor.answer(readable, share: share, onLogits: append) { try onProgress($0, count) }
                    .predictions(answers)
            }
        }
    }

    /// Answers the questions of an annotated split, and holds the answers against what people said.
    ///
    /// - Parameters: As of ``predict(split:savingLogitsTo:onProgress:)``.
    /// - Throws: As ``predict(split:savingLogitsTo:onProgress:)``; `UnannotatedSplitError`; `EvaluationError`.
    public func evaluate(
        split: String? = nil, savingLogitsTo logitsFile: String? = nil,
        onProgress: (_ answered: Int, _ count: Int) throws -> Bool = { _, _ in true }
    ) throws -> Evaluation {
        let dataset = try requireDataset()
        let split = split ?? type(of: dataset).evaluatedSplit
        let annotated = try dataset.annotatedQuestions(
            of: split, vocabulary: vocabulary, maximumWords: configuration.data.maxToken, metric: metric)
        if let notice = annotated.notice { onNotice("\(split): \(notice)") }
        let (predictions, leftOut) = try answer(
            annotated.examples, of: split, dataset, savingLogitsTo: logitsFile, onProgress)
        return Evaluation(
            predictions: predictions,
            report: try annotated.metric.evaluate(predictions, leavingOut: Set(leftOut)))
    }

    func requireDataset() throws(NoDatasetError) -> any VQADataset {
        guard let dataset else { throw NoDatasetError() }
        return dataset
    }
}

/// Questions of a dataset were asked for where none was given.
public struct NoDatasetError: Error, Sendable, CustomStringConvertible {
    /// One line.
    public var description: String { "expected a dataset to answer questions of, found none" }
}

/// A split that the dataset does not have.
public struct SplitOfNoDatasetError: Error, Sendable, CustomStringConvertible {
    /// The name that was given.
    public let split: String
    /// The name of the dataset.
    public let dataset: String
    /// The names of its splits.
    public let validNames: [String]
    /// One line.
    public var description: String {
        "unknown split '\(split)' of \(dataset): expected one of \(validNames.joined(separator: ", "))"
    }
}
