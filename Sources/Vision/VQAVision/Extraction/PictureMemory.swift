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
        try use(picture, reading: extractor.recipe.reading, adding: extractor.inputByteCount(width:height:)) {
            try extractor.input(of: $0, named: picture.path)
        }
    }

    /// Reads a picture and does something with it, when there is room for it.
    ///
    /// - Parameter more: How many bytes that takes, for a picture of this width and height.
    /// - Throws: `PictureError`; what `body` throws.
    func use<Result>(
        _ picture: FoundPicture, reading: PictureReading, adding more: (Int, Int) -> Int,
        _ body: (Picture) throws -> Result
    ) throws -> Result {
        let ofFile = files.reserve(min(max(0, picture.byteCount), PictureFile.maximumByteCount))
        defer { ofFile.end() }
        let bytes = try picture.contents()
        let ofPixels = pixels.reserve(Self.byteCount(bytes, adding: more))
        defer { ofPixels.end() }
        return try body(Picture(decoding: bytes, named: picture.path, reading: reading))
    }

    /// What decoding takes: the pixels, the same set upright, and what the extractor needs. Formats other than PNG and
    /// JPEG come with opacity, and their decoders keep as much for themselves.
    static func byteCount(_ bytes: Data, for extractor: some PictureFeatureExtractor) -> Int {
        byteCount(bytes, adding: extractor.inputByteCount(width:height:))
    }

    private static func byteCount(_ bytes: Data, adding more: (Int, Int) -> Int) -> Int {
        let stated = bytes.withUnsafeBytes { (StatedSize.of($0), PictureFormat(contentsStartingWith: $0)) }
        // A picture of more is refused before memory is taken for it.
        guard let (width, height) = stated.0, width <= Picture.maximumSide, height <= Picture.maximumSide
        else {
            return 0
        }
        let perPixel = stated.1 == .png || stated.1 == .jpeg ? 6 : 14
        return perPixel * width * height + more(width, height)
    }
}
