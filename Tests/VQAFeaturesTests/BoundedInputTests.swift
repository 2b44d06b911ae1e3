import Archives
import Foundation
import TestSupport
import Testing
import Torch
@testable import VQAFeatures

/// Files of features that ask for more than they hold.
@Suite struct BoundedInputTests {
    @Test(
        "an array that states more bytes than any image's features have is refused, and left out by packing")
    func largeArray() throws {
        let folders = try PackingFolders(images: [1, 2])
        // The first entry of the zip's directory: its length when unpacked stands 24 bytes behind the mark.
        var bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: folders.file(1))))
        let mark = try #require(
            bytes.indices.first { bytes[$0...].starts(with: [0x50, 0x4B, 1, 2]) })
        let stated = withUnsafeBytes(of: UInt32(NPZFile.largestArray + 1).littleEndian) { Array($0) }
        bytes.replaceSubrange(mark + 24..<mark + 28, with: stated)
        try Data(bytes).write(to: URL(fileURLWithPath: folders.file(1)))
        let error = #expect(throws: ArchiveError.self) {
            try RegionFeatures(officialFile: folders.file(1))
        }
        #expect(error?.reason == .entryTooLarge(entry: "x.npy", byteLimit: NPZFile.largestArray))
        let report = try folders.pack()
        #expect(report.skipped.map(\.message) == ["\(try #require(error))"])
        try folders.expectStore(of: [2])
    }

    @Test("a file of features of nothing but holes is refused unread")
    func holes() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("1.npz", "PK")
        try #require(truncate(path, 1 << 40) == 0)
        #expect(throws: ArchiveError.self) { try RegionFeatures(officialFile: path) }
    }

    @Test("files that state more bytes together than can be counted are left out")
    func manyHoles() throws {
        let folders = try PackingFolders(images: [3])
        for image in [1, 2] {
            try folders.write(image)
            // As long as the file system lets a file be.
            var length = Int.max
            while truncate(folders.file(image), length) != 0, length > 1 { length /= 2 }
        }
        let report = try folders.pack()
        #expect(report.skipped.count == 2)
        try folders.expectStore(of: [3])
    }

    @Test("any number of threads packs what memory is taken for piece by piece")
    func budget() throws {
        let folders = try PackingFolders(images: Array(1...20))
        var packer = FeaturePacker()
        packer.precision = .float32
        packer.workers = 32
        _ = try packer.pack([folders.archive()], into: folders.output)
        try folders.expectStore(of: Array(1...20))
    }

    @Test("an index of a store that has no end is refused")
    func endlessIndex() throws {
        let folders = try PackingFolders(images: [1])
        try folders.pack()
        let index = folders.output + "/index.json"
        try FileManager.default.removeItem(atPath: index)
        try FileManager.default.createSymbolicLink(atPath: index, withDestinationPath: "/dev/zero")
        #expect(throws: FeatureStoreError.self) { try FeatureStore(folders.output) }
    }

    @Test(
        "names longer than a path stand for no image, and are not shown in full",
        arguments: ImageNaming.allCases)
    func longNames(naming: ImageNaming) throws {
        for name in [
            "39318" + String(repeating: ".0", count: 200_000), String(repeating: ".png", count: 200_000),
        ] {
            #expect(naming.image(fileName: name) == nil)
            #expect(naming.key(fileName: name) == nil)
            #expect(naming.problem(with: name).hasSuffix("found one of \(name.utf8.count)"))
        }
        #expect(ImageNaming.number.image(fileName: "39318.0.0.npz")?.rawValue == 39318)
    }

    @Test("a line of nothing but tabs is split into no more columns than there can be")
    func tabs() {
        let row = BottomUpAttentionRow(
            [UInt8](repeating: 9, count: 1000), file: URL(fileURLWithPath: "a.tsv"), line: 3)
        let error = #expect(throws: (any Error).self) { try row.features() }
        #expect(error.map { "\($0)" }?.hasSuffix("line 3: expected 6 or 10 columns, found more") == true)
    }

    @Test("a shard of features as wide as no memory is refused")
    func wideShard() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("shard-00000.safetensors")
        // Without rows, any width takes no bytes.
        let header =
            #"{"features":{"dtype":"F16","shape":[0,4611686018427387904],"data_offsets":[0,0]}}"#
        let length = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) }
        _ = try folder.write("shard-00000.safetensors", length + Array(header.utf8))
        let error = #expect(throws: FeatureStoreError.self) { try FeatureShard(path: path) }
        #expect(error?.expected == "'features' of float16 or float32 [rows, width]")
    }

    @Test("a shard of the last number that there is is none, for no other could follow it")
    func lastShard() {
        #expect(FeatureShardWriter.number(fileName: "shard-00007.safetensors") == 7)
        #expect(FeatureShardWriter.number(fileName: "shard-\(Int.max).safetensors") == nil)
    }

    @Test("the number of boxes is one number before it is anything else")
    func manyBoxes() throws {
        let folder = try TemporaryFolder()
        try NPZFile.write(
            ["a": NPYArray([1, 2] as [Int64], shape: [2])], to: folder.file("a.npz"))
        #expect(throws: NPZError.self) { try NPZFile(path: folder.file("a.npz")).integer("a") }
    }
}
