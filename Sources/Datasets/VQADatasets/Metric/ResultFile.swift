import CVQAJSON
import Foundation

/// An answer to a question.
public struct Prediction: Sendable, Equatable {
    /// The question that is answered.
    public let questionID: QuestionID
    /// The answer, in the form that is to be written or compared.
    public let answer: String

    /// A prediction of these values.
    public init(questionID: QuestionID, answer: String) {
        self.questionID = questionID
        self.answer = answer
    }
}

/// Files of answers, in the form that EvalAI takes: `[{"answer": str, "question_id": int}, ...]`. Ids that are texts
/// stand there as texts.
public enum ResultFile {
    /// Reads a result file.
    ///
    /// - Throws: `DatasetFileError` where it cannot be read or is not of this form.
    public static func read(_ file: URL) throws -> [Prediction] {
        try readColumns(of: file, with: vqa_results_read, into: VQAResults()) { view in
            let questionIDs = FileIdentifiers(view.id_texts)
                .column(view.question_ids, count: view.count, of: QuestionID.self)
            let column = StringColumn(view.strings)
            let strings = (0..<column.count).map { column[$0] }
            return (0..<view.count).map { row in
                Prediction(
                    questionID: questionIDs[row], answer: strings[Int(view.answers[row])])
            }
        }
    }

    /// Writes a result file as the official release does, whole or not at all: a file that was there
    /// stays as it was until the new one is complete.
    ///
    /// - Throws: `DatasetFileError` where it cannot be written.
    public static func write(_ predictions: some Sequence<Prediction>, to file: URL) throws {
        var text = JSONText()
        text.append("[")
        var separator = ""
        for prediction in predictions {
            text.append(separator + "{\"answer\": ")
            text.append(quoting: prediction.answer)
            text.append(", \"question_id\": ")
            text.append(prediction.questionID)
            text.append("}")
            separator = ", "
        }
        text.append("]")
        try text.write(to: file)
    }
}
