import Foundation
import TestSupport
import Testing
@testable import FileSystem
@testable import VQAFeatures

/// Input that is not what it should be, and what is in the folder already.
@Suite struct PackingDamageTests {
    @Test("a tar cut before an entry makes no store, and what was good is kept")
    func tarCutBetweenEntries() throws {
        let folders = try PackingFolders(images: Array(1...4))
        let gzip = Process()
        gzip.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        gzip.arguments = ["gzip", "-d", try folders.archive()]
        try gzip.run()
        gzip.waitUntilExit()
        let path = folders.temporary.file("npz.tar")
        let tar = try folders.temporary.bytes(of: "npz.tar")
        let name = Array("npz/COCO_000000000003.jpg.npz".utf8)
        let header = try #require(
            stride(from: 0, to: tar.count, by: 512).first { tar[$0...].starts(with: name) })
        try Data(tar.prefix(header)).write(to: URL(fileURLWithPath: path))
        let report = try folders.pack([path])
        #expect(report.outcome == .incomplete)
        #expect(report.packedCount == 2)
        #expect(report.endedEarly.count == 1)
        #expect(try #require(report.endedEarly.first).hasPrefix(path + ": "))
        #expect(!FeatureStore.isFinished(folders.output))
    }

    @Test("a link to nowhere and a file without a number are named and left out")
    func strangeFiles() throws {
        let folders = try PackingFolders(images: [1, 2])
        try FileManager.default.createSymbolicLink(
            atPath: folders.file(3), withDestinationPath: "/no/such/file")
        let numberless = folders.input + "/notes.npz"
        try madeUpRegions(1).writeOfficialFile(to: numberless)
        let report = try folders.pack()
        #expect(report.outcome == .complete)
        #expect(report.skipped.map(\.input) == [folders.file(3), numberless])
        #expect(
            report.skipped.last?.message
                == "\(numberless): expected an image's number in the name, found none")
        try folders.expectStore(of: [1, 2])
    }

    @Test("where most images have another width than the first, there is no store")
    func firstWidthIsWrong() throws {
        let folders = try PackingFolders(images: [2, 3])
        try folders.write(1, madeUpRegions(1, width: 5))
        let error = #expect(throws: FeatureStoreError.self) { try folders.pack() }
        let found = try #require(error).found
        #expect(found.hasPrefix("1 images with that width, 2 with 4: "))
        #expect(!FeatureStore.isFinished(folders.output))
    }

    @Test("an image without regions does not say how wide features are, and is stored all the same")
    func noRegions() throws {
        let folders = try PackingFolders(images: [2, 3])
        for (image, width) in [(1, 1), (4, 9)] {
            try folders.write(image, madeUpRegions(image, count: 0, width: width))
        }
        let report = try folders.pack()
        #expect(report.skipped.isEmpty)
        let store = try FeatureStore(folders.output)
        #expect(store.width == 4)
        #expect(store.imageIDs.sorted().map(\.rawValue) == [1, 2, 3, 4])
        for image in [1, 4] { #expect(try store.features(for: ImageID(rawValue: Int64(image))).count == 0) }
        #expect(try store.features(for: ImageID(rawValue: 3)) == madeUpRegions(3))
    }

    @Test("features of an absurd width are left out")
    func absurdWidth() throws {
        let folders = try PackingFolders(images: [2, 3])
        try folders.write(1, madeUpRegions(1, count: 1, width: (1 << 20) + 1))
        let report = try folders.pack()
        #expect(
            report.skipped.map(\.message) == [
                "\(folders.file(1)): expected features at most 1048576 wide, found 1048577"
            ])
        try folders.expectStore(of: [2, 3])
    }

    @Test("features made in another way are not added to those that are there")
    func otherNote() throws {
        let folders = try PackingFolders(images: [1, 2])
        let note = URL(fileURLWithPath: folders.input + "/" + FeatureNote.fileName)
        try Data("{\"blocks\":\n [5]}".utf8).write(to: note)
        #expect(try folders.pack(stoppingAfter: 2).packedCount == 2)
        try folders.write(3)
        #expect(try folders.pack().packedCount == 1)
        try Data("{\"blocks\": [6]}".utf8).write(to: note)
        try folders.write(4)
        let error = #expect(throws: FeatureStoreError.self) { try folders.pack() }
        #expect(
            try #require(error).description
                == "\(folders.output): expected features made as those in it: {\"blocks\": [5]}, "
                + "found {\"blocks\": [6]} in \(folders.input)")
        try FileManager.default.removeItem(at: note)
        #expect(throws: FeatureStoreError.self) { try folders.pack() }
        try folders.expectStore(of: [1, 2, 3])
        let kept = try folders.temporary.bytes(of: "npz.packed/" + FeatureNote.fileName)
        #expect(String(decoding: kept, as: UTF8.self) == "{\"blocks\":\n [5]}")
    }

    @Test("checking what is there shows how far it is and can be stopped")
    func checkIsStopped() throws {
        let folders = try PackingFolders(images: Array(1...6))
        try folders.pack()
        var shares: [Double] = []
        let report = try FeaturePacker.singlePrecision.pack(
            [folders.input], into: folders.output, onCheck: { shares.append($0) },
            shouldStop: { shares.last ?? 0 > 0.5 })
        #expect(report.outcome == .interrupted)
        #expect(shares == shares.sorted())
        #expect(shares.count > 1 && shares.allSatisfy { 0 < $0 && $0 < 1 })
        #expect(report.removedShards.isEmpty)
        try folders.expectStore(of: Array(1...6))
    }
}

extension FeaturePacker {
    fileprivate static var singlePrecision: FeaturePacker {
        var packer = FeaturePacker()
        packer.precision = .float32
        return packer
    }
}

@Suite struct ChecksumTests {
    private func checksum(_ words: [UInt64]) -> String {
        words.withUnsafeBytes { Checksum.text(of: $0) }
    }

    @Test("two changes of the same bit are noticed, whichever bit it is")
    func everyBitCounts() {
        let words: [UInt64] = (1...64).map { $0 &* 0x9e37_79b9_7f4a_7c15 }
        let expected = checksum(words)
        for bit in 0..<64 {
            for (first, second) in [(0, 1), (0, 63), (31, 32), (62, 63)] {
                var changed = words
                changed[first] ^= 1 << bit
                #expect(checksum(changed) != expected)
                changed[second] ^= 1 << bit
                #expect(checksum(changed) != expected)
            }
        }
    }

    @Test("a store of an older format is refused, and nothing of it is removed")
    func olderFormat() throws {
        let folders = try PackingFolders(images: [1, 2, 3])
        try folders.pack()
        let shard = folders.output + "/shard-00000.safetensors"
        for file in [shard, folders.output + "/index.json"] {
            var bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: file)))
            let name = Array("rwsan feature store ".utf8)
            let start = try #require(bytes.indices.first { bytes[$0...].starts(with: name) })
            bytes[start + name.count] = UInt8(ascii: "1")
            try Data(bytes).write(to: URL(fileURLWithPath: file))
        }
        let found = "'rwsan feature store 1': remove the folder and pack it again"
        #expect(#expect(throws: FeatureStoreError.self) { try FeatureStore(folders.output) }?.found == found)
        let error = #expect(throws: FeatureStoreError.self) { try folders.pack() }
        #expect(try #require(error).found == found)
        #expect(try #require(error).path == shard)
        #expect(try folders.shards().count == 2)
    }
}
