/// A word of a question as it was written, and what a model reads of it.
package struct WrittenWord: Sendable, Equatable {
    /// The word, with the marks at it that the model does not read.
    package let text: String
    /// Which of the question's numbers are the word's: several where it is read in pieces, none where it is not read.
    package let rows: Range<Int>
    /// Where it stands among the scalars of the question.
    let place: Range<Int>
}

extension Vocabulary {
    /// The words of a question as they were written, in their order. What stands between white space is a word; marks before
    /// and behind it are words of their own where the model reads marks, as published models do.
    ///
    /// - Parameters:
    ///   - question: Any text.
    ///   - maximumCount: How many numbers ``encode(_:maximumCount:)-(String,_)`` gives at most.
    package func writtenWords(of question: String, maximumCount: Int) -> [WrittenWord] {
        let text = Array(question.unicodeScalars)
        // Published models begin with [CLS], and end with [SEP].
        let first = pieces == nil ? 0 : 1
        let end = max(first, maximumCount - first)
        var (row, position) = (first, 0)
        var words: [WrittenWord] = []
        while position < text.count {
            guard !isSpace(text[position]) else {
                position += 1
                continue
            }
            let start = position
            while position < text.count, !isSpace(text[position]) { position += 1 }
            for place in row < end ? parts(of: start..<position, in: text) : [start..<position] {
                let count = row < end ? readCount(of: text[place]) : 0
                let rows = row..<min(end, row + count)
                words.append(WrittenWord(text: String(text[place]), rows: rows, place: place))
                row = rows.upperBound
            }
        }
        return words
    }

    /// A question without one of its words.
    package func question(_ question: String, without word: WrittenWord) -> String {
        var text = Array(question.unicodeScalars)
        text.removeSubrange(word.place.clamped(to: text.indices))
        return String(text[...])
    }

    /// Whether words end there: each of the two ways of reading has a rule of its own.
    private func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        guard pieces != nil else { return PythonText.isWhitespace(scalar) }
        return WordPieceNormalizer.isSpace(scalar)
    }

    /// How many numbers stand for a text.
    private func readCount(of text: ArraySlice<Unicode.Scalar>) -> Int {
        guard let pieces else { return QuestionTokenizer.words(in: String(text)).count }
        return pieces.ids(of: String(text), limit: .max).ids.count - 2
    }

    /// A word and the marks before and behind it, where each is read by itself.
    private func parts(of place: Range<Int>, in text: [Unicode.Scalar]) -> [Range<Int>] {
        guard let pieces else { return [place] }
        let start = text[place].firstIndex { !WordPieceWords.isPunctuation($0) } ?? place.upperBound
        let end =
            text[start..<place.upperBound].lastIndex { !WordPieceWords.isPunctuation($0) }.map { $0 + 1 }
            ?? start
        let parts = [place.lowerBound..<start, start..<end, end..<place.upperBound].filter { !$0.isEmpty }
        func ids(_ place: Range<Int>) -> [Int32] {
            Array(pieces.ids(of: String(text[place]), limit: .max).ids.dropFirst().dropLast())
        }
        // A special token such as [MASK] is one number, marks and all.
        return parts.flatMap(ids) == ids(place) ? parts : [place]
    }
}

extension String {
    fileprivate init(_ scalars: ArraySlice<Unicode.Scalar>) {
        var view = UnicodeScalarView()
        view.append(contentsOf: scalars)
        self.init(view)
    }
}
