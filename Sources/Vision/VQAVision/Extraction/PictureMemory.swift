import FileSystem
import Foundation
import Workers

/// The memory of pictures that several threads decode: a hundred million pixels on each core would be too many.
struct PictureMemory: Sendable {
    /// Whoever holds some of the second holds some of the first, and waits for no more.
    private let files = ByteBudget(limit: 256 << 20)
    private let pixels = ByteBudget(limit: 512 << 20)

    /// Reads a picture and brings it to the size that a network is given, when there is room for it.
    ///
    /// - Throws: `PictureError`.
    func input(_ file: URL, size: Int) throws -> GridFeatures.Input {
        let ofFile = files.reserve(
            min(Int(clamping: FileIdentity(file).byteCount ?? 0), PictureFile.maximumByteCount))
        defer { ofFile.end() }
        let bytes = try PictureFile.read(file)
        let ofPixels = pixels.reserve(Self.byteCount(bytes, size: size))
        defer { ofPixels.end() }
        return try GridFeatures.Input(Picture(decoding: bytes, named: file.path), size: size)
    }

    /// What decoding takes: the pixels, the same set upright, and the rows at their new width. Formats other than PNG and
    /// JPEG come with opacity, and their decoders keep as much for themselves.
    static func byteCount(_ bytes: Data, size: Int) -> Int {
        let stated = bytes.withUnsafeBytes { (StatedSize.of($0), PictureFormat(contentsStartingWith: $0)) }
        // A picture of more is refused before memory is taken for it.
        guard let (width, height) = stated.0, width <= Picture.maximumSide, height <= Picture.maximumSide
        else {
            return 0
        }
        let perPixel = stated.1 == .png || stated.1 == .jpeg ? 6 : 14
        return perPixel * width * height + 12 * height * size
    }
}
