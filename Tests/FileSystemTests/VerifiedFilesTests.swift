import Foundation
import TestSupport
import Testing
@testable import FileSystem

/// Files that were verified, remembered from one process to the next.
@Suite struct VerifiedFilesTests {
    private let folder: TemporaryFolder
    private let memory: VerifiedFiles

    init() throws {
        folder = try TemporaryFolder()
        memory = VerifiedFiles(path: folder.file("cache/verified.json"))
    }

    private func identity(_ name: String) -> FileIdentity {
        FileIdentity(URL(fileURLWithPath: folder.file(name)))
    }

    private func remember(_ names: [String]) {
        memory.remember(names.map(identity)) { Issue.record("\($0)") }
    }

    private var remembered: Set<FileIdentity> { memory.identities { Issue.record("\($0)") } }

    @Test("a file is remembered until it is changed, one that is gone is dropped")
    func changes() throws {
        #expect(remembered.isEmpty)
        for name in ["a", "b", "c"] { _ = try folder.write(name, name) }
        remember(["a", "b"])
        #expect(remembered == [identity("a"), identity("b")])
        _ = try folder.write("b", "other")
        #expect(!remembered.contains(identity("b")))
        try FileManager.default.removeItem(atPath: folder.file("a"))
        remember(["c"])
        #expect(remembered == [identity("c")])
    }

    @Test("a file that has been changed since it was read is not remembered")
    func changedMeanwhile() throws {
        _ = try folder.write("a", "before")
        let before = identity("a")
        usleep(60_000)
        _ = try folder.write("a", "after")
        memory.remember([before]) { Issue.record("\($0)") }
        #expect(remembered.isEmpty)
    }

    @Test(
        "a damaged memory is told in one line, and replaced", arguments: ["", "{\"version\": 1, \"fi", "[]"])
    func damaged(text: String) throws {
        _ = try folder.write("a", "a")
        remember(["a"])
        try Data(text.utf8).write(to: URL(fileURLWithPath: memory.path))
        var notices: [String] = []
        #expect(memory.identities { notices.append($0) }.isEmpty)
        #expect(notices.count == 1)
        #expect(notices.allSatisfy { $0.contains(memory.path) && !$0.contains("\n") })
        remember(["a"])
        #expect(remembered == [identity("a")])
    }

    @Test("the memory of another version counts as none")
    func otherVersion() throws {
        _ = try folder.write("a", "a")
        remember(["a"])
        let text = try String(contentsOfFile: memory.path, encoding: .utf8)
        try Data(text.replacing("\"version\":1", with: "\"version\":2").utf8)
            .write(to: URL(fileURLWithPath: memory.path))
        #expect(remembered.isEmpty)
    }

    @Test("a memory that cannot be written is told in one line")
    func unwritable() throws {
        _ = try folder.write("a", "a")
        // A file where the folder should be.
        let memory = VerifiedFiles(path: try folder.write("b", "") + "/verified.json")
        var notices: [String] = []
        memory.remember([identity("a")]) { notices.append($0) }
        #expect(notices.count == 1)
        #expect(notices.allSatisfy { $0.contains(memory.path) && !$0.contains("\n") })
    }

    @Test("any number may remember at once, and what is there is always whole")
    func together() async throws {
        let names = (0..<24).map { "file\($0)" }
        for name in names { _ = try folder.write(name, name) }
        usleep(60_000)
        let (memory, identities) = (memory, names.map(identity))
        await withTaskGroup(of: Void.self) { group in
            for identity in identities {
                group.addTask {
                    memory.remember([identity]) { Issue.record("\($0)") }
                    _ = memory.identities { Issue.record("\($0)") }
                }
            }
        }
        #expect(!remembered.isEmpty && remembered.isSubset(of: identities))
        remember(names)
        #expect(remembered == Set(identities))
    }

    @Test("the files remembered last are kept where there are too many")
    func limit() throws {
        let names = (0..<VerifiedFiles.limit + 2).map { "file\($0)" }
        for name in names { _ = try folder.write(name, "") }
        remember(Array(names.prefix(2)))
        remember(Array(names.dropFirst(2)))
        #expect(remembered == Set(names.dropFirst(2).map(identity)))
    }
}
