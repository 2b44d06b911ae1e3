import VQAFeatures

/// What identifies a question within a dataset (`question_id`): a number, as in VQA-v2, or a text, as in GQA.
public struct QuestionID: DatasetIdentifier {
    /// The number itself, or the place of the text.
    public let rawValue: Int64

    /// An identifier of this number.
    public init(rawValue: Int64) {
        self.rawValue = rawValue
    }
}

/// The position of an answer in an ``AnswerList``: the number of its logit.
public struct AnswerIndex: RawRepresentable, Hashable, Comparable, Sendable, BitwiseCopyable,
    CustomStringConvertible
{
    /// The number itself.
    public let rawValue: Int32

    /// An identifier of this number.
    public init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    /// The number in decimal digits.
    public var description: String { String(rawValue) }

    /// Orders by number.
    public static func < (left: AnswerIndex, right: AnswerIndex) -> Bool { left.rawValue < right.rawValue }
}
