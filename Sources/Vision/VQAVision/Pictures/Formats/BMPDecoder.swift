/// Decodes a Windows bitmap: 1, 4 or 8 bits with a palette, 16, 24 or 32 bits without.
func decodeBMP(_ source: EncodedPicture) throws -> Picture {
    guard let header = BMPHeader(source.bytes) else { throw source.damaged("it ends within its header") }
    _ = try Picture.byteCount(width: header.width, height: header.height, of: source.name)
    let bitmap = try Bitmap(source: source, header: header)
    return try source.picture(width: header.width, height: header.height, fill: bitmap.fill)
}

/// The rows of a bitmap, all of which are there.
private struct Bitmap {
    private typealias Color = (red: UInt8, green: UInt8, blue: UInt8)

    private let source: EncodedPicture
    private let header: BMPHeader
    private let palette: [Color]
    private let fields: (red: BitField, green: BitField, blue: BitField, opacity: BitField)
    private let rowByteCount: Int

    init(source: EncodedPicture, header: BMPHeader) throws {
        (self.source, self.header) = (source, header)
        try Self.refuseOtherKinds(header, source)
        palette = try Self.palette(header, source)
        let isStored = source.reading != .shown
        func field(_ mask: UInt32) throws -> BitField {
            guard let field = BitField(mask: mask, isShiftedOnly: isStored && header.bitsPerPixel == 16)
            else {
                throw source.damaged("the bits of a colour do not lie together")
            }
            return field
        }
        fields = (
            try field(header.masks.red), try field(header.masks.green), try field(header.masks.blue),
            try field(header.masks.opacity)
        )
        // Rows begin at multiples of four bytes.
        rowByteCount = (header.width * header.bitsPerPixel + 31) / 32 * 4
        // The last row's filling may be left out.
        let needed = rowByteCount * (header.height - 1) + (header.width * header.bitsPerPixel + 7) / 8
        guard header.pixelOffset <= source.bytes.count, needed <= source.bytes.count - header.pixelOffset
        else {
            throw source.damaged("it ends before its pixels do")
        }
    }

    private static func refuseOtherKinds(_ header: BMPHeader, _ source: EncodedPicture) throws {
        let isFields = header.compression == .bitFields || header.compression == .alphaBitFields
        switch header.compression {
        case nil: throw source.damaged("its compression has a number that means nothing")
        case .runLength8?, .runLength4?: throw source.unsupported("compression by run lengths (RLE)")
        case .jpeg?, .png?: throw source.unsupported("a JPEG or PNG in it")
        case .some: break
        }
        guard
            isFields
                ? [16, 32].contains(header.bitsPerPixel)
                : [1, 4, 8, 16, 24, 32].contains(header.bitsPerPixel)
        else { throw source.unsupported("\(header.bitsPerPixel) bits a pixel") }
    }

    /// The colours, as many as the bits of a pixel can number; black where the file has fewer.
    private static func palette(_ header: BMPHeader, _ source: EncodedPicture) throws -> [Color] {
        guard header.bitsPerPixel <= 8 else { return [] }
        var colors = [Color](repeating: (0, 0, 0), count: 1 << header.bitsPerPixel)
        let (offset, entryByteCount, count) = header.palette
        guard offset <= source.bytes.count, count * entryByteCount <= source.bytes.count - offset else {
            throw source.damaged("it ends within its palette")
        }
        for index in 0..<min(count, colors.count) {
            let place = offset + index * entryByteCount
            colors[index] = (source.bytes[place + 2], source.bytes[place + 1], source.bytes[place])
        }
        return colors
    }

    /// Writes all pixels, rows from the top.
    func fill(_ pixels: UnsafeMutableBufferPointer<UInt8>) {
        for row in 0..<header.height {
            let stored = header.isTopDown ? row : header.height - 1 - row
            let start = header.pixelOffset + stored * rowByteCount
            for column in 0..<header.width {
                let target = 3 * (row * header.width + column)
                (pixels[target], pixels[target + 1], pixels[target + 2]) = color(start, column)
            }
        }
    }

    /// The colour of a pixel of the row that begins at a place.
    private func color(_ start: Int, _ column: Int) -> Color {
        let bytes = source.bytes
        switch header.bitsPerPixel {
        case 24:
            let place = start + 3 * column
            return (bytes[place + 2], bytes[place + 1], bytes[place])
        case 16:
            return color(UInt32(clamping: bytes.littleEndian(at: start + 2 * column, as: UInt16.self) ?? 0))
        case 32: return color(bytes.littleEndian(at: start + 4 * column, as: UInt32.self) ?? 0)
        default:
            // From the highest bits on.
            let bit = column * header.bitsPerPixel
            let shift = 8 - header.bitsPerPixel - bit % 8
            return palette[Int(bytes[start + bit / 8]) >> shift & (1 << header.bitsPerPixel - 1)]
        }
    }

    private func color(_ pixel: UInt32) -> Color {
        let color = (fields.red.intensity(pixel), fields.green.intensity(pixel), fields.blue.intensity(pixel))
        guard header.masks.opacity != 0, source.reading == .shown else { return color }
        let opacity = fields.opacity.intensity(pixel)
        return (
            Transparency.overWhite(color.0, opacity: opacity),
            Transparency.overWhite(color.1, opacity: opacity),
            Transparency.overWhite(color.2, opacity: opacity)
        )
    }
}

/// Some bits of a pixel, which stand for an intensity.
private struct BitField {
    private let mask: UInt32
    private let shift: Int
    private let maximum: UInt32
    private let isShiftedOnly: Bool

    /// Nil where the bits do not lie side by side.
    ///
    /// - Parameter isShiftedOnly: Whether fewer than 8 bits become the upper ones of 8, as OpenCV has it, and not the
    ///   whole range: 248 is the lightest of 5 bits then.
    init?(mask: UInt32, isShiftedOnly: Bool) {
        (self.mask, self.isShiftedOnly) = (mask, isShiftedOnly)
        shift = mask == 0 ? 0 : mask.trailingZeroBitCount
        maximum = mask >> shift
        guard maximum.nonzeroBitCount + maximum.leadingZeroBitCount == UInt32.bitWidth else { return nil }
    }

    /// The intensity, 0 to 255; 0 where there are no bits for it.
    func intensity(_ pixel: UInt32) -> UInt8 {
        guard maximum > 0 else { return 0 }
        let value = (pixel & mask) >> shift
        let bitCount = maximum.nonzeroBitCount
        if bitCount == 8 { return UInt8(clamping: value) }
        if isShiftedOnly || bitCount > 8 {
            return UInt8(
                clamping: bitCount > 8 ? value >> (bitCount - 8) : value << (8 - bitCount))
        }
        return UInt8(clamping: (value * 255 + maximum / 2) / maximum)
    }
}
