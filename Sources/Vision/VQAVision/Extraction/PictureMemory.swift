import Foundation
import Workers

/// The memory of pictures that several threads decode: a hundred million pixels on each core would be too many.
struct PictureMemory: Sendable {
    /// Whoever holds some of the second holds some of the first, and waits for no more.
    private let files = ByteBudget(limit: 256 << 20)
    private let pixels = ByteBudget(limit: 512 << 20)

    /// Reads a picture and brings it to the form that a network is given, when there is room for it.
    ///
    /// - Throws: `PictureError`.
    func input<Extractor: PictureFeatureExtractor>(_ picture: FoundPicture, for extractor: Extractor) throws
        -> Extractor.Input
    {
        let ofFile = files.reserve(min(max(0, picture.byteCount), PictureFile.maximumByteCount))
        defer { ofFile.end() }
        let bytes = try picture.contents()
        let ofPixels = pixels.reserve(Self.byteCount(bytes, for: extractor))
        defer { ofPixels.end() }
        let decoded = try Picture(decoding: bytes, named: picture.path, reading: extractor.recipe.reading)
        return try extractor.input(of: decoded, named: picture.path)
    }

    /// What decoding takes: the pixels, the same set upright, and what the extractor needs. Formats other than PNG and
    /// JPEG come with opacity, and their decoders keep as much for themselves.
    static func byteCount(_ bytes: Data, for extractor: some PictureFeatureExtractor) -> Int {
        let stated = bytes.withUnsafeBytes { (StatedSize.of($0), PictureFormat(contentsStartingWith: $0)) }
        // A picture of more is refused before memory is taken for it.
        guard let (width, height) = stated.0, width <= Picture.maximumSide, height <= Picture.maximumSide
        else {
            return 0
        }
        let perPixel = stated.1 == .png || stated.1 == .jpeg ? 6 : 14
        return perPixel * width * height + extractor.inputByteCount(width: width, height: height)
    }
}
