/// The number of an image, as in COCO's file names and the questions' `image_id`.
public struct ImageID: RawRepresentable, Hashable, Sendable, Comparable, Codable {
    /// The number as files write it.
    public let rawValue: Int64

    /// The identifier that files write as this number.
    public init(rawValue: Int64) {
        self.rawValue = rawValue
    }

    /// Orders by number.
    public static func < (left: ImageID, right: ImageID) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// The number of a question, as in the questions' and annotations' `question_id`.
public struct QuestionID: RawRepresentable, Hashable, Sendable, Comparable, Codable {
    /// The number as files write it.
    public let rawValue: Int64

    /// The identifier that files write as this number.
    public init(rawValue: Int64) {
        self.rawValue = rawValue
    }

    /// Orders by number.
    public static func < (left: QuestionID, right: QuestionID) -> Bool {
        left.rawValue < right.rawValue
    }
}
