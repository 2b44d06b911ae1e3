import Foundation
import TestSupport
import Testing

@testable import Archives

/// Files to be put into archives, of three megabytes together, which compress to about half.
private struct Files {
    let temporary: TemporaryFolder
    let names = ["files/b.bin", "files/deep/a.bin", "files/empty", "files/large.bin"]

    init() throws {
        temporary = try TemporaryFolder()
        try FileManager.default.createDirectory(
            atPath: temporary.file("files/deep"), withIntermediateDirectories: true)
        for (name, contents) in Swift.zip(names, Self.contents) { _ = try temporary.write(name, contents) }
    }

    private static let contents = [500_000, 200_001, 0, 2_500_000].enumerated().map { number, count in
        [UInt8](unsafeUninitializedCapacity: count) { buffer, initializedCount in
            var state = UInt64(number + 1)
            for index in 0..<count {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                buffer[index] = UInt8(state >> 60)
            }
            initializedCount = count
        }
    }

    func zip(_ compression: ZipWriter.Compression) throws -> String {
        let path = temporary.file("\(compression).zip")
        let writer = try ZipWriter(path: path, compression: compression)
        for name in names { try writer.add(name: name, contents: temporary.bytes(of: name)) }
        try writer.finish()
        return path
    }

    func tar() throws -> String { try shell("tar -cf files.tar files", makes: "files.tar") }

    func shell(_ command: String, makes name: String) throws -> String {
        let shell = Process()
        shell.executableURL = URL(fileURLWithPath: "/bin/sh")
        shell.arguments = ["-c", "cd \"$1\" && \(command)", "sh", temporary.path]
        try shell.run()
        shell.waitUntilExit()
        try #require(shell.terminationStatus == 0)
        return temporary.file(name)
    }

    /// Holds that an archive has all files, whose contents are read in another order than they lie in.
    func expectAll(in path: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        var starts: [String: [UInt8]] = [:]
        let archive = try IndexedArchive(path: path, startByteCount: 100) { name, start in
            starts[name] = start()
            return true
        }
        let entries = archive.entries.sorted { $0.path < $1.path }
        #expect(entries.map(\.path) == names, sourceLocation: sourceLocation)
        for entry in entries.reversed() + entries {
            let expected = try temporary.bytes(of: entry.path)
            #expect(entry.byteCount == expected.count, sourceLocation: sourceLocation)
            #expect(starts[entry.path] == Array(expected.prefix(100)), sourceLocation: sourceLocation)
            let found = try archive.contents(of: entry, byteLimit: 1 << 22)
            #expect(found == expected, sourceLocation: sourceLocation)
        }
    }
}

@Suite struct IndexedArchiveTests {
    @Test("entries are read in any order, of zips and tars")
    func anyOrder() throws {
        let files = try Files()
        try files.expectAll(in: files.zip(.deflate))
        try files.expectAll(in: files.zip(.store))
        try files.expectAll(in: files.tar())
    }

    @Test("and of gzip data, from the places noted in them, in one member or several")
    func gzip() throws {
        let files = try Files()
        _ = try files.tar()
        for level in [1, 9] {
            try files.expectAll(
                in: files.shell("gzip -\(level) -c files.tar > one.tar.gz", makes: "one.tar.gz"))
        }
        let bytes = try files.temporary.bytes(of: "files.tar")
        for (name, part) in [("p1", bytes.prefix(1_222_222)), ("p2", bytes.dropFirst(1_222_222))] {
            _ = try files.temporary.write(name, part)
        }
        let two = try files.shell("(gzip -c p1; gzip -9 -c p2) > two.tar.gz", makes: "two.tar.gz")
        try files.expectAll(in: two)
    }

    @Test("of more places than are kept every other one is dropped, and all of the data are reached still")
    func manyPlaces() throws {
        let files = try Files()
        let path = try files.shell("gzip -1 -c files/large.bin > large.gz", makes: "large.gz")
        let source = try #require(PackedBytes(path: path))
        let index = GzipIndex(interval: 1000, largestCount: 16)
        let stream = try #require(GzipStream(source, index: index))
        while let bytes = stream.next(), !bytes.isEmpty {}
        #expect(stream.failure == nil)
        #expect((4...16).contains(index.count))
        let expected = try files.temporary.bytes(of: "files/large.bin")
        for offset in stride(from: expected.count - 5000, through: 0, by: -333_333) {
            let found = try [UInt8](unsafeUninitializedCapacity: 5000) { buffer, count in
                try index.read(from: source, at: offset, into: UnsafeMutableRawBufferPointer(buffer))
                count = 5000
            }
            #expect(found == Array(expected[offset..<offset + 5000]))
        }
    }

    @Test("archives that are cut short are errors, wherever that is")
    func cut() throws {
        let files = try Files()
        let gz = try files.tar() + ".gz"
        _ = try files.shell("gzip -k files.tar", makes: "files.tar.gz")
        for path in [try files.zip(.deflate), files.temporary.file("files.tar"), gz] {
            let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
            for share in [0.1, 0.5, 0.9, 0.999] {
                let cut = try files.temporary.write("cut", bytes.prefix(Int(Double(bytes.count) * share)))
                let error = #expect(throws: ArchiveError.self, "\(path) to \(share)") {
                    try IndexedArchive(path: cut, startByteCount: 8) { _, _ in true }
                }
                #expect(error?.file == cut)
            }
        }
    }

    @Test("an entry that is damaged, encrypted or too large is an error of its own, and the others are read")
    func damagedEntries() throws {
        let files = try Files()
        let path = try files.zip(.store)
        var bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
        // In the contents of the first entry, whose header takes less than 200 bytes.
        bytes[500] ^= 1
        let records = bytes.indices.dropLast(4).filter { [bytes] in
            Array(bytes[$0..<$0 + 4]) == [80, 75, 1, 2]
        }
        bytes[records[1] + 8] |= 1
        let damaged = try files.temporary.write("damaged.zip", bytes)
        var starts: [Bool] = []
        let archive = try IndexedArchive(path: damaged, startByteCount: 4) { _, start in
            starts.append(start() != nil)
            return true
        }
        #expect(starts == [true, false, true, true])
        #expect(archive.entries.map(\.isEncrypted) == [false, true, false, false])
        func problem(_ index: Int, byteLimit: Int = 1 << 22) -> String? {
            #expect(throws: ArchiveEntryError.self) {
                try archive.contents(of: archive.entries[index], byteLimit: byteLimit)
            }?.problem
        }
        #expect(problem(0) == "its checksum does not match")
        #expect(problem(1) == "it is encrypted")
        #expect(problem(3, byteLimit: 1000) == "it has more than 1000 bytes")
        #expect(try archive.contents(of: archive.entries[3], byteLimit: 1 << 22).count == 2_500_000)
    }

    @Test("a directory that lies about its place or its entries is an error")
    func wrongDirectory() throws {
        let files = try Files()
        let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: files.zip(.store))))
        let record = bytes.count - 22
        // The number of entries, the directory's length, and its place.
        for (place, value) in [(10, UInt8(9)), (12, 1), (19, 0x7F)] {
            var changed = bytes
            changed[record + place] = value
            let path = try files.temporary.write("wrong.zip", changed)
            #expect(throws: ArchiveError.self) {
                try IndexedArchive(path: path, startByteCount: 4) { _, _ in true }
            }
        }
        let empty = try files.temporary.write(
            "empty.zip", Array("PK\u{5}\u{6}".utf8) + Array(repeating: 0, count: 18))
        #expect(try IndexedArchive(path: empty, startByteCount: 4) { _, _ in true }.entries.isEmpty)
    }
}
