import Foundation
import TestSupport
import Testing

@testable import Archives

/// Made by GNU tar and gzip: dir/a.txt ("hello\n"), dir/empty, dir/link -> a.txt, and dir itself.
private let tarGzip = Data(
    base64Encoded: """
        H4sIAAAAAAACA+3VMQ7CIBiG4X/2FD2B0hbKeZq0iY1VDGKit5cymQ5qB2qM77NAYCDw5Qvd4HftNtyC5KOiRus0RvNx2n2ax/Wy\
        MkZJoWQF10tofTzeO/fyDd7tzy/3I/b9OLqN4E91sf/98RzuX+2/mve/0RX9Xyv/cTgdJHP+1toF+de6LqWocn9M5J/yz31Gyt+Y\
        BfmXxtZSGPoPAAAAAAAAAAAAAMBHHg8hM4MAKAAA
        """)

/// All regular files of an archive, in its order.
private func contents(of reader: ArchiveReader, byteLimit: Int = 1 << 20) throws -> [(String, [UInt8])] {
    var files: [(String, [UInt8])] = []
    while let entry = try reader.nextEntry() {
        if entry.isRegularFile { try files.append((entry.path, reader.readContents(byteLimit: byteLimit))) }
    }
    return files
}

/// Changes the unpacked size that a zip of one entry states: in the entry's own header, PK\3\4, and in
/// the directory's record, PK\1\2.
private func stateSize(_ byteCount: UInt8, inOnlyEntryOf zip: inout [UInt8]) throws {
    let record = try #require(zip.indices.dropLast(4).last { zip[$0..<$0 + 4] == [80, 75, 1, 2] })
    for start in [22, record + 24] { zip.replaceSubrange(start..<start + 4, with: [byteCount, 0, 0, 0]) }
}

/// Bytes that compress to about half their size.
private let halfRandomBytes: [UInt8] = {
    var state: UInt64 = 1
    return (0..<5_000).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(state >> 60)
    }
}()

@Suite struct ArchiveReaderTests {
    @Test("a tar.gz's entries come in order with their kinds, sizes and contents")
    func tarGzipEntries() throws {
        let bytes = try [UInt8](#require(tarGzip))
        let reader = try ArchiveReader(bytes: bytes, name: "memory")
        #expect(
            try reader.nextEntry() == ArchiveEntry(path: "dir/a.txt", byteCount: 6, isRegularFile: true))
        #expect(try reader.readContents(byteLimit: 6) == Array("hello\n".utf8))
        #expect(
            try reader.nextEntry() == ArchiveEntry(path: "dir/empty", byteCount: 0, isRegularFile: true))
        #expect(try reader.readContents(byteLimit: 0).isEmpty)
        #expect(try reader.nextEntry()?.isRegularFile == false)
        #expect(
            try reader.nextEntry() == ArchiveEntry(path: "dir/", byteCount: 0, isRegularFile: false))
        #expect(try reader.nextEntry() == nil)
    }

    @Test("a tar.gz cut short anywhere is an error, never a shorter archive")
    func truncatedTarGzip() throws {
        let bytes = try [UInt8](#require(tarGzip))
        for length in stride(from: 0, to: bytes.count, by: 7) {
            #expect(throws: ArchiveError.self) {
                try contents(of: ArchiveReader(bytes: Array(bytes.prefix(length)), name: "cut"))
            }
        }
    }

    @Test("a zip cut short anywhere is an error, never a shorter archive")
    func truncatedZip() throws {
        let folder = try TemporaryFolder()
        let writer = try ZipWriter(path: folder.file("whole.zip"))
        try writer.add(name: "first", contents: [1, 2, 3])
        try writer.add(name: "second", contents: halfRandomBytes)
        try writer.finish()
        let bytes = try folder.bytes(of: "whole.zip")
        for length in stride(from: 0, to: bytes.count, by: 13) {
            #expect(throws: ArchiveError.self) {
                try contents(of: ArchiveReader(bytes: Array(bytes.prefix(length)), name: "cut"))
            }
        }
    }

    @Test(
        "a zip cut behind a zip that it holds is not taken for that one; its whole entries are there to be had"
    )
    func zipCutInZip() throws {
        let folder = try TemporaryFolder()
        let inner = try ZipWriter(path: folder.file("inner.zip"))
        try inner.add(name: "x.npy", contents: halfRandomBytes)
        try inner.finish()
        let outer = try ZipWriter(path: folder.file("outer.zip"), compression: .store)
        for name in ["1.npz", "2.npz"] {
            try outer.add(name: name, contents: folder.bytes(of: "inner.zip"))
        }
        try outer.finish()
        let bytes = try folder.bytes(of: "outer.zip")
        let innerEnd =
            try #require(bytes.indices.dropLast(22).last { bytes[$0...].starts(with: [80, 75, 5, 6]) }) + 22
        let directory = bytes.suffix(6).prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
        for length in [innerEnd, directory, directory + 1, directory + 30] {
            let path = try folder.write("cut.zip", bytes.prefix(length))
            let expected = ArchiveError(
                file: path, reason: .corrupt("the zip ends before the directory at its end"))
            #expect(throws: expected) { try ArchiveReader(path: path).nextEntry() }
            let reader = try ArchiveReader(path: path, keepsWholeEntriesOfCutZip: true)
            // Behind an entry's contents come their length and checksum, which libarchive looks for in 24 bytes.
            for name in length < directory + 24 ? ["1.npz"] : ["1.npz", "2.npz"] {
                #expect(try reader.nextEntry()?.path == name)
                #expect(try reader.readContents(byteLimit: 1 << 20) == folder.bytes(of: "inner.zip"))
            }
            #expect(throws: ArchiveError.self) {
                while try reader.nextEntry() != nil { _ = try reader.readContents(byteLimit: 1 << 20) }
            }
        }
    }

    @Test("a changed byte in an entry's contents fails its checksum")
    func corruptContents() throws {
        let folder = try TemporaryFolder()
        let writer = try ZipWriter(path: folder.file("a.zip"), compression: .store)
        try writer.add(name: "numbers", contents: halfRandomBytes)
        try writer.finish()
        var bytes = try folder.bytes(of: "a.zip")
        bytes[2_500] ^= 1
        let path = try folder.write("changed.zip", bytes)
        let reader = try ArchiveReader(path: path)
        _ = try reader.nextEntry()
        let error = #expect(throws: ArchiveError.self) { try reader.readContents(byteLimit: 1 << 20) }
        let description = try #require(error).description
        #expect(description.hasPrefix("\(path): the archive is damaged or incomplete: entry 'numbers': "))
    }

    @Test("an error is one line, though some of libarchive's messages end in a line feed")
    func oneLineError() throws {
        let folder = try TemporaryFolder()
        let writer = try ZipWriter(path: folder.file("a.zip"))
        try writer.add(name: "numbers", contents: halfRandomBytes)
        try writer.finish()
        var bytes = try folder.bytes(of: "a.zip")
        try stateSize(10, inOnlyEntryOf: &bytes)
        let reader = try ArchiveReader(bytes: bytes, name: "lying")
        _ = try reader.nextEntry()
        let error = #expect(throws: ArchiveError.self) { try reader.readContents(byteLimit: 1 << 20) }
        let description = try #require(error).description
        #expect(description.contains("ZIP uncompressed data is wrong size"))
        #expect(description.hasSuffix("expected 10)"))
    }

    @Test("an entry that unpacks to more than the limit is refused, whatever size it states")
    func decompressionBomb() throws {
        let folder = try TemporaryFolder()
        let writer = try ZipWriter(path: folder.file("bomb.zip"))
        try writer.add(name: "zeros", contents: [UInt8](repeating: 0, count: 3_000_000))
        try writer.finish()
        let expected = ArchiveError.Reason.entryTooLarge(entry: "zeros", byteLimit: 2_000_000)

        var bytes = try folder.bytes(of: "bomb.zip")
        let honest = try ArchiveReader(bytes: bytes, name: "bomb")
        _ = try honest.nextEntry()
        #expect(throws: ArchiveError(file: "bomb", reason: expected)) {
            try honest.readContents(byteLimit: 2_000_000)
        }

        try stateSize(10, inOnlyEntryOf: &bytes)
        let lying = try ArchiveReader(bytes: bytes, name: "bomb")
        #expect(try lying.nextEntry()?.byteCount == 10)
        #expect(throws: ArchiveError.self) { try lying.readContents(byteLimit: 2_000_000) }
    }

    @Test("chunks put together are the whole contents")
    func chunks() throws {
        let folder = try TemporaryFolder()
        let writer = try ZipWriter(path: folder.file("a.zip"))
        try writer.add(name: "numbers", contents: halfRandomBytes)
        try writer.finish()
        let reader = try ArchiveReader(path: folder.file("a.zip"))
        _ = try reader.nextEntry()
        var bytes: [UInt8] = []
        while case let chunk = try reader.readChunk(byteLimit: 999), !chunk.isEmpty {
            #expect(chunk.count <= 999)
            bytes += chunk
        }
        #expect(bytes == halfRandomBytes)
    }

    @Test("files that are no archives are refused by name")
    func notAnArchive() throws {
        let folder = try TemporaryFolder()
        let paths = try [
            folder.write("empty.npz", []), folder.write("text.npz", "not an archive".utf8),
            folder.write("numbers.npz", halfRandomBytes),
            folder.file("missing.npz"), folder.path,
        ]
        for path in paths {
            let error = #expect(throws: ArchiveError.self) {
                try contents(of: ArchiveReader(path: path))
            }
            let description = try #require(error).description
            #expect(description.hasPrefix("\(path): expected a zip, tar or tar.gz archive: "))
            #expect(!description.contains("\n"))
        }
    }

    @Test("contents asked for before the first entry are an error")
    func noCurrentEntry() throws {
        let reader = try ArchiveReader(bytes: [UInt8](#require(tarGzip)), name: "memory")
        #expect(throws: ArchiveError(file: "memory", reason: .noCurrentEntry)) {
            try reader.readContents(byteLimit: 10)
        }
    }
}
