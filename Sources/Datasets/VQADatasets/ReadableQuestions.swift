import VQAFeatures

/// A question as people read it, with what they answered.
public struct ReadableQuestion: Sendable, Equatable {
    /// The image that is asked about.
    public let image: ImageID
    /// The question as it was asked.
    public let text: String
    /// The answer that people gave most often; nil where that is not known.
    public let answer: String?
    /// The question's id; nil where it has none.
    public let id: QuestionID?
    /// What kind of answer people gave, such as "yes/no"; nil where that is not known.
    public let answerType: String?
    /// What kind of question it is, such as "how many"; nil where that is not known.
    public let questionType: String?

    /// - Parameters: as the properties.
    public init(
        image: ImageID, text: String, answer: String?, id: QuestionID? = nil, answerType: String? = nil,
        questionType: String? = nil
    ) {
        self.image = image
        self.text = text
        self.answer = answer
        self.id = id
        self.answerType = answerType
        self.questionType = questionType
    }
}

/// The questions of a split as people read them, made when they are asked for.
public struct ReadableQuestions: Sendable, RandomAccessCollection {
    /// The images that are asked about, one a question.
    public let images: [ImageID]
    private let question: @Sendable (Int) -> ReadableQuestion

    /// Questions, in the order of their file, and the annotations of some or all of them.
    public init(_ questions: QuestionTable, _ annotations: AnnotationTable?) {
        images = questions.imageIDs
        question = { row in
            let question = questions[row]
            let annotation = annotations.flatMap { annotations in
                annotations.row(of: question.id).map { annotations[$0] }
            }
            return ReadableQuestion(
                image: question.imageID, text: question.text, answer: annotation?.multipleChoiceAnswer,
                id: question.id, answerType: annotation?.answerType, questionType: annotation?.questionType)
        }
    }

    /// Some questions.
    public init(_ questions: [ReadableQuestion]) {
        images = questions.map(\.image)
        question = { questions[$0] }
    }

    /// The first question: 0.
    public var startIndex: Int { 0 }
    /// The count of questions.
    public var endIndex: Int { images.count }

    /// A question.
    public subscript(row: Int) -> ReadableQuestion { question(row) }
}
