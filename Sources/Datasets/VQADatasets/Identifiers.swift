/// The number of a question, unique within a dataset (`question_id`).
public struct QuestionID: RawRepresentable, Hashable, Comparable, Codable, Sendable, BitwiseCopyable,
    CustomStringConvertible
{
    /// The number itself.
    public let rawValue: Int64

    /// An identifier of this number.
    public init(rawValue: Int64) {
        self.rawValue = rawValue
    }

    /// The number in decimal digits.
    public var description: String { String(rawValue) }

    /// Orders by number.
    public static func < (left: QuestionID, right: QuestionID) -> Bool { left.rawValue < right.rawValue }
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
