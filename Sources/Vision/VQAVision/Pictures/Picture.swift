import FileSystem
import Foundation

/// A picture in memory: 8-bit red, green and blue (sRGB), rows from the top.
///
/// Files of each `PictureFormat` are read, told apart by their content and not by their name:
/// - Grey, palette and 16-bit pictures become 8-bit RGB.
/// - `PictureReading` says what becomes of transparency, gamma and inks.
/// - A picture that EXIF data, or a TIFF's own, say is turned or mirrored is set upright; damaged EXIF data say nothing.
/// - Of a file of several pictures, the first is read.
public struct Picture: Equatable, Sendable {
    /// The most pixels a picture may have, so that a small file cannot ask for all the memory.
    public static let maximumPixelCount = 100_000_000

    /// The most pixels of a side, as JPEG has it. Rows of a picture are resized one by one: a hundred million of one pixel
    /// would take more memory than there is.
    public static let maximumSide = 65_535

    /// In pixels.
    public let width: Int

    /// In pixels.
    public let height: Int

    /// Intensities, 0 to 255, row-major: [height, width, 3], the last axis red, green, blue.
    public let pixels: [UInt8]

    /// A picture of pixels that are already in memory.
    ///
    /// - Parameters:
    ///   - width: In pixels.
    ///   - height: In pixels.
    ///   - pixels: [height, width, 3], row-major.
    /// - Throws: `PictureError` when there are not `height * width * 3` of them, or too many.
    public init(width: Int, height: Int, pixels: [UInt8]) throws {
        let name = "pixels in memory"
        let expected = try Self.byteCount(width: width, height: height, of: name)
        guard pixels.count == expected else {
            throw PictureError(
                file: name,
                problem: .wrongPixels(width: width, height: height, byteCount: pixels.count))
        }
        self.init(width: width, height: height, checkedPixels: pixels)
    }

    /// Reads and decodes a picture file.
    ///
    /// - Parameters:
    ///   - file: The file.
    ///   - reading: How the numbers in the file become a picture.
    /// - Throws: `PictureError`.
    public init(contentsOf file: URL, reading: PictureReading = .shown) throws {
        try self.init(decoding: PictureFile.read(file), named: file.path, reading: reading)
    }

    /// Decodes the bytes of a picture file.
    ///
    /// - Parameters:
    ///   - bytes: All bytes of the file.
    ///   - name: What to call the picture in an error.
    ///   - reading: How the numbers in the file become a picture.
    /// - Throws: `PictureError`.
    public init(decoding bytes: Data, named name: String, reading: PictureReading = .shown) throws {
        guard !bytes.isEmpty else { throw PictureError(file: name, problem: .empty) }
        guard let format = PictureFormat(contentsStartingWith: bytes) else {
            throw PictureError(file: name, problem: .unknownFormat(firstBytes: Array(bytes.prefix(16))))
        }
        self = try bytes.withUnsafeBytes { bytes in
            try EncodedPicture(bytes: bytes, format: format, name: name, reading: reading).decoded()
        }
    }

    /// How many pixels the bytes of a picture file state, before any is decoded; nil where they are cut off or damaged
    /// before, or are no picture's. More than an `Int` holds is the largest `Int`.
    package static func statedPixelCount(_ bytes: Data) -> Int? {
        bytes.withUnsafeBytes(StatedSize.of).map { size in
            let (count, overflow) = max(0, size.width).multipliedReportingOverflow(by: max(0, size.height))
            return overflow ? .max : count
        }
    }

    /// For the decoders, which have asked for `byteCount(width:height:of:)` bytes and filled them.
    init(width: Int, height: Int, checkedPixels: [UInt8]) {
        self.width = width
        self.height = height
        self.pixels = checkedPixels
    }

    /// How many bytes the pixels take, for a size that a file states and that may be anything.
    static func byteCount(width: Int, height: Int, of name: String) throws -> Int {
        let (pixelCount, overflow) = width.multipliedReportingOverflow(by: height)
        guard width > 0, height > 0, !overflow, pixelCount <= maximumPixelCount,
            max(width, height) <= maximumSide
        else {
            throw PictureError(file: name, problem: .unacceptableSize(width: width, height: height))
        }
        return pixelCount * 3
    }
}

/// Reading a file whole, with errors that say what is wrong with it.
package enum PictureFile {
    /// More than a 16-bit PNG of the most pixels allowed takes uncompressed.
    static let maximumByteCount = 1_000_000_000

    package static func read(_ file: URL) throws -> Data {
        do {
            // Asked for first: reading a pipe or a device could go on for ever.
            let attributes = try FileManager.default.attributesOfItem(
                atPath: file.resolvingSymlinksInPath().path)
            if attributes[.type] as? FileAttributeType == .typeSymbolicLink {
                let target = try FileManager.default.destinationOfSymbolicLink(atPath: file.path)
                throw unreadable(file, "it is a link to \(target), which is not there")
            }
            guard attributes[.type] as? FileAttributeType == .typeRegular else {
                throw unreadable(file, "it is not a regular file")
            }
            guard let size = attributes[.size] as? Int, size <= maximumByteCount else {
                throw unreadable(file, "it has more than \(maximumByteCount) bytes")
            }
            return try Data(contentsOf: file)
        } catch let error as PictureError {
            throw error
        } catch CocoaError.fileReadNoSuchFile {
            throw unreadable(file, "there is no such file")
        } catch {
            throw unreadable(file, systemReason(of: error))
        }
    }

    private static func unreadable(_ file: URL, _ reason: String) -> PictureError {
        PictureError(file: file.path, problem: .unreadable(reason: reason))
    }
}
