import CDeflate

extension ZipFile.Entry {
    /// More than this no byte of deflated data can unpack to.
    private static let largestRatio = 1032
    /// How many bytes an entry's own header has before its name.
    static let headerByteCount = 30

    /// Whether what is stored of the entry has been deflated.
    var isDeflated: Bool { compression == 8 }

    /// Makes sure that the entry is of a kind that is unpacked here.
    ///
    /// - Throws: `ArchiveEntryError`.
    func checkKind() throws {
        guard !isEncrypted else { throw ArchiveEntryError("it is encrypted") }
        guard compression == 0 || isDeflated else {
            throw ArchiveEntryError("expected it stored or deflated, found method \(compression)")
        }
        guard isDeflated || byteCount == storedByteCount else {
            throw ArchiveEntryError("two sizes are stated for it")
        }
    }

    /// Where what is stored of the entry lies in its file; nil where its own header, or the file, does not have it.
    ///
    /// - Parameters:
    ///   - header: The file's bytes from the entry's own header on, as many as there are at hand.
    ///   - fileByteCount: How many bytes the file has.
    func place(header: UnsafeRawBufferPointer, byteCount fileByteCount: Int) -> Range<Int>? {
        guard header.integer(at: 0, as: UInt32.self) == 0x0403_4b50,
            let nameCount = header.integer(at: 26, as: UInt16.self),
            let extraCount = header.integer(at: 28, as: UInt16.self),
            offset <= fileByteCount,
            case let start = offset + Self.headerByteCount + Int(nameCount) + Int(extraCount),
            storedByteCount <= fileByteCount - start
        else { return nil }
        return start..<start + storedByteCount
    }

    /// The contents, whose length and checksum are proved.
    ///
    /// - Parameter stored: What is stored of the entry, which `checkKind()` has not refused.
    /// - Throws: `ArchiveEntryError`.
    func unpacked(_ stored: UnsafeRawBufferPointer) throws -> [UInt8] {
        let contents = isDeflated ? try inflated(stored) : [UInt8](stored)
        let found = contents.withUnsafeBytes { CRC32(of: $0).value }
        guard found == checksum else { throw ArchiveEntryError("its checksum does not match") }
        return contents
    }

    private func inflated(_ stored: UnsafeRawBufferPointer) throws -> [UInt8] {
        // The size is only a statement: no memory is taken for one that cannot be true.
        guard byteCount / Self.largestRatio <= stored.count else {
            throw ArchiveEntryError("it is too short for the \(byteCount) bytes stated")
        }
        guard let inflater = libdeflate_alloc_decompressor() else { throw ArchiveEntryError("out of memory") }
        defer { libdeflate_free_decompressor(inflater) }
        return try [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
            // Without a place for the length, any other length than the one stated is an error.
            let result = libdeflate_deflate_decompress(
                inflater, stored.baseAddress, stored.count, buffer.baseAddress, byteCount, nil)
            switch result {
            case LIBDEFLATE_SUCCESS: count = byteCount
            case LIBDEFLATE_SHORT_OUTPUT, LIBDEFLATE_INSUFFICIENT_SPACE:
                throw ArchiveEntryError("it does not unpack to the \(byteCount) bytes stated")
            default: throw ArchiveEntryError("its deflated data are damaged")
            }
        }
    }
}

/// What is wrong with one entry of an archive, whose others can be read all the same.
package struct ArchiveEntryError: Error, Sendable, Equatable {
    /// What is wrong, in a few words.
    package let problem: String

    init(_ problem: String) { self.problem = problem }
}
