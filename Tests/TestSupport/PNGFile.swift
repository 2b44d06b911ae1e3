import Foundation

/// A PNG file put together byte by byte, so that any header can go with any pixels.
public struct PNGFile {
    /// The kinds of pixels.
    public enum ColorType: UInt8, Sendable {
        /// Grey.
        case grey = 0
        /// Red, green and blue.
        case rgb = 2
        /// Numbers of the palette's colours.
        case palette = 3
        /// Red, green, blue and opacity.
        case rgbAndAlpha = 6
    }

    /// In pixels.
    public var width: UInt32
    /// In pixels.
    public var height: UInt32
    /// How many bits a sample has.
    public var bitDepth: UInt8
    /// What a pixel is made of.
    public var colorType: ColorType
    /// Red, green and blue of each colour; none where it is empty.
    public var palette: [UInt8]
    /// What an `eXIf` chunk holds; none where it is empty.
    public var exif: [UInt8]
    /// Whether the rows are those of Adam7's passes, one pass after the other.
    public var isInterlaced: Bool
    /// The bytes of each row, from the top.
    public var rows: [[UInt8]]

    /// - Parameters: as the properties.
    public init(
        width: UInt32, height: UInt32, bitDepth: UInt8 = 8, colorType: ColorType = .rgb,
        palette: [UInt8] = [],
        exif: [UInt8] = [], isInterlaced: Bool = false, rows: [[UInt8]]
    ) {
        (self.width, self.height, self.bitDepth, self.colorType) = (width, height, bitDepth, colorType)
        (self.palette, self.exif, self.isInterlaced, self.rows) = (palette, exif, isInterlaced, rows)
    }

    /// The file.
    public var bytes: Data {
        let header =
            bigEndian(width) + bigEndian(height) + [bitDepth, colorType.rawValue, 0, 0, isInterlaced ? 1 : 0]
        var file: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
        file += chunk("IHDR", header)
        if !palette.isEmpty {
            file += chunk("PLTE", palette)
        }
        if !exif.isEmpty { file += chunk("eXIf", exif) }
        let noFilter: [UInt8] = [0]
        file += chunk("IDAT", zlibStored(rows.flatMap { noFilter + $0 }))
        file += chunk("IEND", [])
        return Data(file)
    }

    private func chunk(_ type: String, _ content: [UInt8]) -> [UInt8] {
        let checked = Array(type.utf8) + content
        return bigEndian(UInt32(content.count)) + checked + bigEndian(crc32(checked))
    }

    /// A zlib stream of one block that is stored, not compressed.
    private func zlibStored(_ content: [UInt8]) -> [UInt8] {
        let size = UInt16(content.count)
        let block =
            [1, UInt8(size & 0xFF), UInt8(size >> 8), UInt8(~size & 0xFF), UInt8(~size >> 8)] + content
        return [0x78, 0x01] + block + bigEndian(adler32(content))
    }

    private func bigEndian(_ value: UInt32) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian) { Array($0) }
    }

    private func crc32(_ bytes: [UInt8]) -> UInt32 {
        var remainder = UInt32.max
        for byte in bytes {
            remainder ^= UInt32(byte)
            for _ in 0..<8 {
                let isOdd = remainder & 1 == 1
                remainder >>= 1
                if isOdd { remainder ^= 0xEDB8_8320 }
            }
        }
        return ~remainder
    }

    private func adler32(_ bytes: [UInt8]) -> UInt32 {
        let (sum, sumOfSums) = bytes.reduce((UInt32(1), UInt32(0))) { sums, byte in
            let sum = (sums.0 + UInt32(byte)) % 65521
            return (sum, (sums.1 + sum) % 65521)
        }
        return sumOfSums << 16 | sum
    }
}
