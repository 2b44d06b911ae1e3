import FileSystem

/// The first directory of a TIFF: what its entries state in so many words, without a decoder.
///
/// TIFF 6.0, section 2; EXIF data have the same form. BigTIFF, whose magic number is 43, has the same entries with longer
/// fields.
struct TIFFDirectory {
    private let bytes: UnsafeRawBufferPointer
    private let isLittleEndian: Bool
    private let isBig: Bool
    /// Where the first entry lies.
    private let start: Int
    private let entryCount: Int

    /// Nil where the bytes have no directory.
    init?(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
        switch bytes.bigEndian(at: 0, as: UInt16.self) {
        case 0x4949: isLittleEndian = true
        case 0x4D4D: isLittleEndian = false
        default: return nil
        }
        let order = isLittleEndian
        func number<Number: FixedWidthInteger & BitwiseCopyable>(_ position: Int, _ type: Number.Type) -> Int?
        {
            bytes.number(at: position, as: type, isLittleEndian: order).flatMap { Int(exactly: $0) }
        }
        switch number(2, UInt16.self) {
        case 42:
            guard let directory = number(4, UInt32.self), let count = number(directory, UInt16.self) else {
                return nil
            }
            (isBig, start, entryCount) = (false, directory.addingClamped(2), count)
        case 43:
            guard let directory = number(8, UInt64.self), let count = number(directory, UInt64.self) else {
                return nil
            }
            (isBig, start, entryCount) = (true, directory.addingClamped(8), count)
        default: return nil
        }
    }

    /// An entry that is one number, which lies in the entry itself.
    struct Entry {
        /// How many bytes the number has.
        let byteCount: Int
        let value: Int
    }

    /// The first entry of a tag; nil where there is none, or no single number of 16, 32 or 64 bits in it.
    func number(_ tag: UInt16) -> Entry? {
        let length = isBig ? 20 : 12
        // Beyond the last entry that the bytes have room for, there is nothing to be read.
        for entry in 0..<min(entryCount, bytes.count / length + 1) {
            let place = start.addingClamped(entry * length)
            guard let found = read(place, UInt16.self) else { return nil }
            if found == Int(tag) { return value(at: place) }
        }
        return nil
    }

    private func value(at place: Int) -> Entry? {
        let count = isBig ? read(place + 4, UInt64.self) : read(place + 4, UInt32.self)
        guard count == 1 else { return nil }
        let position = place + (isBig ? 12 : 8)
        switch read(place + 2, UInt16.self) {
        case 3: return read(position, UInt16.self).map { Entry(byteCount: 2, value: $0) }
        case 4: return read(position, UInt32.self).map { Entry(byteCount: 4, value: $0) }
        case 16 where isBig: return read(position, UInt64.self).map { Entry(byteCount: 8, value: $0) }
        default: return nil
        }
    }

    private func read<Number: FixedWidthInteger & BitwiseCopyable>(
        _ position: Int, _ type: Number.Type
    ) -> Int? {
        bytes.number(at: position, as: type, isLittleEndian: isLittleEndian).flatMap { Int(exactly: $0) }
    }
}

extension UnsafeRawBufferPointer {
    /// A number; nil where it does not lie in these bytes.
    func number<Number: FixedWidthInteger & BitwiseCopyable>(
        at position: Int, as type: Number.Type, isLittleEndian: Bool
    ) -> Number? {
        bigEndian(at: position, as: type).map { isLittleEndian ? $0.byteSwapped : $0 }
    }

    /// A little-endian number; nil where it does not lie in these bytes.
    func littleEndian<Number: FixedWidthInteger & BitwiseCopyable>(
        at position: Int, as type: Number.Type
    ) -> Number? {
        number(at: position, as: type, isLittleEndian: true)
    }
}
