import FileSystem

/// The formats that can be decoded.
public enum PictureFormat: String, Sendable, CaseIterable, Codable {
    /// Portable Network Graphics.
    case png = "PNG"

    /// JPEG, baseline or progressive, of 8 bits.
    case jpeg = "JPEG"

    /// WebP, with loss or without; no animation.
    case webP = "WebP"

    /// Tagged Image File Format, its first page.
    case tiff = "TIFF"

    /// Graphics Interchange Format, its first frame.
    case gif = "GIF"

    /// Windows bitmap, not compressed.
    case bmp = "BMP"

    /// All of them, as in "expected a ... picture".
    static let choices: String = {
        let names = allCases.map(\.rawValue)
        return names.dropLast().joined(separator: ", ") + " or " + (names.last ?? "")
    }()

    /// How many bytes tell the format.
    private static let prefixByteCount = 32

    /// The format of a file that begins so, if it is one of these.
    package init?(contentsStartingWith bytes: some Sequence<UInt8>) {
        self.init(FileKind(startingWith: Array(bytes.prefix(Self.prefixByteCount))))
    }

    /// The format of a kind of files, if it is one of these.
    init?(_ kind: FileKind) {
        switch kind {
        case .png: self = .png
        case .jpeg: self = .jpeg
        case .webP: self = .webP
        case .tiff: self = .tiff
        case .gif: self = .gif
        case .bmp: self = .bmp
        default: return nil
        }
    }
}
