/// What a model should answer to each question: a score for every answer of the list that people gave,
/// and 0 for all others.
///
/// Of the human answers to a question, normalised, one given once scores 0.3, twice 0.6, three times
/// 0.9, and four times or more 1. Kept sparse: some two answers a question out of 3,129.
package struct SoftTargets: Sendable {
    /// The target of row i is at `offsets[i]..<offsets[i + 1]` of ``answers`` and ``scores``.
    package private(set) var offsets = [0]
    /// The answers that score, one row after another; within a row in order of first appearance.
    package private(set) var answers: [AnswerIndex] = []
    /// The score of each of ``answers``, above 0 and at most 1.
    package private(set) var scores: [Float] = []

    /// No targets, to which others are appended.
    init() {}

    /// Targets that were kept: `offsets` begins with 0, never falls, and ends with the count of `answers`.
    init(offsets: [Int], answers: [AnswerIndex], scores: [Float]) {
        self.offsets = offsets
        self.answers = answers
        self.scores = scores
    }

    /// The targets of all annotations, row by row.
    package init(annotations: AnnotationTable, answers list: AnswerList) {
        offsets.reserveCapacity(annotations.count + 1)
        var listed = ComputedOncePerString<AnswerIndex?>(annotations.strings)
        var counts: [(answer: AnswerIndex, count: Int)] = []
        /// Where the answers of a row with many of them are among `counts`.
        var places: [AnswerIndex: Int] = [:]
        for row in annotations.indices {
            counts.removeAll(keepingCapacity: true)
            places.removeAll(keepingCapacity: true)
            let records = annotations.answers[annotations.answerRange(of: row)]
            // Looking through the few that a question has takes less time than a dictionary does.
            let areMany = records.count > 64
            for record in records {
                let answer = listed.value(of: record.answer) {
                    list.index(of: AnswerNormalizer.normalize($0)[...])
                }
                guard let answer else { continue }
                let known = areMany ? places[answer] : counts.firstIndex { $0.answer == answer }
                if let known {
                    counts[known].count += 1
                } else {
                    if areMany { places[answer] = counts.count }
                    counts.append((answer, 1))
                }
            }
            answers.append(contentsOf: counts.lazy.map(\.answer))
            scores.append(contentsOf: counts.lazy.map { Self.score(ofCount: $0.count) })
            offsets.append(answers.count)
        }
    }

    /// Puts other targets behind these.
    mutating func append(_ other: SoftTargets) {
        guard count > 0 else { return self = other }
        let start = answers.count
        offsets.append(contentsOf: other.offsets.dropFirst().lazy.map { start + $0 })
        answers.append(contentsOf: other.answers)
        scores.append(contentsOf: other.scores)
    }

    /// How many targets there are.
    package var count: Int { offsets.count - 1 }

    /// The answers that score in one row, and their scores.
    package subscript(row: Int) -> Zip2Sequence<ArraySlice<AnswerIndex>, ArraySlice<Float>> {
        let range = offsets[row]..<offsets[row + 1]
        return zip(answers[range], scores[range])
    }

    private static func score(ofCount count: Int) -> Float {
        switch count {
        case 1: 0.3
        case 2: 0.6
        case 3: 0.9
        default: 1
        }
    }
}
