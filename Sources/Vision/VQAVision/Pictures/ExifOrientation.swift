/// How a picture's rows and columns lie, as EXIF data note it (EXIF 2.32, 4.6.4, tag 0x0112).
///
/// Whatever is damaged in them is ignored, as by programs that show pictures: the picture is then taken as upright.
enum ExifOrientation: UInt16, CaseIterable {
    case upright = 1
    case mirrored = 2
    case upsideDown = 3
    case mirroredUpsideDown = 4
    /// Mirrored along the diagonal from the upper left.
    case transposed = 5
    /// Has to be turned a quarter to the right.
    case turnedLeft = 6
    /// Mirrored along the other diagonal.
    case transversed = 7
    /// Has to be turned a quarter to the left.
    case turnedRight = 8

    /// Whether height and width change places.
    var swapsSides: Bool { rawValue >= 5 }

    /// The orientation that a JPEG file notes in its first EXIF segment.
    init(ofJPEG bytes: UnsafeRawBufferPointer) {
        self = .upright
        // Each segment: FF, a marker, and the length of what follows, itself included.
        var position = 2
        while let start = bytes.bigEndian(at: position, as: UInt16.self) {
            if start == 0xFFFF {
                position += 1
                continue
            }
            // Behind the start of a scan come pixels.
            guard start > 0xFF00, start != 0xFFDA, start != 0xFFD9,
                let length = bytes.bigEndian(at: position + 2, as: UInt16.self), length >= 2
            else { return }
            let end = position + 2 + Int(length)
            guard end <= bytes.count else { return }
            let content = UnsafeRawBufferPointer(rebasing: bytes[position + 4..<end])
            if start == 0xFFE1, content.starts(with: Self.jpegMark) {
                let tiff = UnsafeRawBufferPointer(rebasing: content.dropFirst(Self.jpegMark.count))
                self = Self(ofTIFF: tiff) ?? .upright
                return
            }
            position = end
        }
    }

    private static let jpegMark = Array("Exif\0\0".utf8)

    /// The orientation that a PNG file notes in its `eXIf` chunk.
    init(ofPNG bytes: UnsafeRawBufferPointer) {
        self = .upright
        // Each chunk: the length of its content, its type, the content and a checksum.
        var position = 8
        while let length = bytes.bigEndian(at: position, as: UInt32.self),
            let type = bytes.bigEndian(at: position + 4, as: UInt32.self)
        {
            let (start, end) = (position + 8, position + 8 + Int(length))
            guard end <= bytes.count else { return }
            if type == 0x6558_4966 {
                self = Self(ofTIFF: UnsafeRawBufferPointer(rebasing: bytes[start..<end])) ?? .upright
                return
            }
            position = end + 4
        }
    }

    /// The orientation that a WebP file notes in its first chunk `EXIF`.
    init(ofWebP bytes: UnsafeRawBufferPointer) {
        self = .upright
        // Each chunk: its type, the length of its content, and the content, to a whole number of 16 bits.
        var position = 12
        while let type = bytes.bigEndian(at: position, as: UInt32.self),
            let length = bytes.littleEndian(at: position + 4, as: UInt32.self)
        {
            let (start, end) = (position + 8, position + 8 + Int(length))
            guard end <= bytes.count else { return }
            if type == 0x4558_4946 {
                let content = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
                // Some programs begin it as JPEG has it.
                let prefix = content.starts(with: Self.jpegMark) ? Self.jpegMark.count : 0
                self = Self(ofTIFF: UnsafeRawBufferPointer(rebasing: content.dropFirst(prefix))) ?? .upright
                return
            }
            position = end + end % 2
        }
    }

    /// Reads the tag from the first directory of a TIFF; nil where it is not there, or not to be understood.
    private init?(ofTIFF bytes: UnsafeRawBufferPointer) {
        // One number of type SHORT.
        guard let entry = TIFFDirectory(bytes)?.number(0x0112), entry.byteCount == 2 else { return nil }
        self.init(rawValue: UInt16(clamping: entry.value))
    }
}

extension UnsafeRawBufferPointer {
    /// A big-endian number; nil where it does not lie in these bytes.
    func bigEndian<Number: FixedWidthInteger & BitwiseCopyable>(
        at position: Int, as type: Number.Type
    ) -> Number? {
        guard position >= 0, position <= count - MemoryLayout<Number>.size else { return nil }
        return Number(bigEndian: loadUnaligned(fromByteOffset: position, as: type))
    }
}

extension Picture {
    /// The picture as it is meant to be seen.
    func upright(from orientation: ExifOrientation) -> Picture {
        guard orientation != .upright else { return self }
        let (newWidth, newHeight) = orientation.swapsSides ? (height, width) : (width, height)
        let turned = [UInt8](unsafeUninitializedCapacity: pixels.count) { buffer, initializedCount in
            pixels.withUnsafeBufferPointer { pixels in
                for row in 0..<newHeight {
                    for column in 0..<newWidth {
                        let (oldRow, oldColumn) = origin(of: row, column, from: orientation)
                        let (new, old) = (3 * (row * newWidth + column), 3 * (oldRow * width + oldColumn))
                        for channel in 0..<3 { buffer[new + channel] = pixels[old + channel] }
                    }
                }
            }
            initializedCount = pixels.count
        }
        return Picture(width: newWidth, height: newHeight, checkedPixels: turned)
    }

    /// Where a pixel of the upright picture lies in this one.
    private func origin(
        of row: Int, _ column: Int, from orientation: ExifOrientation
    ) -> (row: Int, column: Int) {
        let (lastRow, lastColumn) = (height - 1, width - 1)
        return switch orientation {
        case .upright: (row, column)
        case .mirrored: (row, lastColumn - column)
        case .upsideDown: (lastRow - row, lastColumn - column)
        case .mirroredUpsideDown: (lastRow - row, column)
        case .transposed: (column, row)
        case .turnedLeft: (lastRow - column, row)
        case .transversed: (lastRow - column, lastColumn - row)
        case .turnedRight: (column, lastColumn - row)
        }
    }
}
