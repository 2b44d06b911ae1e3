import Foundation
import TestSupport
import Testing

@testable import Archives

@Suite struct ZipWriterTests {
    @Test(
        "what is written is read back, compressed or stored",
        arguments: [ZipWriter.Compression.deflate, .store])
    func roundTrip(compression: ZipWriter.Compression) throws {
        let folder = try TemporaryFolder()
        let writer = try ZipWriter(path: folder.file("a.zip"), compression: compression)
        let long = [UInt8](repeating: 7, count: 300_000)
        try writer.add(name: "x.npy", contents: long)
        try writer.add(name: "empty", contents: [])
        try writer.add(name: "größe.txt", contents: [1])
        try writer.finish()

        let reader = try ArchiveReader(path: folder.file("a.zip"))
        #expect(
            try reader.nextEntry() == ArchiveEntry(path: "x.npy", byteCount: 300_000, isRegularFile: true))
        #expect(try reader.readContents(byteLimit: 300_000) == long)
        #expect(try reader.nextEntry()?.path == "empty")
        #expect(try reader.readContents(byteLimit: 0).isEmpty)
        #expect(try reader.nextEntry()?.path == "größe.txt")
        #expect(try reader.readContents(byteLimit: 1) == [1])
        #expect(try reader.nextEntry() == nil)
        #expect((try folder.bytes(of: "a.zip").count < 10_000) == (compression == .deflate))
    }

    @Test("a writer that is not finished leaves the old file and nothing else")
    func abandoned() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("a.zip", "old".utf8)
        do {
            let writer = try ZipWriter(path: path)
            try writer.add(name: "x", contents: [1, 2, 3])
            #expect(try folder.names().count == 2)
        }
        #expect(try folder.names() == ["a.zip"])
        #expect(try folder.bytes(of: "a.zip") == Array("old".utf8))
    }

    @Test("a pipe gets nothing that looks whole from a writer that is thrown away")
    func discardedPipe() throws {
        let folder = try TemporaryFolder()
        #expect(mkfifo(folder.file("pipe"), 0o600) == 0)
        let reader = open(folder.file("pipe"), O_RDONLY | O_NONBLOCK)
        defer { close(reader) }
        do {
            let writer = try ZipWriter(path: folder.file("pipe"))
            try writer.add(name: "x", contents: [1])
        }
        var bytes = [UInt8](repeating: 0, count: 20)
        #expect(read(reader, &bytes, bytes.count) == 0)
    }

    @Test("a finished file replaces the old one and leaves no temporary file")
    func finished() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("a.zip", "old".utf8)
        let writer = try ZipWriter(path: path)
        try writer.add(name: "new", contents: [1])
        try writer.finish()
        #expect(try folder.names() == ["a.zip"])
        #expect(try ArchiveReader(path: path).nextEntry()?.path == "new")
        #expect(throws: ArchiveError.self) { try writer.add(name: "late", contents: []) }
    }

    @Test(
        "a full disk is an error and leaves nothing behind",
        .enabled(if: FileManager.default.fileExists(atPath: "/dev/full")))
    func fullDisk() throws {
        let folder = try TemporaryFolder()
        let file = AtomicFile(
            path: folder.file("a.zip"), temporaryPath: folder.file("a.partial"),
            descriptor: open("/dev/full", O_WRONLY))
        let writer = try ZipWriter(file: file, compression: .store)
        let error = #expect(throws: ArchiveError.self) {
            try writer.add(name: "x", contents: [UInt8](repeating: 1, count: 1 << 20))
            try writer.finish()
        }
        #expect(try #require(error).description.contains("No space left on device"))
        #expect(try folder.names().isEmpty)
    }

    @Test("a folder that is not there is an error naming the file")
    func missingFolder() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("nowhere/a.zip")
        #expect(throws: ArchiveError(file: path, reason: .unwritable("No such file or directory"))) {
            try ZipWriter(path: path)
        }
    }

    @Test("an atomic file is invisible under its name until it is committed", arguments: [true, false])
    func atomicFile(durably: Bool) throws {
        let folder = try TemporaryFolder()
        let file = try AtomicFile(path: folder.file("answers.json"))
        try file.write([UInt8]("[1, ".utf8))
        try file.write(Data("2]".utf8))
        #expect(try !folder.names().contains("answers.json"))
        try file.commit(durably: durably)
        #expect(try folder.names() == ["answers.json"])
        #expect(try folder.bytes(of: "answers.json") == Array("[1, 2]".utf8))
    }

    @Test("a link stays a link, and what it points to is replaced")
    func link() throws {
        let folder = try TemporaryFolder()
        _ = try folder.write("target", "old")
        try FileManager.default.createSymbolicLink(
            atPath: folder.file("link"), withDestinationPath: folder.file("target"))
        let file = try AtomicFile(path: folder.file("link"))
        try file.write(Data("new".utf8))
        try file.commit()
        #expect(try folder.bytes(of: "target") == Array("new".utf8))
        let kind = try FileManager.default.attributesOfItem(atPath: folder.file("link"))[.type]
        #expect(kind as? FileAttributeType == .typeSymbolicLink)
        #expect(try folder.names() == ["link", "target"])
    }

    @Test("a pipe is written to and stays a pipe; a folder cannot be written to")
    func pipeAndFolder() throws {
        let folder = try TemporaryFolder()
        #expect(mkfifo(folder.file("pipe"), 0o600) == 0)
        let reader = open(folder.file("pipe"), O_RDONLY | O_NONBLOCK)
        defer { close(reader) }
        let file = try AtomicFile(path: folder.file("pipe"))
        try file.write(Data("answers".utf8))
        try file.commit()
        var bytes = [UInt8](repeating: 0, count: 20)
        #expect(read(reader, &bytes, bytes.count) == 7)
        #expect(bytes.prefix(7) == Array("answers".utf8)[...])
        #expect(try folder.names() == ["pipe"])
        #expect(throws: ArchiveError(file: folder.path, reason: .unwritable("Is a directory"))) {
            try AtomicFile(path: folder.path)
        }
    }
}
