import FileSystem

/// Why there is no picture to be had from a file.
public struct PictureError: Error, Equatable, Sendable, Codable, CustomStringConvertible {
    /// What is wrong.
    public enum Problem: Equatable, Sendable, Codable {
        /// The file is missing, not a regular file, or may not be read.
        case unreadable(reason: String)

        /// The file has no bytes.
        case empty

        /// The file is of no `PictureFormat`.
        case unknownFormat(firstBytes: [UInt8])

        /// The file is truncated, or its content is not what its format prescribes.
        case damaged(format: PictureFormat, reason: String)

        /// The file may be whole, but is of a kind that is not read: a JPEG of 12 bits, for example.
        case unsupportedKind(format: PictureFormat, found: String)

        /// There are no pixels, or more than `Picture.maximumPixelCount`, or more in a row or column than
        /// `Picture.maximumSide`.
        case unacceptableSize(width: Int, height: Int)

        /// The colours are not grey, RGB or YCbCr.
        case unsupportedColors(String)

        /// A picture in which nothing can be found.
        case withoutRegions(reason: String)

        /// The number of bytes is not that of 3 bytes a pixel.
        case wrongPixels(width: Int, height: Int, byteCount: Int)
    }

    /// The file's path, or the name that the picture was decoded under.
    public let file: String

    /// What is wrong with it.
    public let problem: Problem

    package init(file: String, problem: Problem) {
        self.file = file
        self.problem = problem
    }

    /// One line: the file, what was expected and what was found.
    public var description: String {
        switch problem {
        case .unreadable(let reason):
            return "\(file): cannot read the picture: \(reason)"
        case .empty:
            return "\(file): expected a \(PictureFormat.choices) picture, found no bytes"
        case .unknownFormat(let firstBytes):
            return
                "\(file): expected a \(PictureFormat.choices) picture, found \(Self.kind(startingWith: firstBytes))"
        case .damaged(let format, let reason):
            return "\(file): the \(format.rawValue) is truncated or damaged: \(reason)"
        case .unsupportedKind(let format, let found):
            return
                "\(file): expected a \(format.rawValue) of another kind, found one that is not read: \(found)"
        case .unacceptableSize(let width, let height):
            return
                "\(file): expected 1 to \(Picture.maximumPixelCount) pixels, at most \(Picture.maximumSide) a side, found "
                + "\(width) x \(height)"
        case .unsupportedColors(let found):
            return "\(file): expected a grey or RGB picture, found \(found)"
        case .withoutRegions(let reason):
            return "\(file): \(reason)"
        case .wrongPixels(let width, let height, let byteCount):
            return "\(file): expected \(width) x \(height) x 3 bytes, found \(byteCount)"
        }
    }

    /// What a file seems to be; so few bytes may look like a text by chance.
    private static func kind(startingWith bytes: [UInt8]) -> FileKind {
        let kind = FileKind(startingWith: bytes)
        return switch kind {
        case .text("text"), .table: .unknown(Array(bytes.prefix(8)))
        default: kind
        }
    }
}
