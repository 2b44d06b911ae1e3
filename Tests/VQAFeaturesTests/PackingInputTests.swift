import Archives
import Foundation
import Synchronization
import TestSupport
import Testing
@testable import VQAFeatures

/// What input is told by, and what is in folders and archives beside features.
@Suite struct PackingInputTests {
    /// Archives the files of a folder without the folder, as users do who are in it.
    private func run(_ command: String, in folder: String) throws {
        let shell = Process()
        shell.executableURL = URL(fileURLWithPath: "/bin/sh")
        shell.arguments = ["-c", "cd \"$1\" && \(command)", "sh", folder]
        try shell.run()
        shell.waitUntilExit()
        try #require(shell.terminationStatus == 0)
    }

    /// The input as a zip, each file as it is.
    private func zip(_ folders: PackingFolders, _ images: [Int], others: [String: [UInt8]] = [:]) throws
        -> String
    {
        let path = folders.temporary.file("npz.zip")
        let writer = try ZipWriter(path: path, compression: .store)
        for (name, contents) in others.sorted(by: { $0.key < $1.key }) {
            try writer.add(name: name, contents: contents)
        }
        for image in images {
            let name = URL(fileURLWithPath: folders.file(image)).lastPathComponent
            try writer.add(
                name: "npz/" + name,
                contents: [UInt8](Data(contentsOf: URL(fileURLWithPath: folders.file(image)))))
        }
        try writer.finish()
        return path
    }

    @Test("a zip of npz files is packed as their folder would be, whatever its name")
    func zipArchive() throws {
        let folders = try PackingFolders(images: Array(1...5))
        let archive = folders.temporary.file("features.bin")
        try FileManager.default.moveItem(atPath: zip(folders, Array(1...5)), toPath: archive)
        #expect(try folders.pack([archive]).outcome == .complete)
        try folders.expectStore(of: Array(1...5))
    }

    @Test("archives and tables are told by their content", arguments: ["tar", "tar.gz", "tsv"])
    func otherNames(kind: String) throws {
        let folders = try PackingFolders(images: [1, 2])
        let input = folders.temporary.file("download")
        switch kind {
        case "tar": try run("tar -cf \(input) *", in: folders.input)
        case "tar.gz": try run("tar -czf \(input) *", in: folders.input)
        default:
            func text(_ floats: [Float]) -> String {
                floats.withUnsafeBytes { Data($0).base64EncodedString() }
            }
            let rows = try (1...2).map { image in
                let regions = try madeUpRegions(image)
                return "\(image)\t\(regions.imageWidth)\t\(regions.imageHeight)\t3\t\(text(regions.boxes))"
                    + "\t\(text(regions.features))\n"
            }
            _ = try folders.temporary.write("download", rows.joined())
        }
        #expect(try folders.pack([input]).outcome == .complete)
        try folders.expectStore(of: [1, 2])
    }

    @Test("what is no input is named for what it seems to be")
    func unknownKinds() throws {
        let folders = try PackingFolders(images: [1])
        func found(_ input: String) throws -> String {
            try #require(#expect(throws: FeatureStoreError.self) { try folders.pack([input]) }).found
        }
        #expect(try found(folders.file(1)) == "the .npz file of one image: give its folder")
        let page = try folders.temporary.write("page.tar.gz", "<!DOCTYPE html><title>404</title>")
        #expect(try found(page) == "a page of HTML or XML")
        let pointer = "version https://git-lfs.github.com/spec/v1\n"
        #expect(
            try found(folders.temporary.write("pointer.tsv", pointer))
                == "a pointer of Git LFS, not the file it stands for")
        #expect(
            try found(folders.temporary.write("x.npz", [1, 2, 0xFF])) == "bytes that start with 01 02 ff")
    }

    @Test(
        "an archive cut off early keeps what is whole, however small it is",
        arguments: ["tar", "tar.gz", "zip"])
    func smallCutArchive(kind: String) throws {
        let folders = try PackingFolders(images: Array(1...9))
        let archive: String
        switch kind {
        case "zip": archive = try zip(folders, Array(1...9))
        case "tar":
            archive = folders.temporary.file("npz.tar")
            try run("tar --sort=name -cf \(archive) *", in: folders.input)
        default: archive = try folders.archive()
        }
        try folders.cut(archive, to: 0.6)
        let report = try folders.pack([archive])
        #expect(report.outcome == .incomplete)
        #expect(2...7 ~= report.packedCount)
        #expect(report.endedEarly.count == 1)
        let problem = "\(archive): the archive is damaged or incomplete: "
        #expect(
            try #require(report.endedEarly.first).hasPrefix(
                problem + (kind == "tar.gz" ? "the gzip data" : "")))
        #expect(!FeatureStore.isFinished(folders.output))
    }

    @Test("an archive of which next to nothing has come, and an empty one, end early and keep other input")
    func nearlyNothing() throws {
        for byteCount in [0, 2, 12] {
            let folders = try PackingFolders(images: [1, 2])
            let archive = try folders.archive()
            let whole = try Data(contentsOf: URL(fileURLWithPath: archive))
            try whole.prefix(byteCount).write(to: URL(fileURLWithPath: archive))
            let report = try folders.pack([archive, folders.input])
            #expect(report.outcome == .incomplete)
            #expect(report.packedCount == 2)
            #expect(
                report.endedEarly == [
                    byteCount == 0
                        ? "\(archive): expected features to pack, found an empty file"
                        : "\(archive): the archive is damaged or incomplete: the gzip data end early"
                ])
        }
    }

    @Test("a zip that is cut between two entries is not taken for whole")
    func zipWithoutDirectory() throws {
        let folders = try PackingFolders(images: Array(1...3))
        let archive = try zip(folders, Array(1...3))
        let bytes = try folders.temporary.bytes(of: "npz.zip")
        let directory = bytes.suffix(6).prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
        try Data(bytes.prefix(directory)).write(to: URL(fileURLWithPath: archive))
        let report = try folders.pack([archive])
        #expect(report.outcome == .incomplete)
        #expect(2...3 ~= report.packedCount)
        #expect(report.endedEarly.count == 1)
    }

    @Test(
        "what macOS and others hide in folders and archives is passed over in silence",
        arguments: ["folder", "tar", "zip"])
    func hiddenFiles(kind: String) throws {
        let folders = try PackingFolders(images: [1, 2])
        let hidden = ["._COCO_000000000001.jpg.npz", ".DS_Store", ".cache_7.npz"]
        var input = folders.input
        switch kind {
        case "zip":
            let entries =
                hidden.map { "npz/" + $0 } + ["__MACOSX/npz/._COCO_000000000001.jpg.npz", "__MACOSX/8.npz"]
            input = try zip(
                folders, [1, 2], others: Dictionary(uniqueKeysWithValues: entries.map { ($0, [1, 2]) }))
        default:
            for name in hidden { _ = try folders.temporary.write("npz/" + name, [1, 2]) }
            if kind == "tar" { input = try folders.archive() }
        }
        let report = try folders.pack([input])
        #expect(report.outcome == .complete)
        #expect(report.skipped.isEmpty)
        try folders.expectStore(of: [1, 2])
    }

    @Test(
        "names of which it is not certain, or that are not UTF-8, are named and left out",
        arguments: ["folder", "tar.gz"])
    func uncertainNames(kind: String) throws {
        let folders = try PackingFolders(images: [1, 2])
        let copy = "COCO_000000000002.jpg (1).npz"
        try FileManager.default.copyItem(atPath: folders.file(1), toPath: folders.input + "/" + copy)
        var names = [folders.input + "/" + copy]
        if kind == "folder" {
            let invalid = try folders.temporary.copyToLatin1Name(folders.file(1), "_3.npz", in: folders.input)
            names.append(folders.input + "/" + invalid)
        }
        let input = kind == "folder" ? folders.input : try folders.archive()
        if kind != "folder" { names = ["\(input): npz/\(copy)"] }
        let report = try folders.pack([input])
        #expect(report.outcome == .complete)
        #expect(report.skipped.map(\.input) == names)
        try folders.expectStore(of: [1, 2])
    }
}

@Suite struct FolderBehindStoreTests {
    private func sources(_ folders: PackingFolders, _ notices: Notices) throws -> CombinedFeatures {
        let folder = FolderBehindStore(
            folder: folders.input, store: folders.output, maximumRegions: 100, onNotice: notices.add)
        return CombinedFeatures([try FeatureStore(folders.output), folder])
    }

    @Test("images that a store lacks are read from its folder, which is told once")
    func lackingImages() throws {
        let folders = try PackingFolders(images: [1, 2])
        try folders.pack()
        for image in [3, 4] { try folders.write(image) }
        let notices = Notices()
        let features = try sources(folders, notices)
        let images = (1...5).map { ImageID(rawValue: Int64($0)) }
        #expect(features.missing(images.prefix(2)).isEmpty)
        #expect(notices.all.isEmpty)
        #expect(features.missing(images) == [images[4]])
        #expect(try features.features(for: images[2]) == madeUpRegions(3))
        #expect(try features.regionCount(of: images[3]) == 3)
        #expect(notices.all.count == 1)
        #expect(features.place == "\(folders.output), \(folders.input)")
    }

    @Test("a folder of features made in another way is not mixed with a store's")
    func otherFeatures() throws {
        let folders = try PackingFolders(images: [1, 2])
        try folders.pack()
        try folders.write(3)
        _ = try folders.temporary.write("npz/" + FeatureNote.fileName, "{}")
        let notices = Notices()
        let features = try sources(folders, notices)
        #expect(features.missing([ImageID(rawValue: 3)]).count == 1)
        #expect(notices.all.isEmpty)
        #expect(features.place.contains("expected features made as those in \(folders.output)"))
    }
}

/// What is told, by any thread.
private final class Notices: Sendable {
    private let texts = Mutex<[String]>([])
    var all: [String] { texts.withLock { $0 } }
    @Sendable func add(_ text: String) { texts.withLock { $0.append(text) } }
}
