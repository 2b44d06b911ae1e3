import Foundation
import Torch
import VQADatasets

/// The logits of every question: safetensors with `question_id` int64 `[questions]` and `logits` float32
/// `[questions, answers]`, some 12 KB a question of VQA-v2's. They are written as they come.
///
/// Where an id is a text, all ids are written as texts in place of `question_id`: `question_id.text`, uint8, has them one
/// behind the other in UTF-8, and `question_id.offsets`, int64 `[questions + 1]`, says where each begins and ends.
enum LogitsFile {
    /// - Parameters:
    ///   - questions: The questions, in the order in which their logits come.
    ///   - answerCount: How many answers there are.
    ///   - path: The file to write, whole or not at all.
    ///   - body: Computes the logits, and hands them over.
    static func write<Result>(
        of questions: [QuestionID], answerCount: Int, to path: String,
        _ body: (_ append: (Tensor) throws -> Void) throws -> Result
    ) throws -> Result {
        try saveSafetensors(
            try identifiers(of: questions),
            rows: SafetensorsRows(name: "logits", shape: [questions.count, answerCount]), to: path, body)
    }

    private static func identifiers(of questions: [QuestionID]) throws -> [String: Tensor] {
        guard questions.contains(where: \.isText) else {
            return ["question_id": try Tensor(questions.map(\.rawValue))]
        }
        var bytes: [UInt8] = []
        var offsets: [Int64] = [0]
        for question in questions {
            bytes += question.description.utf8
            offsets.append(Int64(bytes.count))
        }
        return ["question_id.text": try Tensor(bytes), "question_id.offsets": try Tensor(offsets)]
    }
}
