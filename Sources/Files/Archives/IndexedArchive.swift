import Foundation

/// A zip, tar or tar.gz whose entries are known, and read in any order by any number of threads, none of them to disk.
///
/// Opening a zip reads its directory, and opening a tar the headers of its entries; gzip data are unpacked once, for a
/// list of places from which unpacking can begin later. So the memory grows with the names of the entries that are kept.
package struct IndexedArchive: Sendable {
    /// A file in the archive.
    package struct Entry: Sendable {
        /// The entry's path inside the archive, as stored, never to be written to unchecked.
        package let path: String
        /// The size of the contents in bytes, as the archive states it.
        package let byteCount: Int
        /// Whether it takes a password.
        package var isEncrypted: Bool {
            if case .zip(let entry) = place { entry.isEncrypted } else { false }
        }
        fileprivate let place: Place
    }

    fileprivate enum Place: Sendable {
        case zip(ZipFile.Entry)
        /// The offset of the contents.
        case tar(Int)
        /// Not in one piece.
        case scattered
    }

    /// The path of the archive.
    package let path: String
    /// The entries that were wanted, in the order of the archive.
    package private(set) var entries: [Entry] = []
    /// The paths of links, which have no contents of their own, in a tar.
    package private(set) var links: [String] = []
    private let file: PackedBytes
    /// Nil where the archive is not packed with gzip.
    private let gzip: GzipIndex?

    /// A directory is read at once; COCO's largest archives have some ten megabytes of it.
    private static let largestDirectory = 256 << 20
    /// Deflated data are no more than so much longer than what they unpack to.
    private static let deflateOverhead = 1 << 20
    /// The entries kept may be so many, and their paths have so many bytes together.
    private static let (mostEntries, mostPathBytes) = (4_000_000, 256 << 20)

    /// Opens an archive and looks at all of its entries.
    ///
    /// - Parameters:
    ///   - path: The path of the archive; its content says which kind it is.
    ///   - startByteCount: How many bytes of the contents `isWanted` is given.
    ///   - isWanted: Says which entries are kept, by their path and the first bytes of their contents, which are nil where
    ///     they cannot be read.
    /// - Throws: `ArchiveError` where it cannot be read, is damaged or cut short, or has more entries than are kept;
    ///   what `isWanted` throws.
    package init(
        path: String, startByteCount: Int,
        isWanted: (_ path: String, _ start: () -> [UInt8]?) throws -> Bool
    ) throws {
        guard let file = PackedBytes(path: path) else {
            throw ArchiveError(file: path, reason: .unreadable(String(cString: strerror(errno))))
        }
        self.path = path
        self.file = file
        let isZip = file.isZip || file.isOtherZip
        let index = file.isGzip ? GzipIndex() : nil
        gzip = index
        if isZip {
            try readDirectory(startByteCount, isWanted)
        } else {
            try readHeaders(index ?? GzipIndex(), startByteCount, isWanted)
        }
    }

    private mutating func keep(_ entry: Entry, _ pathBytes: inout Int) throws {
        try count(entry.path, &pathBytes, entries.count)
        entries.append(entry)
    }

    /// Makes sure that there is room for another name.
    private func count(_ name: String, _ pathBytes: inout Int, _ kept: Int) throws {
        pathBytes += name.utf8.count
        guard kept < Self.mostEntries, pathBytes <= Self.mostPathBytes else {
            throw ArchiveError(
                file: path,
                reason: .unreadable(
                    "more than \(Self.mostEntries) entries, or \(Self.mostPathBytes) bytes of names: unpack it"
                ))
        }
    }

    private mutating func readDirectory(
        _ startByteCount: Int, _ isWanted: (_ path: String, _ start: () -> [UInt8]?) throws -> Bool
    ) throws {
        let fileByteCount = file.byteCount
        do {
            let start = max(0, fileByteCount - ZipDirectory.tailByteCount)
            let place = try file.bytes(start..<fileByteCount).withUnsafeBytes {
                try ZipDirectory.Place(inTail: $0, startingAt: start)
            }
            guard place.bytes.count <= Self.largestDirectory else {
                throw ZipDirectoryError("its directory has more than \(Self.largestDirectory) bytes")
            }
            var pathBytes = 0
            _ = try file.bytes(place.bytes).withUnsafeBytes { bytes in
                try ZipDirectory(bytes, entryCount: place.entryCount) { entry in
                    guard entry.path.utf8.last != UInt8(ascii: "/"),
                        try isWanted(entry.path, { self.start(of: entry, startByteCount) })
                    else { return false }
                    let kept = Entry(path: entry.path, byteCount: entry.byteCount, place: .zip(entry))
                    try keep(kept, &pathBytes)
                    return false
                }
            }
        } catch let error as ZipDirectoryError {
            throw ArchiveError(file: path, reason: .corrupt(error.message))
        } catch let error as ArchiveEntryError {
            throw ArchiveError(file: path, reason: .corrupt(error.problem))
        }
    }

    private mutating func readHeaders(
        _ index: GzipIndex, _ startByteCount: Int,
        _ isWanted: (_ path: String, _ start: () -> [UInt8]?) throws -> Bool
    ) throws {
        let reader = try ArchiveReader(indexing: path, index)
        var pathBytes = 0
        while let entry = try reader.nextEntry() {
            if entry.isLink {
                try count(entry.path, &pathBytes, entries.count + links.count)
                links.append(entry.path)
            }
            guard entry.isRegularFile, !entry.isLink else { continue }
            let offset = reader.contentsOffset
            // What cannot be read is damage of the whole, which the next entry will tell.
            let isKept = try isWanted(entry.path) { try? reader.readChunk(byteLimit: startByteCount) }
            guard isKept else { continue }
            let place = offset.flatMap { entry.byteCount == nil ? nil : Place.tar($0) } ?? .scattered
            try keep(Entry(path: entry.path, byteCount: entry.byteCount ?? 0, place: place), &pathBytes)
        }
    }

    /// The contents of an entry. Those of a zip are compared with their checksum.
    ///
    /// - Parameter byteLimit: The most bytes to accept.
    /// - Throws: `ArchiveEntryError` where the entry cannot be unpacked; the others can be read all the same.
    package func contents(of entry: Entry, byteLimit: Int) throws -> [UInt8] {
        guard 0...byteLimit ~= entry.byteCount else {
            throw ArchiveEntryError("it has more than \(byteLimit) bytes")
        }
        switch entry.place {
        case .scattered: throw ArchiveEntryError("it is stored with holes: unpack the archive")
        case .tar(let offset):
            guard let gzip else { return try file.bytes(offset..<offset + entry.byteCount) }
            return try [UInt8](unsafeUninitializedCapacity: entry.byteCount) { buffer, count in
                try gzip.read(from: file, at: offset, into: UnsafeMutableRawBufferPointer(buffer))
                count = buffer.count
            }
        case .zip(let entry):
            try entry.checkKind()
            guard entry.storedByteCount <= byteLimit + Self.deflateOverhead else {
                throw ArchiveEntryError("its deflated data are damaged")
            }
            return try file.bytes(place(of: entry)).withUnsafeBytes { try entry.unpacked($0) }
        }
    }

    private func place(of entry: ZipFile.Entry) throws -> Range<Int> {
        let fileByteCount = file.byteCount
        guard entry.offset <= fileByteCount,
            case let end = min(fileByteCount, entry.offset + ZipFile.Entry.headerByteCount),
            let place = try file.bytes(entry.offset..<end).withUnsafeBytes({
                entry.place(header: $0, byteCount: fileByteCount)
            })
        else { throw ArchiveEntryError("it is not where the directory says") }
        return place
    }

    /// The first bytes of the contents of an entry of a zip; nil where they cannot be unpacked.
    private func start(of entry: ZipFile.Entry, _ byteCount: Int) -> [UInt8]? {
        guard (try? entry.checkKind()) != nil, let place = try? place(of: entry),
            // Deflated data are at most a little longer than what they unpack to.
            let stored = try? file.bytes(place.prefix(2 * byteCount))
        else { return nil }
        guard entry.isDeflated else { return Array(stored.prefix(byteCount)) }
        return stored.withUnsafeBytes { bytes in
            guard let section = DeflatedSection(PackedBytes(memory: bytes), packedOffset: 0) else {
                return nil
            }
            return try? section.bytes(min(byteCount, entry.byteCount))
        }
    }
}
