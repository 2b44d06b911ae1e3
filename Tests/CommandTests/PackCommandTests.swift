import Foundation
import TestSupport
import Testing
import VQAFeatures

@Suite struct PackCommandTests {
    @Test("of 1,000 files a truncated one is named and left out, and packed once it is whole")
    func truncatedFile() throws {
        let place = try PackingWorkplace(images: 1...1000, width: 8)
        try Data(contentsOf: URL(fileURLWithPath: place.file(500))).prefix(300)
            .write(to: URL(fileURLWithPath: place.file(500)))
        let outcome = try place.tool.run(place.command())
        #expect(outcome.exitCode == 0)
        let first = try place.summary(outcome)
        #expect((first.outcome, first.packed) == ("complete", 999))
        #expect(first.skipped.map(\.input) == [place.file(500)])
        #expect(first.skipped.map(\.reason) == [.damaged])
        #expect(outcome.errorOutput.contains("left out: \(place.file(500)): "))
        try place.expectStore(of: (1...1000).filter { $0 != 500 })

        try place.write(500, width: 8)
        let second = try place.pack()
        #expect((second.packed, second.kept, second.skipped.count) == (1, 999, 0))
        try place.expectStore(of: 1...1000)
    }

    @Test("thousands of files left out do not flood the screen")
    func manySkipped() throws {
        let place = try PackingWorkplace(images: [1], width: 8)
        for image in 2...2001 { try Data([1, 2, 3]).write(to: URL(fileURLWithPath: place.file(image))) }
        let outcome = try place.tool.run(place.command())
        #expect(outcome.exitCode == 0)
        #expect(outcome.errorLines.count < 20)
        #expect(outcome.errorOutput.contains("left out: 1990 more"))
        #expect(try place.summary(outcome).skipped.count == 2000)
        #expect(try FeatureStore(place.output).skipped.count == 2000)
    }

    @Test("of two files for an image, the second is named")
    func duplicate() throws {
        let place = try PackingWorkplace(images: 1...3, width: 8)
        let other = place.input + "/other_2.npz"
        try FileManager.default.copyItem(atPath: place.file(3), toPath: other)
        let summary = try place.pack()
        #expect(summary.skipped.map(\.input) == [other])
        #expect(summary.skipped.map(\.reason) == [.duplicate])
        try place.expectStore(of: 1...3)
    }

    @Test("an archive that ends early fails and is named; the whole one goes on from there")
    func cutArchive() throws {
        let place = try PackingWorkplace(images: 1...100)
        let archive = try place.archive()
        let whole = try Data(contentsOf: URL(fileURLWithPath: archive))
        try whole.prefix(whole.count * 3 / 4).write(to: URL(fileURLWithPath: archive))
        let outcome = try place.tool.run(place.command(archive))
        #expect(outcome.exitCode == 1)
        #expect(outcome.lastErrorLine.contains(archive))
        let first = try place.summary(outcome)
        #expect(first.outcome == "incomplete")
        #expect(first.endedEarly.count == 1)
        #expect(!FeatureStore.isFinished(place.output))

        try whole.write(to: URL(fileURLWithPath: archive))
        let second = try place.pack(archive)
        #expect(second.kept == first.packed)
        #expect(second.packed + second.kept == 100)
        try place.expectStore(of: 1...100)
    }

    @Test("a tar cut between two entries fails and is named, and leaves no store")
    func cutBetweenEntries() throws {
        let place = try PackingWorkplace(images: 1...3, width: 8)
        let archive = try place.archive()
        let gunzip = Process()
        gunzip.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        gunzip.arguments = ["gzip", "-d", archive]
        try gunzip.run()
        gunzip.waitUntilExit()
        let tar = place.tool.folder.file("npz.tar")
        let whole = try Data(contentsOf: URL(fileURLWithPath: tar))
        let header = try #require(whole.range(of: Data("npz/COCO_000000000003".utf8))).lowerBound
        try whole.prefix(header).write(to: URL(fileURLWithPath: tar))
        let outcome = try place.tool.run(place.command(tar))
        #expect(outcome.exitCode == 1)
        #expect(outcome.lastErrorLine.contains(tar))
        let summary = try place.summary(outcome)
        #expect((summary.outcome, summary.packed, summary.endedEarly.count) == ("incomplete", 2, 1))
        #expect(!FeatureStore.isFinished(place.output))
    }

    @Test("wrong arguments and input that is none are refused")
    func refusals() throws {
        let place = try PackingWorkplace(images: [1], width: 8)
        let text = try place.tool.folder.write("features.txt", "1")
        try place.tool.expectRefusal(place.command("/no/such/folder"), naming: "/no/such/folder")
        try place.tool.expectRefusal(place.command(text), naming: text, ".tsv")
        let file = try place.tool.folder.write("file", "1")
        try place.tool.expectRefusal(place.command(to: file), naming: file)
        for wrong in [
            ["pack", "--output", place.output], ["pack", "--input", place.input],
            place.command() + ["--dtype", "float64"], place.command() + ["--shard-size", "0"],
        ] {
            let outcome = try place.tool.run(wrong)
            #expect(outcome.exitCode != 0 && outcome.exitCode != nil)
            #expect(outcome.output.isEmpty)
        }
        #expect(!FeatureStore.isFinished(place.output))
    }

    @Test("a second process does not pack to the same folder")
    func twoProcesses() throws {
        let place = try PackingWorkplace(images: 1...400)
        let first = try place.tool.start(place.command())
        // The lock's file is there a moment before the lock is; a shard is there only behind it.
        try first.wait {
            let names = try? FileManager.default.contentsOfDirectory(atPath: place.output)
            return names?.contains { $0.hasPrefix("shard-") } ?? false
        }
        first.send(SIGSTOP)
        try place.tool.expectRefusal(place.command(), naming: place.output, "nobody else is packing")
        first.send(SIGCONT)
        #expect(try first.outcome().exitCode == 0)
        try place.expectStore(of: 1...400)
    }
}

/// Runs that are ended by whatever: they leave no store, and the next ones end as if nothing had happened.
@Suite(.serialized) struct PackInterruptionTests {
    private func shardCount(_ place: PackingWorkplace) -> Int {
        let names = try? FileManager.default.contentsOfDirectory(atPath: place.output)
        return names?.filter { $0.hasSuffix(".safetensors") }.count ?? 0
    }

    @Test("killed at any moment, again and again, the store is in the end the same to the byte")
    func killed() throws {
        let place = try PackingWorkplace(images: 1...300)
        try Data([1]).write(to: URL(fileURLWithPath: place.file(7)))
        let archive = try place.archive()
        let undisturbed = place.tool.folder.file("undisturbed")
        #expect(try place.tool.run(place.command(archive, to: undisturbed)).exitCode == 0)
        let expected = try place.files(in: undisturbed)
        #expect(expected.count > 12)

        func kill(milliseconds: UInt32 = 0, after condition: () -> Bool) throws {
            let run = try place.tool.start(place.command(archive))
            try run.wait(until: condition)
            usleep(milliseconds * 1000)
            run.send(SIGKILL)
            #expect(try run.outcome().exitCode == nil)
            #expect(!FeatureStore.isFinished(place.output))
        }
        try kill(milliseconds: 10) { true }
        try kill { FileManager.default.fileExists(atPath: place.output + "/.packing") }
        for count in [1, 2, 4, 7, 9] { try kill { shardCount(place) >= count } }
        // In the middle of writing a shard, whose half is left.
        try kill {
            let names = try? FileManager.default.contentsOfDirectory(atPath: place.output)
            return names?.contains { $0.hasSuffix(".partial") } ?? false
        }
        #expect(try place.pack(archive).kept > 0)
        #expect(try place.files() == expected)
    }

    @Test("Ctrl-C keeps what is done and leaves no store; the same command goes on")
    func interrupted() throws {
        let place = try PackingWorkplace(images: 1...300)
        let run = try place.tool.start(place.command())
        try run.wait { shardCount(place) >= 2 }
        run.send(SIGINT)
        let outcome = try run.outcome()
        #expect(outcome.exitCode == 130)
        #expect(outcome.lastErrorLine.contains("the same command goes on from here"))
        let first = try place.summary(outcome)
        #expect(first.outcome == "interrupted")
        #expect(first.packed >= 40 && first.packed < 300)
        #expect(!FeatureStore.isFinished(place.output))
        let second = try place.pack()
        #expect((second.kept, second.packed) == (first.packed, 300 - first.packed))
        try place.expectStore(of: 1...300)
    }

    @Test("where the system refuses to write, the file is named, and the next run goes on")
    func refusedWrite() throws {
        let place = try PackingWorkplace(images: 1...60)
        // No file beyond 512 KB: the first shard does not come to its end.
        let outcome = try place.tool.run(
            in: "trap '' XFSZ; ulimit -f 1024; exec \"$@\"", place.command())
        place.tool.expectOneErrorLine(
            outcome, naming: [place.output + "/shard-00000.safetensors", "File too large"])
        #expect(try place.files().isEmpty)
        #expect(try place.pack().packed == 60)
        try place.expectStore(of: 1...60)
    }

    @Test(
        "a full disk is named, what was written is kept, and the next run goes on",
        .enabled(if: SmallDisk.isPossible))
    func fullDisk() throws {
        let place = try PackingWorkplace(images: 1...100)
        let disk = try SmallDisk(at: place.output, megabytes: 3)
        let outcome = try place.tool.run(place.command())
        place.tool.expectOneErrorLine(outcome, naming: [place.output, "No space left on device"])
        #expect(!FeatureStore.isFinished(place.output))
        let kept = shardCount(place)
        #expect(kept > 0)
        try disk.grow(megabytes: 20)
        let summary = try place.pack()
        #expect(summary.kept >= 20 * kept)
        try place.expectStore(of: 1...100)
    }
}

/// A file system of a few megabytes in memory, for those who may mount one.
private final class SmallDisk {
    private let path: String

    /// Whether this process may mount file systems.
    static let isPossible: Bool = {
        guard let folder = try? TemporaryFolder() else { return false }
        return (try? SmallDisk(at: folder.file("disk"), megabytes: 1)) != nil
    }()

    init(at path: String, megabytes: Int) throws {
        self.path = path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try run("mount", "-t", "tmpfs", "-o", "size=\(megabytes)m", "tmpfs", path)
    }

    func grow(megabytes: Int) throws { try run("mount", "-o", "remount,size=\(megabytes)m", path) }

    private func run(_ arguments: String...) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw CocoaError(.fileWriteNoPermission) }
    }

    deinit { try? run("umount", path) }
}
