/// The directory at the end of a zip archive, as PKWARE's APPNOTE 4.3.12 to 4.3.16 describes it.
struct ZipDirectory {
    private(set) var entries: [ZipFile.Entry] = []

    /// Reads the directory of a whole archive.
    ///
    /// - Throws: `ZipDirectoryError`.
    init(of file: UnsafeRawBufferPointer) throws {
        let place = try Place(inTail: file, startingAt: 0)
        try self.init(UnsafeRawBufferPointer(rebasing: file[place.bytes]), entryCount: place.entryCount)
    }

    /// Reads the directory's own bytes.
    ///
    /// - Parameters:
    ///   - isWanted: Asked for the path of each entry, and whether it is worth keeping.
    /// - Throws: `ZipDirectoryError`; what `isWanted` throws.
    init(
        _ bytes: UnsafeRawBufferPointer, entryCount: Int,
        isWanted: (ZipFile.Entry) throws -> Bool = { _ in true }
    ) throws {
        var offset = 0
        var count = 0
        while offset < bytes.count {
            let entry = try Self.entry(at: &offset, end: bytes.count, in: bytes)
            count += 1
            if try isWanted(entry) { entries.append(entry) }
        }
        // The count in the short form of the record is kept to 16 bits.
        guard count == entryCount || count & 0xffff == entryCount else {
            throw ZipDirectoryError("its directory has \(count) of \(entryCount) entries")
        }
    }

    /// Where a directory lies in its file.
    struct Place {
        let bytes: Range<Int>
        let entryCount: Int
    }

    /// How many bytes at the end of a file say where its directory lies: the records, and the longest comment.
    static let tailByteCount = 22 + 20 + 56 + Int(UInt16.max)

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

extension ZipDirectory.Place {
    /// Where the directory lies, which the last record of the file says.
    ///
    /// - Parameters:
    ///   - tail: The last bytes of the file: `tailByteCount`, or all where it has fewer.
    ///   - start: Where in the file they begin.
    /// - Throws: `ZipDirectoryError`.
    init(inTail tail: UnsafeRawBufferPointer, startingAt start: Int) throws {
        let recordCount = 22
        guard tail.count >= recordCount else { throw ZipDirectoryError("it has no directory at its end") }
        // A comment may follow the record, and its length must say that it reaches to the end of the file.
        let first = max(0, tail.count - recordCount - Int(UInt16.max))
        for record in stride(from: tail.count - recordCount, through: first, by: -1) {
            guard tail.integer(at: record, as: UInt32.self) == 0x0605_4b50,
                let commentCount = tail.integer(at: record + 20, as: UInt16.self),
                record + recordCount + Int(commentCount) == tail.count,
                let entryCount = tail.integer(at: record + 10, as: UInt16.self),
                let byteCount = tail.integer(at: record + 12, as: UInt32.self),
                let offset = tail.integer(at: record + 16, as: UInt32.self)
            else { continue }
            if entryCount == .max || byteCount == .max || offset == .max,
                let place = try Self.large(before: record, inTail: tail, startingAt: start)
            {
                self = place
            } else {
                try self.init(Int(entryCount), Int(byteCount), Int(offset), end: start + record)
            }
            return
        }
        throw ZipDirectoryError("it has no directory at its end")
    }

    /// The same from the record for archives beyond four gigabytes; nil where there is none.
    private static func large(
        before record: Int, inTail tail: UnsafeRawBufferPointer, startingAt start: Int
    ) throws -> Self? {
        guard tail.integer(at: record - 20, as: UInt32.self) == 0x0706_4b50 else { return nil }
        guard let stated = tail.integer(at: record - 12, as: UInt64.self), let place = Int(exactly: stated),
            place >= start, case let large = place - start,
            tail.integer(at: large, as: UInt32.self) == 0x0606_4b50,
            let entryCount = tail.integer(at: large + 32, as: UInt64.self).flatMap(Int.init(exactly:)),
            let byteCount = tail.integer(at: large + 40, as: UInt64.self).flatMap(Int.init(exactly:)),
            let offset = tail.integer(at: large + 48, as: UInt64.self).flatMap(Int.init(exactly:))
        else { throw ZipDirectoryError("its directory is damaged") }
        return try Self(entryCount, byteCount, offset, end: place)
    }

    private init(_ entryCount: Int, _ byteCount: Int, _ offset: Int, end: Int) throws {
        guard offset <= end, byteCount <= end - offset else {
            throw ZipDirectoryError("its directory is not where it says")
        }
        self.init(bytes: offset..<offset + byteCount, entryCount: entryCount)
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
