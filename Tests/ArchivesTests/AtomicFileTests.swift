import Foundation
import TestSupport
import Testing

@testable import Archives

/// What files that appear whole leave where a process is killed, and how several write one.
@Suite struct AtomicFileTests {
    private let folder: TemporaryFolder
    private let path: String

    init() throws {
        folder = try TemporaryFolder()
        path = folder.file("a.json")
    }

    @Test("what a killed process has left is gone when the file is written the next time")
    func leftOver() throws {
        _ = try folder.write("a.json.partial", "half of something longer")
        let file = try AtomicFile(path: path)
        #expect(try folder.names() == ["a.json.partial"])
        try file.write(Data("new".utf8))
        try file.commit()
        #expect(try folder.names() == ["a.json"])
        #expect(try folder.bytes(of: "a.json") == Array("new".utf8))
    }

    @Test("what is left of a process that is killed in the middle is one file, which the next takes over")
    func killed() throws {
        for _ in 0..<3 {
            let child = Process()
            child.executableURL = URL(fileURLWithPath: "/bin/sh")
            // As a process that is killed: the lock is let go of, and the file stays.
            child.arguments = [
                "-c", "exec 9>>\"$1.partial\"; flock -n 9 || exit 1; echo half >&9", "sh", path,
            ]
            try child.run()
            child.waitUntilExit()
            #expect(child.terminationStatus == 0)
            #expect(try folder.names() == ["a.json.partial"])
        }
        do { _ = try AtomicFile(path: path) }
        #expect(try folder.names().isEmpty)
    }

    @Test("two who write one file at once do not get into each other's way, and nothing is left")
    func twoAtOnce() throws {
        let (first, second) = (try AtomicFile(path: path), try AtomicFile(path: path))
        #expect(try folder.names().count == 2)
        try first.write(Data("first".utf8))
        try second.write(Data("second".utf8))
        try first.commit()
        #expect(try folder.bytes(of: "a.json") == Array("first".utf8))
        // The one that is let go of last holds what was renamed: it stays as it is.
        let third = try AtomicFile(path: path)
        #expect(try folder.bytes(of: "a.json") == Array("first".utf8))
        try third.write(Data("third".utf8))
        try third.commit()
        try second.commit()
        #expect(try folder.names() == ["a.json"])
        #expect(try folder.bytes(of: "a.json") == Array("second".utf8))
    }

    @Test("a link, a second name of a file, or a folder in the place of what is left is not written to")
    func otherThings() throws {
        let other = try folder.write("other", "precious")
        let place = folder.file("a.json.partial")
        let makers: [() throws -> Void] = [
            { try FileManager.default.createSymbolicLink(atPath: place, withDestinationPath: other) },
            { try FileManager.default.linkItem(atPath: other, toPath: place) },
            { try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true) },
        ]
        for make in makers {
            try make()
            let file = try AtomicFile(path: path)
            try file.write(Data("new".utf8))
            try file.commit()
            #expect(try folder.names() == ["a.json", "a.json.partial", "other"])
            #expect(try folder.bytes(of: "other") == Array("precious".utf8))
            try FileManager.default.removeItem(atPath: place)
        }
    }

    @Test("what was left is removed by name, and what somebody is writing is not")
    func removal() throws {
        let (first, second) = (try AtomicFile(path: path), try AtomicFile(path: path))
        let left = try folder.write("b.json.1abc.partial", "half")
        for name in try folder.names() { AtomicFile.removeLeftOver(folder.file(name)) }
        #expect(!FileManager.default.fileExists(atPath: left))
        #expect(try folder.names().count == 2)
        withExtendedLifetime((first, second)) {}
    }
}
