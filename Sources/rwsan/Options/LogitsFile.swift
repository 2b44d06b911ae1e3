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

/// Makes the folders of files that are to be written, so that hours of work do not end for want of one.
func makeFolders(of files: String?...) throws {
    for file in files.compactMap({ $0 }) {
        try FileManager.default.createDirectory(
            at: URL(fileURLWithPath: file).deletingLastPathComponent(), withIntermediateDirectories: true)
    }
}
