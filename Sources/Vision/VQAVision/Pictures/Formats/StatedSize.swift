/// The size that a file states before its pixels: in the file's own order, not set upright, and not to be trusted.
enum StatedSize {
    /// The size that a picture of any format states; nil where it is cut off or damaged before.
    static func of(_ bytes: UnsafeRawBufferPointer) -> (width: Int, height: Int)? {
        switch PictureFormat(contentsStartingWith: bytes) {
        case .png: ofPNG(bytes)
        case .jpeg: ofJPEG(bytes)
        case .webP: ofWebP(bytes)
        case .tiff: ofTIFF(bytes)
        case .gif: ofGIF(bytes)
        case .bmp: BMPHeader(bytes).map { ($0.width, $0.height) }
        case nil: nil
        }
    }

    /// The size in the chunk IHDR, which is the first.
    static func ofPNG(_ bytes: UnsafeRawBufferPointer) -> (width: Int, height: Int)? {
        guard let width = bytes.bigEndian(at: 16, as: UInt32.self),
            let height = bytes.bigEndian(at: 20, as: UInt32.self)
        else { return nil }
        return (Int(width), Int(height))
    }

    private static func ofJPEG(_ bytes: UnsafeRawBufferPointer) -> (width: Int, height: Int)? {
        // Each segment: FF, a marker, and the length of what follows, itself included.
        var position = 2
        while let marker = bytes.bigEndian(at: position, as: UInt16.self), marker > 0xFF00 {
            if (0xFFC0...0xFFCF).contains(marker), ![0xFFC4, 0xFFC8, 0xFFCC].contains(marker) {
                guard let height = bytes.bigEndian(at: position + 5, as: UInt16.self),
                    let width = bytes.bigEndian(at: position + 7, as: UInt16.self)
                else { return nil }
                return (Int(width), Int(height))
            }
            let length = Int(bytes.bigEndian(at: position + 2, as: UInt16.self) ?? 0)
            position += marker == 0xFFFF ? 1 : 2 + max(2, length)
        }
        return nil
    }

    /// The size in the first chunk, which has one of three forms (RFC 9649, 2.5 to 2.7 and 3.4).
    private static func ofWebP(_ bytes: UnsafeRawBufferPointer) -> (width: Int, height: Int)? {
        switch bytes.bigEndian(at: 12, as: UInt32.self) {
        case 0x5650_3858:  // VP8X
            guard let width = bytes.littleEndian(at: 24, as: UInt32.self),
                let height = bytes.littleEndian(at: 26, as: UInt32.self)
            else { return nil }
            return (Int(width & 0xFF_FFFF) + 1, Int(height >> 8) + 1)
        case 0x5650_384C:  // VP8L
            guard let sides = bytes.littleEndian(at: 21, as: UInt32.self) else { return nil }
            return (Int(sides & 0x3FFF) + 1, Int(sides >> 14 & 0x3FFF) + 1)
        case 0x5650_3820:  // VP8 with a space
            guard let width = bytes.littleEndian(at: 26, as: UInt16.self),
                let height = bytes.littleEndian(at: 28, as: UInt16.self)
            else { return nil }
            return (Int(width & 0x3FFF), Int(height & 0x3FFF))
        default: return nil
        }
    }

    /// The size that the first directory states.
    static func ofTIFF(_ bytes: UnsafeRawBufferPointer) -> (width: Int, height: Int)? {
        guard let directory = TIFFDirectory(bytes), let width = directory.number(0x0100),
            let height = directory.number(0x0101)
        else { return nil }
        return (width.value, height.value)
    }

    private static func ofGIF(_ bytes: UnsafeRawBufferPointer) -> (width: Int, height: Int)? {
        guard let width = bytes.littleEndian(at: 6, as: UInt16.self),
            let height = bytes.littleEndian(at: 8, as: UInt16.self)
        else { return nil }
        return (Int(width), Int(height))
    }
}
