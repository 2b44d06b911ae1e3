import VQADatasets
import VQAVision

extension DatasetImport {
    /// What has come of an import.
    package struct Report: Sendable {
        /// The dataset.
        package let dataset: ImportedDataset
        /// The splits that have questions, in order.
        package let splits: [Part]
        /// The rows that were left out, in the order of the table.
        package let leftOut: [LeftOutRow]
        /// How many answers were brought into normal form, and one of them, before and after.
        package let changedAnswers: (count: Int, example: (given: String, form: String)?)
        /// How many pictures are in the folder that no question is about.
        package internal(set) var unusedPictures = 0
        /// What in the folder could not be opened.
        package internal(set) var unopened: [LeftOutPicture] = []
        /// How many pictures are in another split than after the import before.
        package internal(set) var movedPictures = 0
        /// The folder of the pictures in the import before, where it was another one.
        package internal(set) var formerFolder: String?
        /// How many pictures lie elsewhere in their folder than in the import before, by their names, and so count as new.
        package internal(set) var displacedPictures = 0

        /// A split, and what is in it.
        package struct Part: Sendable, Equatable {
            package let split: ImportSplit
            package let pictures: Int
            package let questions: Int
        }

        init(
            _ dataset: ImportedDataset, _ note: ImportNote, _ questions: [ImportedQuestion],
            _ reading: TableReading
        ) {
            self.dataset = dataset
            leftOut = reading.leftOut
            changedAnswers = reading.changedAnswers
            var questionCounts: [ImportSplit: Int] = [:]
            for question in questions { questionCounts[note.images[question.picture].split, default: 0] += 1 }
            splits = ImportSplit.allCases.compactMap { split in
                questionCounts[split].map { count in
                    Part(
                        split: split, pictures: note.images.count { $0.split == split }, questions: count)
                }
            }
        }

        /// How many rows were left out for each kind of reason, the most frequent first, and some of them.
        package var reasons: [(kind: String, count: Int, examples: [LeftOutRow])] {
            Dictionary(grouping: leftOut, by: \.reason.kind)
                .map { ($0, $1.count, Array($1.prefix(Self.shownRows))) }
                .sorted { ($1.1, $0.0) < ($0.1, $1.0) }
        }

        private static let shownRows = 3

        /// Settings that suit so few questions.
        package var suggestion: SuggestedSettings {
            SuggestedSettings(questions: splits.first { $0.split == .train }?.questions ?? 0)
        }
    }
}
