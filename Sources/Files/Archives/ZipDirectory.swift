/// The directory at the end of a zip archive, as PKWARE's APPNOTE 4.3.12 to 4.3.16 describes it.
struct ZipDirectory {
    private(set) var entries: [ZipFile.Entry] = []

    /// Reads the directory of a whole archive.
    ///
    /// - Throws: `ZipDirectoryError`.
    init(of file: UnsafeRawBufferPointer) throws {
        let place = try Self.place(in: file)
        var offset = place.bytes.lowerBound
        while offset < place.bytes.upperBound {
            try entries.append(Self.entry(at: &offset, end: place.bytes.upperBound, in: file))
        }
        // The count in the short form of the record is kept to 16 bits.
        guard entries.count == place.entryCount || entries.count & 0xffff == place.entryCount else {
            throw ZipDirectoryError("its directory has \(entries.count) of \(place.entryCount) entries")
        }
    }

    /// Where the directory lies, which the last record of the file says.
    private static func place(
        in file: UnsafeRawBufferPointer
    ) throws -> (bytes: Range<Int>, entryCount: Int) {
        let recordCount = 22
        guard file.count >= recordCount else { throw ZipDirectoryError("it has no directory at its end") }
        // A comment may follow the record, and its length must say that it reaches to the end of the file.
        let first = max(0, file.count - recordCount - Int(UInt16.max))
        for record in stride(from: file.count - recordCount, through: first, by: -1) {
            guard file.integer(at: record, as: UInt32.self) == 0x0605_4b50,
                let commentCount = file.integer(at: record + 20, as: UInt16.self),
                record + recordCount + Int(commentCount) == file.count,
                let entryCount = file.integer(at: record + 10, as: UInt16.self),
                let byteCount = file.integer(at: record + 12, as: UInt32.self),
                let offset = file.integer(at: record + 16, as: UInt32.self)
            else { continue }
            if entryCount == .max || byteCount == .max || offset == .max,
                let place = try largePlace(before: record, in: file)
            {
                return place
            }
            return try checked(Int(entryCount), Int(byteCount), Int(offset), end: record)
        }
        throw ZipDirectoryError("it has no directory at its end")
    }

    /// The same from the record for archives beyond four gigabytes; nil where there is none.
    private static func largePlace(
        before record: Int, in file: UnsafeRawBufferPointer
    ) throws -> (bytes: Range<Int>, entryCount: Int)? {
        guard file.integer(at: record - 20, as: UInt32.self) == 0x0706_4b50 else { return nil }
        guard let stated = file.integer(at: record - 12, as: UInt64.self), let large = Int(exactly: stated),
            file.integer(at: large, as: UInt32.self) == 0x0606_4b50,
            let entryCount = file.integer(at: large + 32, as: UInt64.self).flatMap(Int.init(exactly:)),
            let byteCount = file.integer(at: large + 40, as: UInt64.self).flatMap(Int.init(exactly:)),
            let offset = file.integer(at: large + 48, as: UInt64.self).flatMap(Int.init(exactly:))
        else { throw ZipDirectoryError("its directory is damaged") }
        return try checked(entryCount, byteCount, offset, end: large)
    }

    private static func checked(
        _ entryCount: Int, _ byteCount: Int, _ offset: Int, end: Int
    ) throws -> (bytes: Range<Int>, entryCount: Int) {
        guard offset <= end, byteCount <= end - offset else {
            throw ZipDirectoryError("its directory is not where it says")
        }
        return (offset..<offset + byteCount, entryCount)
    }

    private static func entry(
        at offset: inout Int, end: Int, in file: UnsafeRawBufferPointer
    ) throws -> ZipFile.Entry {
        guard end - offset >= 46, file.integer(at: offset, as: UInt32.self) == 0x0201_4b50,
            let flags = file.integer(at: offset + 8, as: UInt16.self),
            let compression = file.integer(at: offset + 10, as: UInt16.self),
            let checksum = file.integer(at: offset + 16, as: UInt32.self),
            let nameCount = file.integer(at: offset + 28, as: UInt16.self),
            let extraCount = file.integer(at: offset + 30, as: UInt16.self),
            let commentCount = file.integer(at: offset + 32, as: UInt16.self),
            case let nameEnd = offset + 46 + Int(nameCount),
            case let extraEnd = nameEnd + Int(extraCount), extraEnd + Int(commentCount) <= end
        else { throw ZipDirectoryError("its directory is damaged") }
        let path = String(decoding: file[offset + 46..<nameEnd], as: UTF8.self)
        var large = LargeFields(file: file, range: nameEnd..<extraEnd)
        // In this order, which is that of the large form.
        let byteCount = try large.value(for: file.integer(at: offset + 24, as: UInt32.self))
        let storedByteCount = try large.value(for: file.integer(at: offset + 20, as: UInt32.self))
        let place = try large.value(for: file.integer(at: offset + 42, as: UInt32.self))
        offset = extraEnd + Int(commentCount)
        return ZipFile.Entry(
            path: path, byteCount: byteCount, compression: compression, isEncrypted: flags & 1 != 0,
            checksum: checksum, storedByteCount: storedByteCount, offset: place)
    }
}

/// A directory that is not there or is damaged.
struct ZipDirectoryError: Error {
    let message: String
    init(_ message: String) { self.message = message }
}

/// The numbers of an entry that do not fit 32 bits: they are in an extra field of kind 1.
private struct LargeFields {
    private let file: UnsafeRawBufferPointer
    private var next: Int?
    private var end = 0

    init(file: UnsafeRawBufferPointer, range: Range<Int>) {
        self.file = file
        var offset = range.lowerBound
        while offset < range.upperBound, let kind = file.integer(at: offset, as: UInt16.self),
            let byteCount = file.integer(at: offset + 2, as: UInt16.self)
        {
            if kind == 1 { (next, end) = (offset + 4, min(offset + 4 + Int(byteCount), range.upperBound)) }
            offset += 4 + Int(byteCount)
        }
    }

    /// The number itself, or the one in the extra field where it stands for that.
    mutating func value(for short: UInt32?) throws -> Int {
        guard let short else { throw ZipDirectoryError("its directory is damaged") }
        guard short == .max, let offset = next else { return Int(short) }
        guard offset + 8 <= end,
            let value = file.integer(at: offset, as: UInt64.self).flatMap(Int.init(exactly:))
        else { throw ZipDirectoryError("its directory is damaged") }
        next = offset + 8
        return value
    }
}

extension UnsafeRawBufferPointer {
    /// A little-endian number; nil where it does not lie in these bytes.
    func integer<Integer: FixedWidthInteger & BitwiseCopyable>(
        at offset: Int, as type: Integer.Type
    ) -> Integer? {
        guard offset >= 0, offset <= count - MemoryLayout<Integer>.size else { return nil }
        return Integer(littleEndian: loadUnaligned(fromByteOffset: offset, as: type))
    }
}
