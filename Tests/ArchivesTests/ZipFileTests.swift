import Foundation
import TestSupport
import Testing

@testable import Archives

/// Bytes that compress to about half their size.
private let halfRandomBytes: [UInt8] = {
    var state: UInt64 = 1
    return (0..<5_000).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(state >> 60)
    }
}()

/// A zip of one entry, "numbers", whose parts can be changed.
private struct OneEntryZip {
    var bytes: [UInt8]
    private let directory: Int

    init(_ contents: [UInt8] = halfRandomBytes, compression: ZipWriter.Compression = .deflate) throws {
        let folder = try TemporaryFolder()
        let writer = try ZipWriter(path: folder.file("a.zip"), compression: compression)
        try writer.add(name: "numbers", contents: contents)
        try writer.finish()
        bytes = try folder.bytes(of: "a.zip")
        let signature: [UInt8] = [80, 75, 1, 2]
        let records = bytes.indices.dropLast(4).filter { [bytes] in Array(bytes[$0..<$0 + 4]) == signature }
        directory = try #require(records.last)
    }

    /// Puts a little-endian number into the entry's record in the directory.
    mutating func state(_ value: UInt32, at offset: Int) {
        for index in 0..<4 {
            bytes[directory + offset + index] = UInt8(truncatingIfNeeded: value >> (8 * index))
        }
    }

    /// Moves sizes and place to the form for more than four gigabytes.
    mutating func useLargeFields() {
        func wide(_ offset: Int) -> [UInt8] {
            Array(bytes[directory + offset..<directory + offset + 4]) + [0, 0, 0, 0]
        }
        let field: [UInt8] = [1, 0, 24, 0] + wide(24) + wide(20) + wide(42)
        for offset in [20, 24, 42] { state(.max, at: offset) }
        let extra = directory + 46 + "numbers".utf8.count
        let old = Int(bytes[directory + 30])
        bytes.replaceSubrange(extra..<extra + old, with: field)
        bytes[directory + 30] = UInt8(field.count)
        let record = bytes.count - 22
        bytes[record + 12] = UInt8(record - directory)
    }

    func contents(byteLimit: Int = 1 << 20) throws -> [UInt8] {
        let zip = try ZipFile(bytes: bytes, name: "memory")
        return try zip.contents(of: #require(zip.entries.first), byteLimit: byteLimit)
    }

    /// Whether an error is that of a damaged archive, in one line that names it.
    func expectCorrupt(_ words: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let error = #expect(throws: ArchiveError.self, sourceLocation: sourceLocation) { try contents() }
        let description = try #require(error).description
        #expect(
            description.hasPrefix("memory: the archive is damaged or incomplete: "),
            sourceLocation: sourceLocation)
        #expect(description.contains(words), "\(description)", sourceLocation: sourceLocation)
    }
}

@Suite struct ZipFileTests {
    @Test(
        "entries are listed and unpacked, compressed or stored",
        arguments: [ZipWriter.Compression.deflate, .store])
    func roundTrip(compression: ZipWriter.Compression) throws {
        let folder = try TemporaryFolder()
        let writer = try ZipWriter(path: folder.file("a.zip"), compression: compression)
        try writer.add(name: "größe", contents: halfRandomBytes)
        try writer.add(name: "empty", contents: [])
        try writer.finish()
        let zip = try ZipFile(path: folder.file("a.zip"))
        #expect(zip.entries.map(\.path) == ["größe", "empty"])
        #expect(zip.entries.map(\.byteCount) == [5_000, 0])
        #expect(try zip.contents(of: zip.entries[0], byteLimit: 5_000) == halfRandomBytes)
        #expect(try zip.contents(of: zip.entries[1], byteLimit: 0).isEmpty)
    }

    @Test("sizes in the form for more than four gigabytes are read")
    func largeFields() throws {
        var zip = try OneEntryZip()
        zip.useLargeFields()
        #expect(try zip.contents() == halfRandomBytes)
    }

    @Test("a zip cut short anywhere is an error, never a shorter archive")
    func truncated() throws {
        let whole = try OneEntryZip().bytes
        for length in 0..<whole.count {
            #expect(throws: ArchiveError.self) {
                try ZipFile(bytes: Array(whole.prefix(length)), name: "cut")
            }
        }
    }

    @Test("what deflate makes hardly smaller is stored, and what is short")
    func whatIsDeflated() throws {
        var state: UInt64 = 7
        let random: [UInt8] = (0..<20_000).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 56)
        }
        let contents: [(name: String, bytes: [UInt8], isDeflated: Bool)] = [
            ("random", random, false), ("half", halfRandomBytes, true),
            ("zeros", [UInt8](repeating: 0, count: 1024), true),
            ("short", [UInt8](repeating: 0, count: 1023), false), ("empty", [], false),
        ]
        let folder = try TemporaryFolder()
        let writer = try ZipWriter(path: folder.file("a.zip"))
        for entry in contents { try writer.add(name: entry.name, contents: entry.bytes) }
        try writer.finish()
        let zip = try ZipFile(path: folder.file("a.zip"))
        for (name, bytes, isDeflated) in contents {
            let entry = try #require(zip.entries.first { $0.path == name })
            #expect((entry.compression == 8) == isDeflated, "\(name)")
            #expect(try zip.contents(of: entry, byteLimit: 1 << 20) == bytes, "\(name)")
        }
    }

    @Test("a changed byte in the contents is noticed", arguments: [ZipWriter.Compression.deflate, .store])
    func changedContents(compression: ZipWriter.Compression) throws {
        var zip = try OneEntryZip(compression: compression)
        zip.bytes[1_500] ^= 1
        try zip.expectCorrupt("entry 'numbers': ")
    }

    @Test("no change of a byte gives other contents, or worse")
    func anyChange() throws {
        let zip = try OneEntryZip([UInt8]("some numbers".utf8))
        for index in zip.bytes.indices {
            for value: UInt8 in [0, 0x7f, 0xff, zip.bytes[index] ^ 1] {
                var changed = zip
                changed.bytes[index] = value
                guard let contents = try? changed.contents() else { continue }
                #expect(contents == [UInt8]("some numbers".utf8), "byte \(index)")
            }
        }
    }

    @Test(
        "a stated size that is not the real one is an error", arguments: [0, 10, 4_999, 5_001, 900_000_000])
    func lyingSize(stated: UInt32) throws {
        var zip = try OneEntryZip()
        zip.state(stated, at: 24)
        // No memory is taken for what cannot be true.
        #expect(throws: ArchiveError.self) { try zip.contents(byteLimit: 1 << 30) }
        var stored = try OneEntryZip(compression: .store)
        stored.state(stated, at: 24)
        #expect(throws: ArchiveError.self) { try stored.contents(byteLimit: 1 << 30) }
    }

    @Test("an entry that unpacks to more than the limit is refused")
    func byteLimit() throws {
        let zip = try OneEntryZip([UInt8](repeating: 0, count: 3_000_000))
        let expected = ArchiveError.Reason.entryTooLarge(entry: "numbers", byteLimit: 2_000_000)
        #expect(throws: ArchiveError(file: "memory", reason: expected)) {
            try zip.contents(byteLimit: 2_000_000)
        }
    }

    @Test("what cannot be unpacked is an error that says so")
    func unknownKinds() throws {
        var encrypted = try OneEntryZip()
        encrypted.state(1 | 8 << 16, at: 8)
        try encrypted.expectCorrupt("encrypted")
        var other = try OneEntryZip()
        other.state(14 << 16, at: 8)
        try other.expectCorrupt("method 14")
        var elsewhere = try OneEntryZip()
        elsewhere.state(7, at: 42)
        try elsewhere.expectCorrupt("not where the directory says")
        elsewhere.state(.max - 1, at: 42)
        try elsewhere.expectCorrupt("not where the directory says")
    }

    @Test("files that are no zip are refused by name")
    func notAZip() throws {
        let folder = try TemporaryFolder()
        #expect(mkfifo(folder.file("pipe"), 0o600) == 0)
        let paths = try [
            folder.write("empty.npz", []), folder.write("text.npz", "not an archive".utf8),
            folder.write("numbers.npz", halfRandomBytes), folder.file("missing.npz"), folder.path,
            folder.file("pipe"),
        ]
        for path in paths {
            let error = #expect(throws: ArchiveError.self) { try ZipFile(path: path) }
            #expect(
                try #require(error).description.hasPrefix("\(path): expected a zip, tar or tar.gz archive: "))
        }
    }
}
