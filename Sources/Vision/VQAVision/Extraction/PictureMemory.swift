import FileSystem
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
    func input<Extractor: PictureFeatureExtractor>(_ file: URL, for extractor: Extractor) throws
        -> Extractor.Input
    {
        let ofFile = files.reserve(
            min(Int(clamping: FileIdentity(file).byteCount ?? 0), PictureFile.maximumByteCount))
        defer { ofFile.end() }
        let bytes = try PictureFile.read(file)
        let ofPixels = pixels.reserve(Self.byteCount(bytes, for: extractor))
        defer { ofPixels.end() }
        return try extractor.input(of: Picture(decoding: bytes, named: file.path), named: file.path)
    }

    /// What decoding takes.
    static func byteCount(_ bytes: Data, for extractor: some PictureFeatureExtractor) -> Int {
        let (width, height) = bytes.withUnsafeBytes(statedSize)
        // A picture of more is refused before memory is taken for it.
        guard width <= Picture.maximumSide, height <= Picture.maximumSide else { return 0 }
        return extractor.inputByteCount(width: width, height: height)
    }

    /// The size that a PNG or JPEG states; nothing where it is damaged.
    static func statedSize(_ bytes: UnsafeRawBufferPointer) -> (width: Int, height: Int) {
        func side<Number: FixedWidthInteger & BitwiseCopyable>(_ position: Int, _ type: Number.Type) -> Int {
            Int(clamping: bytes.bigEndian(at: position, as: type) ?? 0)
        }
        guard PictureFormat(contentsStartingWith: bytes.prefix(8)) == .jpeg else {
            return (side(16, UInt32.self), side(20, UInt32.self))
        }
        // Each segment: FF, a marker, and the length of what follows, itself included.
        var position = 2
        while let marker = bytes.bigEndian(at: position, as: UInt16.self), marker > 0xFF00 {
            let isFrame = (0xFFC0...0xFFCF).contains(marker) && ![0xFFC4, 0xFFC8, 0xFFCC].contains(marker)
            if isFrame { return (side(position + 7, UInt16.self), side(position + 5, UInt16.self)) }
            position += marker == 0xFFFF ? 1 : 2 + max(2, side(position + 2, UInt16.self))
        }
        return (0, 0)
    }
}
