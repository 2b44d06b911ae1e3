/// The number of an image, unique within a dataset (`image_id`; COCO's own numbers in VQA-v2).
public struct ImageID: RawRepresentable, Hashable, Comparable, Codable, Sendable, BitwiseCopyable,
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
    public static func < (left: ImageID, right: ImageID) -> Bool { left.rawValue < right.rawValue }
}
