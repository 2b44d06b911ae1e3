import TextFiles

/// Questions whose right answers are known, and how answers to them are scored.
public struct AnnotatedQuestions: Sendable {
    /// The annotated questions, in the order of their file.
    public let examples: Examples
    /// Scores answers to exactly these questions.
    public let metric: any AnswerMetric
    /// The questions of the file that nobody has annotated, in the order of the file. They are not in ``examples``.
    public let leftOut: [QuestionID]

    /// Takes the annotated ones out of the questions of a file.
    ///
    /// - Parameters:
    ///   - questions: All questions.
    ///   - metric: Made of the annotations.
    /// - Throws: `EvaluationError.noAnnotations` where nothing is annotated; ``MissingQuestionsError`` where an
    ///   annotated question is not there.
    public init(of questions: Examples, by metric: some AnswerMetric) throws {
        guard !metric.questionIDs.isEmpty else { throw EvaluationError.noAnnotations }
        self.metric = metric
        let annotated = Set(metric.questionIDs)
        leftOut = questions.questionIDs.filter { !annotated.contains($0) }
        examples =
            leftOut.isEmpty
            ? questions
            : questions.selecting(
                questions.questionIDs.indices.filter { annotated.contains(questions.questionIDs[$0]) })
        guard examples.count == metric.questionIDs.count else {
            let found = Set(examples.questionIDs)
            throw MissingQuestionsError(ids: metric.questionIDs.filter { !found.contains($0) })
        }
    }

    /// Questions and metric that were kept.
    init(examples: Examples, metric: any AnswerMetric, leftOut: [QuestionID]) {
        self.examples = examples
        self.metric = metric
        self.leftOut = leftOut
    }

    /// What there is to tell about questions that are left out, in one line; nil where none is.
    public var notice: String? {
        guard !leftOut.isEmpty else { return nil }
        let total = leftOut.count + examples.count
        return
            "\(leftOut.count) of \(total) questions have no annotation, and are not evaluated: \(leftOut.listed())"
    }
}

extension OfficialLayout {
    /// The annotated ones among the questions of a split.
    ///
    /// - Parameters:
    ///   - questions: All questions of the split.
    ///   - split: The split, for errors.
    ///   - metric: Made of the split's annotations.
    /// - Throws: `DatasetFileError` where nothing is annotated, or an annotated question is not there.
    func annotatedQuestions(
        of questions: Examples, _ split: DatasetSplit, by metric: AccuracyMetric
    ) throws -> AnnotatedQuestions {
        do {
            return try AnnotatedQuestions(of: questions, by: metric)
        } catch let error as MissingQuestionsError {
            throw DatasetFileError(file: self.questions(of: split), problem: "\(error)")
        } catch let error as EvaluationError {
            throw DatasetFileError(
                file: annotations(of: split) ?? self.questions(of: split), problem: "\(error)")
        }
    }
}

extension OfficialDataset {
    /// The annotated questions of a split, to be answered and scored.
    ///
    /// - Throws: `DatasetFileError` where a file is missing or damaged, nothing is annotated, or an annotated question is
    ///   not there; `UnannotatedSplitError` where a split has no annotations.
    public func annotatedQuestions(
        _ split: DatasetSplit, vocabulary: Vocabulary, maximumWords: Int,
        metric version: MetricVersion = .release
    ) throws -> AnnotatedQuestions {
        try layout.annotatedQuestions(
            of: examples(split, vocabulary: vocabulary, maximumWords: maximumWords), split,
            by: AccuracyMetric(annotations(split), version: version))
    }
}
