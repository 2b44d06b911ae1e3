import VQAFeatures

/// A question or annotation file in VQA-v2's form, for an encoder that turns keys into snake case.
struct OfficialFileRecord: Encodable {
    struct Info: Encodable {
        let description: String
        let version = "2.0"
    }

    struct License: Encodable {
        let name: String
        let url: String
    }

    struct Question: Encodable {
        let imageID: ImageID
        let question: String
        let questionID: QuestionID
    }

    struct Answer: Encodable {
        let answer: String
        let answerConfidence = "yes"
        /// 1 to 10.
        let answerID: Int
    }

    struct Annotation: Encodable {
        let questionType: String
        let multipleChoiceAnswer: String
        let answers: [Answer]
        let imageID: ImageID
        let answerType: String
        let questionID: QuestionID
    }

    let info: Info
    let taskType = "Open-Ended"
    let dataType = "mscoco"
    /// The split, for example `train2014`.
    let dataSubtype: String
    let license: License
    /// Left out of an annotation file.
    var questions: [Question]?
    /// Left out of a question file.
    var annotations: [Annotation]?
}

extension OfficialFileRecord.Annotation {
    /// The annotation of a question that has one right answer: ten people gave it.
    init(question: String, unanimousAnswer answer: String, imageID: ImageID, questionID: QuestionID) {
        questionType = OfficialFileRecord.questionType(of: question)
        multipleChoiceAnswer = answer
        answers = (1...10).map { OfficialFileRecord.Answer(answer: answer, answerID: $0) }
        self.imageID = imageID
        answerType = OfficialFileRecord.answerType(of: answer)
        self.questionID = questionID
    }
}

extension OfficialFileRecord {
    /// The official question types are common beginnings of questions; here, the first two words.
    static func questionType(of question: String) -> String {
        question.lowercased()
            .split { $0.isWhitespace || $0.isPunctuation }
            .prefix(2).joined(separator: " ")
    }

    /// `yes/no`, `number` or `other`.
    static func answerType(of answer: String) -> String {
        switch answer.lowercased() {
        case "yes", "no": "yes/no"
        case let text where Int(text) != nil: "number"
        default: "other"
        }
    }
}
