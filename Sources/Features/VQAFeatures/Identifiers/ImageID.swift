/// What identifies an image within a dataset (`image_id`): a number, as COCO's own in VQA-v2, or a text, as GQA's
/// `n116329`.
public struct ImageID: DatasetIdentifier {
    /// The number itself, or the place of the text.
    public let rawValue: Int64

    /// An identifier of this number.
    public init(rawValue: Int64) {
        self.rawValue = rawValue
    }
}
