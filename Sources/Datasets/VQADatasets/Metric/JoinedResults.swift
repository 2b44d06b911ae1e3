import Foundation

/// The answers of several result files, each to a part of the same questions, put together.
public struct JoinedResults: Sendable {
    /// The answers, in the order of the question file.
    public let predictions: [Prediction]
    /// The questions to which no file has an answer, in the same order.
    public let missing: [QuestionID]

    /// Reads the files.
    ///
    /// - Parameters:
    ///   - files: The result files, in any order.
    ///   - questions: All questions.
    /// - Throws: `DatasetFileError` where a file cannot be read or is not of this form; ``JoiningError`` where answers do
    ///   not belong together.
    public init(_ files: [URL], questions: QuestionTable) throws {
        var answers = [(answer: String, file: URL)?](repeating: nil, count: questions.count)
        for file in files {
            for prediction in try ResultFile.read(file) {
                guard let row = questions.row(of: prediction.questionID) else {
                    throw JoiningError.unknownQuestion(prediction.questionID, file: file.relativePath)
                }
                if let earlier = answers[row], earlier.answer != prediction.answer {
                    throw JoiningError.twoAnswers(
                        prediction.questionID, first: earlier.answer, firstFile: earlier.file.relativePath,
                        second: prediction.answer, secondFile: file.relativePath)
                }
                answers[row] = (prediction.answer, file)
            }
        }
        predictions = zip(questions.ids, answers).compactMap { id, found in
            found.map { Prediction(questionID: id, answer: $0.answer) }
        }
        missing = zip(questions.ids, answers).filter { $0.1 == nil }.map { $0.0 }
    }
}

/// Result files that are no parts of the answers to the same questions.
public enum JoiningError: Error, Sendable, Equatable, CustomStringConvertible {
    case unknownQuestion(QuestionID, file: String)
    case twoAnswers(QuestionID, first: String, firstFile: String, second: String, secondFile: String)
    case missing(count: Int, of: Int, first: [QuestionID])

    /// One line.
    public var description: String {
        switch self {
        case .unknownQuestion(let id, let file):
            "\(file): expected answers to questions of the question file, found one to question \(id), which it lacks"
        case .twoAnswers(let id, let first, let firstFile, let second, let secondFile):
            "question \(id): expected one answer, found '\(first)' in \(firstFile) and '\(second)' in \(secondFile): the files are "
                + "not of one model"
        case .missing(let count, let total, let first):
            "\(count) of \(total) questions have no answer: \(first.map(\.description).joined(separator: ", "))"
                + "\(count > first.count ? " and others" : ""); a part is missing, or --partial writes the rest"
        }
    }
}
