import Foundation
import TestSupport
import Testing

@testable import Archives

/// A tar of three files, as GNU tar makes it, and what gzip makes of parts of it.
private struct Tars {
    let folder: TemporaryFolder
    let whole: [UInt8]

    init() throws {
        folder = try TemporaryFolder()
        for (name, count) in [("a", 700), ("b", 512), ("c", 10)] {
            _ = try folder.write(
                name, [UInt8](repeating: 7, count: count) + [UInt8](repeating: 0, count: 2048))
        }
        try Self.run("tar -cf whole.tar a b c", in: folder)
        whole = try folder.bytes(of: "whole.tar")
    }

    /// Where the header of each entry begins, and where the mark at the end does.
    let boundaries = [0, 3584, 6656, 9728]

    func gzip(_ bytes: [UInt8]) throws -> [UInt8] {
        _ = try folder.write("part", bytes)
        try Self.run("gzip -nf part", in: folder)
        return try folder.bytes(of: "part.gz")
    }

    /// The names of the entries, in memory and from a file, passing over their contents.
    func names(_ bytes: [UInt8]) throws -> [String] {
        let path = try folder.write("archive", bytes)
        let readers = try [ArchiveReader(bytes: bytes, name: "memory"), ArchiveReader(path: path)]
        let names = try readers.map { reader in
            var names: [String] = []
            while let entry = try reader.nextEntry() { names.append(entry.path) }
            return names
        }
        try #require(names[0] == names[1])
        return names[0]
    }

    private static func run(_ command: String, in folder: TemporaryFolder) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", "cd \"$1\" && \(command)", "sh", folder.path]
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
    }
}

@Suite struct ArchiveEndTests {
    @Test("a tar cut between two entries is an error, packed with gzip or not")
    func tarWithoutMark() throws {
        let tars = try Tars()
        for bytes in [tars.whole, try tars.gzip(tars.whole)] {
            #expect(try tars.names(bytes) == ["a", "b", "c"])
        }
        for boundary in tars.boundaries.dropFirst() {
            let cut = Array(tars.whole.prefix(boundary))
            for bytes in [cut, try tars.gzip(cut)] {
                let error = #expect(throws: ArchiveError.self) { try tars.names(bytes) }
                #expect(try #require(error).reason == .corrupt("it ends before the mark at the end of a tar"))
            }
        }
    }

    @Test("a gzip file with a wrong checksum or length, or without all of them, is an error")
    func gzipTrailer() throws {
        let tars = try Tars()
        let packed = try tars.gzip(tars.whole)
        for place in packed.count - 8..<packed.count {
            var changed = packed
            changed[place] ^= 1
            #expect(throws: ArchiveError.self) { try tars.names(changed) }
            #expect(throws: ArchiveError.self) { try tars.names(Array(packed.prefix(place))) }
        }
    }

    @Test("several members are one archive, and one that is cut is an error")
    func members() throws {
        let tars = try Tars()
        let members = try [tars.whole.prefix(5000), tars.whole.dropFirst(5000)].map {
            try tars.gzip(Array($0))
        }
        #expect(try tars.names(members[0] + members[1]) == ["a", "b", "c"])
        let zeros = [UInt8](repeating: 0, count: 200_000)
        #expect(try tars.names(members[0] + members[1] + zeros) == ["a", "b", "c"])
        for count in [1, 5, 15, members[1].count - 4] {
            #expect(throws: ArchiveError.self) { try tars.names(members[0] + members[1].prefix(count)) }
        }
        let packed = try tars.gzip(tars.whole)
        for count in [1, 5, 15] {
            #expect(throws: ArchiveError.self) { try tars.names(packed + packed.prefix(count)) }
        }
    }

    @Test("of two tars put together both are read, packed with gzip or not")
    func concatenated() throws {
        let tars = try Tars()
        let packed = try tars.gzip(tars.whole)
        for bytes in [tars.whole + tars.whole, packed + packed] {
            #expect(try tars.names(bytes) == ["a", "b", "c", "a", "b", "c"])
        }
    }
}
