import Foundation
import Torch
import VQADatasets

/// The logits of every question: safetensors with `question_id` int64 `[questions]` and `logits` float32
/// `[questions, answers]`, some 12 KB a question of VQA-v2's. They are written as they come.
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
            ["question_id": Tensor(questions.map(\.rawValue))],
            rows: SafetensorsRows(name: "logits", shape: [questions.count, answerCount]), to: path, body)
    }
}
