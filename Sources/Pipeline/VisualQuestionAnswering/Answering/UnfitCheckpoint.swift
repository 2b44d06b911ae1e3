import Torch

/// Why the weights of a checkpoint do not fit the network that its settings, words and answers make.
enum UnfitCheckpoint {
    /// One line.
    ///
    /// - Parameters:
    ///   - mismatch: What does not fit.
    ///   - wordCount: How many words there are where they are not the checkpoint's own; nil else.
    ///   - answerCount: How many answers there are where they are not the checkpoint's own; nil else.
    static func reason(_ mismatch: StateMismatch, wordCount: Int?, answerCount: Int?) -> String {
        guard mismatch.missing.isEmpty, mismatch.unknown.isEmpty else { return "\(mismatch)" }
        for difference in mismatch.differing {
            guard let expected = difference.expected.first, let found = difference.found.first,
                expected != found, difference.expected.dropFirst() == difference.found.dropFirst()
            else { continue }
            if expected == wordCount {
                return
                    "it knows \(found) words, and the question files have \(expected): expected the files that it "
                    + "was trained with, all of them and unchanged"
            }
            if expected == answerCount {
                return
                    "it chooses from \(found) answers, and the list has \(expected): expected the answer list that "
                    + "it was trained with (--answers)"
            }
        }
        return "\(mismatch)"
    }
}
