/// Questions about pictures, encoded for a model, with their targets where they have any.
public struct Examples: Sendable {
    /// The questions, in the order of the files.
    public private(set) var questionIDs: [QuestionID] = []
    /// The picture of each question.
    public private(set) var imageIDs: [ImageID] = []
    private var wordNumbers: [Int32] = []
    private var wordOffsets = [0]
    /// The targets of consecutive runs of questions, one run a file; empty where there is nothing to learn.
    private var targets: [(start: Int, scores: SoftTargets)] = []

    /// The number of questions.
    public var count: Int { questionIDs.count }
    /// Whether the questions have targets.
    public var hasTargets: Bool { !targets.isEmpty }

    /// Questions without answers, in file order: for predicting.
    ///
    /// - Parameters:
    ///   - questions: The questions.
    ///   - vocabulary: Numbers their words.
    ///   - maximumWords: How many words of a question are kept.
    public init(questions: QuestionTable, vocabulary: Vocabulary, maximumWords: Int) {
        append(questions, rows: Array(questions.indices), vocabulary, maximumWords)
    }

    /// Annotated questions, in the order of the annotations: for training.
    ///
    /// - Parameters:
    ///   - files: The question and annotation files, in turn.
    ///   - vocabulary: Numbers the words of the questions.
    ///   - answers: Numbers the answers of the targets.
    ///   - maximumWords: How many words of a question are kept.
    /// - Throws: `MissingQuestionsError` where an annotated question is not there.
    public init(
        files: [(questions: QuestionTable, annotations: AnnotationTable)], vocabulary: Vocabulary,
        answers: AnswerList, maximumWords: Int
    ) throws {
        for (questions, annotations) in files {
            targets.append((count, SoftTargets(annotations: annotations, answers: answers)))
            append(questions, rows: try annotations.questionRows(in: questions), vocabulary, maximumWords)
        }
    }

    private mutating func append(
        _ questions: QuestionTable, rows: [Int], _ vocabulary: Vocabulary, _ maximumWords: Int
    ) {
        let encoded = vocabulary.encode(questions, maximumCount: maximumWords)
        for row in rows {
            questionIDs.append(questions.ids[row])
            imageIDs.append(questions.imageIDs[row])
            wordNumbers.append(contentsOf: encoded[row])
            wordOffsets.append(wordNumbers.count)
        }
    }

    /// The numbers of a question's words; none where it has no word.
    public func words(of row: Int) -> ArraySlice<Int32> {
        wordNumbers[wordOffsets[row]..<wordOffsets[row + 1]]
    }

    /// The answers that score for a question, and their scores; none where it has no targets.
    public func scores(of row: Int) -> [(answer: AnswerIndex, score: Float)] {
        guard let run = targets.last(where: { $0.start <= row }) else { return [] }
        return run.scores[row - run.start].map { ($0, $1) }
    }
}
