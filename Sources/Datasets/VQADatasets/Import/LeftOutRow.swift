/// A row that is not part of the dataset, and why.
package struct LeftOutRow: Sendable, Equatable {
    /// The reasons.
    package enum Reason: Sendable, Equatable {
        /// The row names no picture.
        case noPictureNamed
        /// No picture has the name.
        case missingPicture
        /// Two pictures have the name.
        case ambiguousPicture(String, String)
        /// The picture cannot be read; why.
        case unreadablePicture(String)
        /// The question has no word in it.
        case emptyQuestion
        /// There is no answer.
        case noAnswer
        /// Of the answers nothing is left in normal form: no word but an article, for example.
        case emptyAnswer(String)
        /// The row says the same as an earlier one, whose number this is.
        case duplicate(Int)
        /// An earlier row asks the same about the same picture, and has another answer.
        case otherAnswer(Int)
        /// The split is none.
        case unknownSplit(String)
    }

    /// The number of the row.
    package let row: Int
    /// What names the picture there.
    package let picture: String
    /// The question there.
    package let question: String
    /// Why it is left out.
    package let reason: Reason

    package init(_ row: QuestionRow, _ reason: Reason) {
        self.init(row: row.number, picture: row.picture, question: row.question, reason: reason)
    }

    package init(row: Int, picture: String, question: String, reason: Reason) {
        (self.row, self.picture, self.question, self.reason) = (row, picture, question, reason)
    }

    /// One line for people.
    package var line: String { "row \(row): \(picture.isEmpty ? "" : picture + ": ")\(reason.text)" }
}

extension LeftOutRow.Reason {
    /// What several rows of the same reason have in common, as in `12 rows: no such picture`.
    package var kind: String {
        switch self {
        case .noPictureNamed: "no picture named"
        case .missingPicture: "no such picture"
        case .ambiguousPicture: "several pictures of that name"
        case .unreadablePicture: "unreadable picture"
        case .emptyQuestion: "no word in the question"
        case .noAnswer: "no answer"
        case .emptyAnswer: "nothing left of the answer"
        case .duplicate: "the same as an earlier row"
        case .otherAnswer: "another answer than an earlier row"
        case .unknownSplit: "unknown split"
        }
    }

    /// The reason in full.
    package var text: String {
        switch self {
        case .noPictureNamed, .missingPicture, .emptyQuestion, .noAnswer: kind
        case .ambiguousPicture(let first, let second): "several pictures of that name: \(first), \(second)"
        case .unreadablePicture(let problem): "unreadable picture: \(problem)"
        case .emptyAnswer(let answer):
            "nothing left of the answer '\(answer)': the metric drops punctuation and the words a, an and the"
        case .duplicate(let row): "the same as row \(row)"
        case .otherAnswer(let row):
            "the question of row \(row) about the same picture, with another answer: several answers go into one row"
        case .unknownSplit(let name): "expected the split train, val or test, found '\(name)'"
        }
    }
}
