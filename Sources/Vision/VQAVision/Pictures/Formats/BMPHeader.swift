/// What the header of a Windows bitmap says.
struct BMPHeader {
    /// How pixels are packed, as the header numbers it.
    enum Compression: UInt32 {
        case none = 0
        case runLength8 = 1
        case runLength4 = 2
        case bitFields = 3
        case jpeg = 4
        case png = 5
        case alphaBitFields = 6
    }

    let width: Int
    /// Without its sign.
    let height: Int
    /// Whether the first row stored is the upper one, which a negative height says.
    let isTopDown: Bool
    let bitsPerPixel: Int
    /// Nil where the number means nothing.
    let compression: Compression?
    /// Where the pixels begin.
    let pixelOffset: Int
    /// Where the palette begins, and how long its entries and it are.
    let palette: (offset: Int, entryByteCount: Int, count: Int)
    /// Which bits of a pixel are red, green, blue and opacity; 0 where there are none.
    let masks: (red: UInt32, green: UInt32, blue: UInt32, opacity: UInt32)

    /// The length of the header of OS/2, which has sides of 16 bits and a palette of three bytes a colour.
    private static let shortHeaderByteCount = 12

    /// Behind the name and length of the file.
    private static let headerOffset = 14

    /// Nil where the bytes end within the header, or its length is that of none.
    init?(_ bytes: UnsafeRawBufferPointer) {
        func number(_ position: Int) -> UInt32? { bytes.littleEndian(at: position, as: UInt32.self) }
        func short(_ position: Int) -> UInt16? { bytes.littleEndian(at: position, as: UInt16.self) }
        guard let pixelOffset = number(10), let headerByteCount = number(Self.headerOffset).map(Int.init)
        else {
            return nil
        }
        self.pixelOffset = Int(pixelOffset)
        let end = Self.headerOffset + headerByteCount
        if headerByteCount == Self.shortHeaderByteCount {
            guard let width = short(18), let height = short(20), let bits = short(24) else { return nil }
            (self.width, self.height, isTopDown) = (Int(width), Int(height), false)
            (bitsPerPixel, compression) = (Int(bits), Compression.none)
            palette = (end, 3, bits <= 8 ? 1 << Int(bits) : 0)
            masks = Self.usualMasks(bitsPerPixel: bitsPerPixel)
            return
        }
        guard headerByteCount >= 40, let width = number(18), let height = number(22), let bits = short(28),
            let compression = number(30), let usedColors = number(46)
        else { return nil }
        let signedHeight = Int(Int32(bitPattern: height))
        (self.width, self.height, isTopDown) = (Int(width), abs(signedHeight), signedHeight < 0)
        (bitsPerPixel, self.compression) = (Int(bits), Compression(rawValue: compression))
        let hasMasks = self.compression == .bitFields || self.compression == .alphaBitFields
        let masksBehind = hasMasks && headerByteCount == 40 ? (self.compression == .bitFields ? 12 : 16) : 0
        let allColors = bits <= 8 ? 1 << Int(bits) : 0
        palette = (end + masksBehind, 4, usedColors == 0 ? allColors : min(allColors, Int(usedColors)))
        guard hasMasks else {
            masks = Self.usualMasks(bitsPerPixel: bitsPerPixel)
            return
        }
        // They lie at the same place, whether in a longer header or behind a short one.
        guard let red = number(54), let green = number(58), let blue = number(62) else { return nil }
        let hasOpacity = headerByteCount >= 56 || self.compression == .alphaBitFields
        masks = (red, green, blue, hasOpacity ? number(66) ?? 0 : 0)
    }

    /// What 16 and 32 bits mean where the file does not say; the fourth byte of 32 is nothing then.
    private static func usualMasks(bitsPerPixel: Int) -> (UInt32, UInt32, UInt32, UInt32) {
        bitsPerPixel == 16 ? (0x7C00, 0x3E0, 0x1F, 0) : (0xFF_0000, 0xFF00, 0xFF, 0)
    }
}
