import VQAFeatures

/// The head of a question or annotation file in VQA-v2's form.
struct OfficialFileHead {
    struct License {
        let name: String
        let url: String
    }

    let description: String
    /// The split, for example `train2014`.
    let dataSubtype: String
    let license: License?
}

/// A question in a file of VQA-v2's form.
struct OfficialQuestion {
    let imageID: ImageID
    let question: String
    let questionID: QuestionID
}

/// What people answered to a question, in a file of VQA-v2's form.
struct OfficialAnnotation {
    let questionType: String
    let multipleChoiceAnswer: String
    /// Each is somebody else's.
    let answers: [String]
    let imageID: ImageID
    let answerType: String
    let questionID: QuestionID
}

extension OfficialAnnotation {
    /// How many people answered each question of VQA-v2.
    private static let peopleCount = 10

    /// The annotation of a question with fewer answers than VQA-v2's ten, each of which then stands for as many people as
    /// it takes to make ten or more. One answer is that of ten people; what many agree on stays what many agree on. Ten
    /// answers and more stay as they are.
    ///
    /// The official question types are common beginnings of questions; here, the first two words.
    ///
    /// - Parameters:
    ///   - answers: At least one. The most frequent one counts where one is wanted, the first of those that are equally so.
    ///   - answerType: The type; where it is nil, what the most frequent answer looks like.
    init(
        question: String, answers: [String], answerType: String? = nil, imageID: ImageID,
        questionID: QuestionID
    ) {
        questionType = question.lowercased()
            .split { $0.isWhitespace || $0.isPunctuation }
            .prefix(2).joined(separator: " ")
        var counts: [String: Int] = [:]
        for answer in answers { counts[answer, default: 0] += 1 }
        let most = counts.values.max()
        multipleChoiceAnswer = answers.first { counts[$0] == most } ?? ""
        let missing = max(0, Self.peopleCount - answers.count)
        let times = answers.isEmpty ? 0 : 1 + (missing + answers.count - 1) / answers.count
        self.answers = answers.flatMap { Array(repeating: $0, count: times) }
        self.imageID = imageID
        self.answerType = answerType ?? Self.answerType(of: multipleChoiceAnswer)
        self.questionID = questionID
    }

    private static func answerType(of answer: String) -> String {
        switch answer.lowercased() {
        case "yes", "no": "yes/no"
        case let text where Int(text) != nil: "number"
        default: "other"
        }
    }
}
