/// What identifies a question or an image within a dataset: a number or a text, in eight bytes.
///
/// A number is its own raw value. Texts are kept once for the whole process, and their raw values lie below all
/// numbers, from `Int64.min` on; they hold for this process alone, and files hold the texts themselves. A text that
/// is a number in decimal digits, as the number would be printed, is that number: `116329` and `"116329"` are
/// one image, `"n116329"` and `"0042"` are others.
public protocol DatasetIdentifier: RawRepresentable, Hashable, Comparable, Codable, Sendable, BitwiseCopyable,
    CustomStringConvertible
where RawValue == Int64 {
    /// An identifier of this number.
    init(rawValue: Int64)
}

extension DatasetIdentifier {
    /// An identifier of this text, or of the number that it is.
    public init(_ text: String) {
        var text = text
        self.init(
            rawValue: text.withUTF8 { IdentifierPool.shared.rawValue(of: UnsafeRawBufferPointer($0)) })
    }

    /// Whether it is a text and no number.
    public var isText: Bool { rawValue < IdentifierPool.firstNumber }

    /// The number in decimal digits, or the text.
    public var description: String { IdentifierPool.shared.text(of: rawValue) ?? String(rawValue) }

    /// Orders numbers by their size, then texts by their Unicode.
    public static func < (left: Self, right: Self) -> Bool {
        switch (left.isText, right.isText) {
        case (false, false): left.rawValue < right.rawValue
        case (false, true): true
        case (true, false): false
        case (true, true): IdentifierPool.shared.isText(left.rawValue, before: right.rawValue)
        }
    }

    /// Reads a number or a text.
    ///
    /// - Throws: `DecodingError` where it is neither, or a number that is kept free for texts.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let number = try? container.decode(Int64.self) else {
            self.init(try container.decode(String.self))
            return
        }
        guard number >= IdentifierPool.firstNumber else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: "expected an id from \(IdentifierPool.firstNumber) on, found \(number)")
        }
        self.init(rawValue: number)
    }

    /// Writes a number as a number and a text as a text.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if isText { try container.encode(description) } else { try container.encode(rawValue) }
    }
}
