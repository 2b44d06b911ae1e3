import VQAFeatures

/// Questions about images, encoded for a model, with their targets where they have any.
public struct Examples: Sendable {
    /// The questions, in the order of the files.
    public private(set) var questionIDs: [QuestionID] = []
    /// The image of each question.
    public private(set) var imageIDs: [ImageID] = []
    /// The numbers of each question's words.
    private(set) var words = EncodedQuestions()
    /// The target of each question; nil where there is nothing to learn.
    private(set) var targets: SoftTargets?

    /// The questions of which only the beginning is read, where they come right out of a file.
    private var cutQuestions: Set<QuestionID> = []

    /// How many of the questions are longer than what is read of them, where they come right out of a file; 0 for
    /// questions to learn from.
    package var cutCount: Int {
        cutQuestions.isEmpty ? 0 : questionIDs.count(where: cutQuestions.contains)
    }

    /// The number of questions.
    public var count: Int { questionIDs.count }
    /// Whether the questions have targets.
    public var hasTargets: Bool { targets != nil }

    /// Questions without answers, in file order: for predicting.
    ///
    /// - Parameters:
    ///   - questions: The questions.
    ///   - vocabulary: Numbers their words.
    ///   - maximumWords: How many words of a question are kept.
    public init(questions: QuestionTable, vocabulary: Vocabulary, maximumWords: Int) {
        questionIDs = questions.ids
        imageIDs = questions.imageIDs
        words = vocabulary.encode(questions, maximumCount: maximumWords)
        cutQuestions = Set(words.cutRows.map { questionIDs[$0] })
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
        var targets = SoftTargets()
        for (questions, annotations) in files {
            targets.append(SoftTargets(annotations: annotations, answers: answers))
            let encoded = vocabulary.encode(questions, maximumCount: maximumWords)
            for row in try annotations.questionRows(in: questions) {
                append(questions.ids[row], questions.imageIDs[row], encoded[row]) { $0 }
            }
        }
        if !files.isEmpty { self.targets = targets }
    }

    /// Questions of tokenized files without answers, in file order.
    init(questions: TokenizedQuestions, vocabulary: Vocabulary) {
        questionIDs = questions.ids
        imageIDs = questions.imageIDs
        words = EncodedQuestions(
            words: questions.encoded.words.map(questions.numbering(in: vocabulary)),
            offsets: questions.encoded.offsets)
    }

    /// Annotated questions of tokenized files, in the order of the annotations.
    ///
    /// - Throws: `MissingQuestionsError` where an annotated question is not there.
    init(
        files: [(questions: TokenizedQuestions, annotations: AnnotationTable, targets: SoftTargets)],
        vocabulary: Vocabulary
    ) throws {
        var targets = SoftTargets()
        for file in files {
            targets.append(file.targets)
            let questions = file.questions
            let rows = try questions.rows(of: file.annotations)
            reserve(rows.count)
            let number = questions.numbering(in: vocabulary)
            for row in rows {
                append(
                    questions.ids[row], questions.imageIDs[row], questions.encoded[row], number: number)
            }
        }
        self.targets = targets
    }

    /// Examples that were kept in columns of equal length.
    init(
        questionIDs: [QuestionID], imageIDs: [ImageID], words: EncodedQuestions, targets: SoftTargets?
    ) {
        self.questionIDs = questionIDs
        self.imageIDs = imageIDs
        self.words = words
        self.targets = targets
    }

    /// The questions of these rows, in the order of the rows, without targets.
    package func selecting(_ rows: [Int]) -> Examples {
        var selected = Examples(
            questionIDs: [], imageIDs: [], words: EncodedQuestions(), targets: nil)
        selected.reserve(rows.count)
        selected.cutQuestions = cutQuestions
        for row in rows { selected.append(questionIDs[row], imageIDs[row], words[row]) { $0 } }
        return selected
    }

    private mutating func reserve(_ rows: Int) {
        questionIDs.reserveCapacity(count + rows)
        imageIDs.reserveCapacity(count + rows)
        words.reserve(questions: rows)
    }

    private mutating func append(
        _ id: QuestionID, _ image: ImageID, _ numbers: ArraySlice<Int32>, number: (Int32) -> Int32
    ) {
        questionIDs.append(id)
        imageIDs.append(image)
        for word in numbers { words.append(word: number(word)) }
        words.endQuestion()
    }

    /// The numbers of a question's words; none where it has no word.
    public func words(of row: Int) -> ArraySlice<Int32> { words[row] }

    /// The answers that score for a question, and their scores; none where it has no targets.
    public func scores(of row: Int) -> [(answer: AnswerIndex, score: Float)] {
        targets.map { $0[row].map { ($0, $1) } } ?? []
    }
}
