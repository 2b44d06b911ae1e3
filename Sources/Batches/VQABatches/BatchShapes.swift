/// The few shapes that batches are filled up to, so that a GPU can do a step recorded once for each of them.
///
/// Behind its questions a batch gets fillers: sequences of regions of zeros and of padding words, which no question
/// sees. There are so many of them that they bring the region rows to a multiple of `regionStep` and the word rows
/// to a multiple of `wordStep`, whatever the questions have, and always the same number, so that batches with the
/// same two numbers of rows have tensors of the same shapes. Padded views have `maximumRegions` and `maximumWords`
/// positions.
///
/// A batch of fewer questions has a filler more for each one that it lacks, and the same shapes, its targets' excepted.
package struct BatchShapes: Sendable, Equatable {
    /// How many questions a batch has at most.
    package let questions: Int
    /// What the number of region rows is a multiple of.
    package let regionStep: Int
    /// What the number of word rows is a multiple of.
    package let wordStep: Int
    /// The most regions of an image, and of a filler.
    package let maximumRegions: Int
    /// The most words of a question, and of a filler.
    package let maximumWords: Int
    /// How many fillers a batch of `questions` questions has.
    package let fillerCount: Int

    /// How many sequences every batch has: questions and fillers.
    package var sequenceCount: Int { questions + fillerCount }

    /// - Parameters:
    ///   - questions: How many questions a batch has at most.
    ///   - regionStep: What the number of region rows is to be a multiple of.
    ///   - wordStep: What the number of word rows is to be a multiple of.
    ///   - maximumRegions: The most regions of an image.
    ///   - maximumWords: The most words of a question.
    ///   - areAlike: Whether any two batches can be filled up to one shape, the shorter one with more fillers.
    /// - Throws: `BatchShapesError` where one of them is below 1, or where fillers of one row each would have to bring
    ///   rows to a multiple of more than 1.
    package init(
        questions: Int, regionStep: Int = 256, wordStep: Int = 64, maximumRegions: Int, maximumWords: Int,
        areAlike: Bool = false
    ) throws(BatchShapesError) {
        self.questions = questions
        self.regionStep = regionStep
        self.wordStep = wordStep
        self.maximumRegions = maximumRegions
        self.maximumWords = maximumWords
        guard questions > 0 else {
            throw BatchShapesError(expected: "questions in a batch", found: "\(questions)")
        }
        let alike = areAlike ? questions : 0
        fillerCount = max(
            try Self.fillerCount(step: regionStep, maximum: maximumRegions, behind: alike),
            try Self.fillerCount(step: wordStep, maximum: maximumWords, behind: alike))
    }

    /// The least number of fillers of 1 to `maximum` rows that any remainder can be shared out to.
    ///
    /// Each takes a row at least, so they have from F to F + step - 1 rows together, and those must be no more than
    /// F * maximum. Behind questions without a row they may have to take the most rows of as many questions too.
    private static func fillerCount(step: Int, maximum: Int, behind questions: Int) throws(BatchShapesError)
        -> Int
    {
        guard step > 0, maximum > 0, step == 1 && questions == 0 || maximum > 1 else {
            throw BatchShapesError(
                expected: "a step from 1 on and more than one row a sequence",
                found: "a step of \(step) and \(maximum) rows a sequence")
        }
        guard maximum > 1 else { return 0 }
        return questions + (questions + step - 1 + maximum - 2) / (maximum - 1)
    }

    /// How many rows each filler has behind the rows of a batch's questions.
    ///
    /// - Throws: `BatchShapesError` where there are more questions than a batch has.
    package func fillers(questions: Int, regionRows: Int, wordRows: Int) throws(BatchShapesError)
        -> (regions: [Int], words: [Int])
    {
        (
            try regionFilling(questions: questions).lengths(behind: regionRows),
            try wordFilling(questions: questions).lengths(behind: wordRows)
        )
    }

    /// How the region rows of a batch of so many questions are filled up.
    ///
    /// - Throws: `BatchShapesError` where there are more questions than a batch has.
    func regionFilling(questions: Int) throws(BatchShapesError) -> RowFilling {
        RowFilling(fillerCount: try fillerCount(questions), step: regionStep)
    }

    /// How the word rows of a batch of so many questions are filled up.
    ///
    /// - Throws: `BatchShapesError` where there are more questions than a batch has.
    func wordFilling(questions: Int) throws(BatchShapesError) -> RowFilling {
        RowFilling(fillerCount: try fillerCount(questions), step: wordStep)
    }

    private func fillerCount(_ found: Int) throws(BatchShapesError) -> Int {
        guard found <= questions else {
            throw BatchShapesError(expected: "at most \(questions) questions in a batch", found: "\(found)")
        }
        return sequenceCount - found
    }
}

/// How the rows of a batch are filled up to a multiple.
struct RowFilling: Sendable {
    /// How many sequences fill them up.
    let fillerCount: Int
    /// What the number of rows becomes a multiple of.
    let step: Int
    /// How many rows there are at least when they are filled up: as many as other batches have, a multiple of ``step``.
    var least = 0

    /// Rows as they are.
    static let none = RowFilling(fillerCount: 0, step: 1)

    /// The most rows that there can be to fill up, where no batch asks for more.
    var maximumRowCount: Int { fillerCount + step - 1 }

    /// How many rows there are when so many rows of questions are filled up.
    func total(behind rows: Int) -> Int { max(least, (rows + fillerCount + step - 1) / step * step) }

    /// How many rows each filler has behind so many rows of questions: as nearly as can be the same number.
    func lengths(behind rows: Int) -> [Int] {
        guard fillerCount > 0 else { return [] }
        let added = total(behind: rows) - rows
        return (0..<fillerCount).map { added / fillerCount + ($0 < added % fillerCount ? 1 : 0) }
    }
}

/// Shapes that batches cannot be filled up to.
package struct BatchShapesError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What should have been there.
    package let expected: String
    /// What was there instead.
    package let found: String
    /// One line.
    package var description: String { "batch shapes: expected \(expected), found \(found)" }
}
