import FileSystem
import Foundation
import Workers

/// How much of what people answered is in an answer list.
package struct AnswerCoverage: Sendable, Equatable, Encodable {
    /// How many questions are annotated.
    package private(set) var questions: Int
    /// How many of them have a listed answer among those that people gave.
    package private(set) var questionsCovered = 0
    /// How many answers people gave: ten a question in VQA-v2.
    package private(set) var answers = 0
    /// How many of these are listed, in normal form.
    package private(set) var answersCovered = 0

    /// The part of the answers that is listed, from 0 to 1; 0 where there are none.
    package var answerShare: Double { answers > 0 ? Double(answersCovered) / Double(answers) : 0 }
    /// The part of the questions that have a listed answer, from 0 to 1; 0 where there are none.
    package var questionShare: Double { questions > 0 ? Double(questionsCovered) / Double(questions) : 0 }

    /// Counts over all annotations.
    package init(of annotations: AnnotationTable, by list: AnswerList) {
        questions = annotations.count
        var isListed = ComputedOncePerString<Bool>(annotations.strings)
        for row in annotations.indices {
            let records = annotations.answers[annotations.answerRange(of: row)]
            let count = records.count { record in
                isListed.value(of: record.answer) {
                    list.index(of: AnswerNormalizer.normalize($0)[...]) != nil
                }
            }
            answers += records.count
            answersCovered += count
            if count > 0 { questionsCovered += 1 }
        }
    }
}

extension OfficialLayout {
    /// The annotations of some splits, read beside one another.
    ///
    /// - Parameter splits: Nil for those of train and val that are there, which make the official answer list.
    /// - Throws: `DatasetFileError` where a file is missing or damaged; `UnannotatedSplitError` where a split
    ///   has none.
    package func annotations(_ splits: [DatasetSplit]? = nil) throws -> [(
        split: DatasetSplit, table: AnnotationTable
    )] {
        let splits = splits ?? presentAnswerSplits
        let work = try splits.map { split in
            guard let file = annotations(of: split) else {
                throw UnannotatedSplitError(split: split.rawValue)
            }
            return ParallelWork(cost: Int(FileIdentity(file).byteCount ?? 0)) {
                try AnnotationTable(contentsOf: file)
            }
        }
        return Array(zip(splits, try ParallelWork.results(of: work)))
    }
}
