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

    /// Reads the tag from the first directory of a TIFF; nil where it is not there, or not to be understood.
    private init?(ofTIFF bytes: UnsafeRawBufferPointer) {
        let isLittleEndian: Bool
        switch bytes.bigEndian(at: 0, as: UInt16.self) {
        case 0x4949: isLittleEndian = true
        case 0x4D4D: isLittleEndian = false
        default: return nil
        }
        func number<Number: FixedWidthInteger & BitwiseCopyable>(_ position: Int, _ type: Number.Type)
            -> Number?
        {
            bytes.bigEndian(at: position, as: type).map { isLittleEndian ? $0.byteSwapped : $0 }
        }
        guard number(2, UInt16.self) == 42, let directory = number(4, UInt32.self).map(Int.init),
            let count = number(directory, UInt16.self)
        else { return nil }
        for entry in 0..<Int(count) {
            let place = directory + 2 + entry * 12
            guard let tag = number(place, UInt16.self) else { return nil }
            guard tag == 0x0112 else { continue }
            // One number of type SHORT, which lies in the entry itself.
            guard number(place + 2, UInt16.self) == 3, number(place + 4, UInt32.self) == 1,
                let value = number(place + 8, UInt16.self)
            else { return nil }
            self.init(rawValue: value)
            return
        }
        return nil
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
