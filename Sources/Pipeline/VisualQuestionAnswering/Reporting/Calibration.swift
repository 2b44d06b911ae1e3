/// How well a model knows how sure it may be: of the answers with a score of about 0.7, about 70 % should be right.
///
/// Questions are put into bins of equal width by the score of the best answer. The expected calibration error (Guo, Pleiss,
/// Sun, Weinberger, "On Calibration of Modern Neural Networks", ICML 2017) is the difference between mean score and
/// accuracy of the bins, on average over the questions. The accuracy of an answer is the dataset's, which lies between 0
/// and 1 where people disagree.
public struct Calibration: Sendable, Equatable, Encodable {
    /// The questions whose scores lie above ``from``, or at it in the first bin, up to ``to``.
    public struct Bin: Sendable, Equatable, Encodable {
        /// From which score on.
        public let from: Double
        /// Up to which score.
        public let to: Double
        /// How many questions.
        public let questions: Int
        /// Their mean score; 0 without questions.
        public let confidence: Double
        /// Their accuracy, from 0 to 1; 0 without questions.
        public let accuracy: Double
    }

    /// The bins, from 0 to 1.
    public let bins: [Bin]
    /// The expected calibration error, from 0 to 1; 0 without questions.
    public let expectedError: Double
    /// The mean score of the best answers.
    public let meanConfidence: Double

    /// As many as in the paper.
    static let binCount = 15

    enum CodingKeys: String, CodingKey {
        case bins
        case expectedError = "expected_calibration_error"
        case meanConfidence = "mean_confidence"
    }

    /// - Parameters:
    ///   - confidences: The scores of best answers, from 0 to 1.
    ///   - accuracies: What each answer is worth, from 0 to 1, as many.
    init(confidences: [Double], accuracies: [Double]) {
        var sums = Array(repeating: (count: 0, confidence: 0.0, accuracy: 0.0), count: Self.binCount)
        for (confidence, accuracy) in zip(confidences, accuracies) {
            let place = (confidence * Double(Self.binCount)).rounded(.up) - 1
            let bin = min(Self.binCount - 1, max(0, Int(exactly: place) ?? 0))
            sums[bin].count += 1
            sums[bin].confidence += confidence
            sums[bin].accuracy += accuracy
        }
        bins = sums.enumerated().map { index, sum in
            let count = Double(max(1, sum.count))
            return Bin(
                from: Double(index) / Double(Self.binCount), to: Double(index + 1) / Double(Self.binCount),
                questions: sum.count, confidence: sum.confidence / count, accuracy: sum.accuracy / count)
        }
        let total = Double(max(1, confidences.count))
        expectedError = bins.reduce(0) {
            $0 + Double($1.questions) / total * abs($1.accuracy - $1.confidence)
        }
        meanConfidence = confidences.reduce(0, +) / total
    }
}
