import Foundation
import Torch
import VQATraining

/// The logits of every question: safetensors with `question_id` int64 `[questions]` and `logits` float32
/// `[questions, answers]`.
enum LogitsFile {
    static func write(_ answers: Predictor.Answers, to path: String) throws {
        try saveSafetensors(
            [
                "question_id": Tensor(answers.questionIDs.map(\.rawValue)),
                "logits": Tensor.concatenate(answers.logits),
            ], to: path)
    }
}
