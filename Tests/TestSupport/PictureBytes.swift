/// Pictures put together byte by byte, so that any header can go with any pixels.
public enum PictureBytes {
    /// A Windows bitmap with a header of any length from 40 bytes on.
    ///
    /// - Parameters:
    ///   - masks: Which bits are red, green, blue and opacity; none where there are no masks.
    ///   - palette: Blue, green, red and nothing, of each colour.
    ///   - rows: From the lowest, each filled up to a multiple of four bytes.
    public static func bmp(
        width: Int32, height: Int32, bitsPerPixel: UInt16, compression: UInt32 = 0, headerByteCount: Int = 40,
        masks: [UInt32] = [], palette: [UInt8] = [], rows: [[UInt8]]
    ) -> [UInt8] {
        let fields = masks.flatMap(little)
        let colorCount = UInt32(palette.count / 4)
        var header = little(UInt32(headerByteCount)) + little(width) + little(height) + little(UInt16(1))
        header += little(bitsPerPixel) + little(compression) + [UInt8](repeating: 0, count: 12)
        header += little(colorCount) + little(UInt32(0)) + fields
        header += [UInt8](repeating: 0, count: max(0, headerByteCount - header.count))
        let start = 14 + header.count + palette.count
        let pixels = rows.flatMap { $0 + [UInt8](repeating: 0, count: (4 - $0.count % 4) % 4) }
        return Array("BM".utf8) + little(UInt32(start + pixels.count)) + [0, 0, 0, 0] + little(UInt32(start))
            + header + palette + pixels
    }

    /// A TIFF of one strip that is not compressed, 8 bits a sample, little-endian.
    ///
    /// - Parameters:
    ///   - samples: How many samples a pixel has.
    ///   - photometric: 1 for grey, 2 for RGB, 5 for inks.
    ///   - extraSample: What the fourth sample is: 1 opacity that colours are multiplied with, 2 opacity.
    public static func tiff(
        width: UInt32, height: UInt32, samples: UInt32 = 3, photometric: UInt32 = 2,
        extraSample: UInt32? = nil,
        orientation: UInt32 = 1, compression: UInt32 = 1, pixels: [UInt8]
    ) -> [UInt8] {
        var numbers: [(tag: UInt16, value: UInt32)] = [
            (256, width), (257, height), (259, compression), (262, photometric), (274, orientation),
            (277, samples),
            (278, height), (279, UInt32(pixels.count)),
        ]
        if let extraSample { numbers.append((338, extraSample)) }
        let entryCount = numbers.count + 2
        let end = 8 + 2 + 12 * entryCount + 4
        // The bits of up to four samples, and then the pixels.
        var entries = numbers.map {
            (tag: $0.tag, bytes: little($0.tag) + little(UInt16(4)) + little(UInt32(1)) + little($0.value))
        }
        for index in entries.indices where [259, 262, 274, 277, 338].contains(Int(entries[index].tag)) {
            entries[index].bytes[2] = 3
        }
        let bits = samples == 1 ? little(UInt32(8)) : little(UInt32(end))
        entries.append((258, little(UInt16(258)) + little(UInt16(3)) + little(samples) + bits))
        entries.append(
            (273, little(UInt16(273)) + little(UInt16(4)) + little(UInt32(1)) + little(UInt32(end + 8))))
        entries.sort { $0.tag < $1.tag }
        return Array("II*\0".utf8) + little(UInt32(8)) + little(UInt16(entryCount)) + entries.flatMap(\.bytes)
            + little(UInt32(0)) + [8, 0, 8, 0, 8, 0, 8, 0] + pixels
    }

    /// A GIF of one frame, in which codes never grow longer than 9 bits.
    ///
    /// - Parameters:
    ///   - palette: Red, green and blue of 256 colours or fewer; those that lack are black.
    ///   - frame: Where the frame lies: left, top, width and height; all of the picture where it is nil.
    ///   - indices: The number of each pixel's colour, in the order in which rows are stored.
    public static func gif(
        width: UInt16, height: UInt16, background: UInt8 = 0, palette: [UInt8], transparent: UInt8? = nil,
        frame: [UInt16]? = nil, isInterlaced: Bool = false, indices: [UInt8]
    ) -> [UInt8] {
        var file = Array("GIF89a".utf8) + little(width) + little(height) + [0xF7, background, 0]
        file += palette + [UInt8](repeating: 0, count: 768 - palette.count)
        if let transparent { file += [0x21, 0xF9, 4, 1, 0, 0, transparent, 0] }
        file += [0x2C] + (frame ?? [0, 0, width, height]).flatMap(little) + [isInterlaced ? 0x40 : 0, 8]
        var bits: [Bool] = []
        func put(_ code: Int) { for bit in 0..<9 { bits.append(code >> bit & 1 == 1) } }
        for (place, index) in indices.enumerated() {
            // Before the table that a decoder makes of the codes has as many as 9 bits can number.
            if place % 200 == 0 { put(256) }
            put(Int(index))
        }
        put(257)
        let packed = stride(from: 0, to: bits.count, by: 8).map { start in
            bits[start..<min(bits.count, start + 8)].enumerated().reduce(UInt8(0)) { byte, bit in
                byte | (bit.element ? 1 : 0) << UInt8(bit.offset)
            }
        }
        for start in stride(from: 0, to: packed.count, by: 255) {
            let block = packed[start..<min(packed.count, start + 255)]
            file += [UInt8(block.count)] + block
        }
        return file + [0, 0x3B]
    }

    /// A PNG of nothing but black, of a bit a pixel, which is small whatever its size.
    public static func blackPNG(width: UInt32, height: UInt32) -> [UInt8] {
        let rowCount = 1 + (Int(width) + 7) / 8
        let header = big(width) + big(height) + [1, 0, 0, 0, 0]
        return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + chunk("IHDR", header)
            + chunk("IDAT", deflatedZeros(Int(height) * rowCount)) + chunk("IEND", [])
    }

    private static func chunk(_ type: String, _ content: [UInt8]) -> [UInt8] {
        let checked = Array(type.utf8) + content
        var remainder = UInt32.max
        for byte in checked {
            remainder ^= UInt32(byte)
            for _ in 0..<8 { remainder = remainder >> 1 ^ (remainder & 1 == 1 ? 0xEDB8_8320 : 0) }
        }
        return big(UInt32(content.count)) + checked + big(~remainder)
    }

    /// Zeros in zlib's form (RFC 1950 and 1951): one block of fixed codes.
    private static func deflatedZeros(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = [0x78, 0x01]
        var (bits, bitCount): (UInt64, UInt64) = (0, 0)
        func put(_ value: UInt64, _ count: UInt64) {
            bits |= value << bitCount
            bitCount += count
            while bitCount >= 8 {
                bytes.append(UInt8(bits & 0xFF))
                bits >>= 8
                bitCount -= 8
            }
        }
        put(0b011, 3)
        // A zero, then 258 times the byte before it (code 285, distance 1), then zeros.
        put(0x0C, 8)
        for _ in 0..<(count - 1) / 258 { put(0xA3, 13) }
        for _ in 0..<(count - 1) % 258 { put(0x0C, 8) }
        put(0, 7)
        put(0, 7)
        return bytes + big(UInt32(count % 65521) << 16 | 1)
    }

    private static func big(_ number: UInt32) -> [UInt8] { little(number.byteSwapped) }

    private static func little<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
        withUnsafeBytes(of: number.littleEndian) { Array($0) }
    }
}
