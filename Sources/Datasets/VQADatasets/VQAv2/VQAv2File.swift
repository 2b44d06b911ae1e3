import Foundation

/// A question or annotation file of VQA-v2.
package struct VQAv2File: Sendable, Hashable {
    /// What is in it.
    package enum Records: String, Sendable {
        /// Questions.
        case questions
        /// The answers that people gave.
        case annotations
    }

    /// The split that it is of.
    package let split: DatasetSplit
    /// What is in it.
    package let records: Records

    /// The file of these records.
    package init(split: DatasetSplit, records: Records) {
        (self.split, self.records) = (split, records)
    }

    /// Where it lies in the official layout; nil for annotations that nobody has published.
    package func location(in layout: OfficialLayout) -> URL? {
        switch records {
        case .questions: layout.questions(of: split)
        case .annotations: layout.annotations(of: split)
        }
    }

    /// How many records VQA-v2's own file has (visualqa.org, "balanced real images"); nil for Visual Genome.
    package var publishedCount: Int? {
        switch split {
        case .train: 443_757
        case .val: 214_354
        case .test: 447_793
        case .testDev: 107_394
        case .visualGenome: nil
        }
    }

    /// Reads a file of this kind to its end.
    ///
    /// - Returns: How many records it has.
    /// - Throws: `DatasetFileError` where it is missing, damaged, or of another kind.
    package func countRecords(in file: URL) throws -> Int {
        switch records {
        case .questions: try QuestionTable(contentsOf: file).count
        case .annotations: try AnnotationTable(contentsOf: file).count
        }
    }
}
