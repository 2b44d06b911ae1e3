import Archives
import Foundation
import TestSupport
import Testing
@testable import VQAFeatures

@Suite struct FeaturePackerTests {
    @Test("where there is no memory for shards, packing is refused before it begins")
    func noMemory() throws {
        let folders = try PackingFolders(images: [1])
        var packer = FeaturePacker()
        packer.shardByteCount = 1 << 55
        let error = #expect(throws: FeatureStoreError.self) {
            try packer.pack([folders.input], into: folders.output)
        }
        #expect(try #require(error).description.contains("--shard-size can be smaller"))
    }

    @Test("a folder of npz files becomes a store of several shards", arguments: FeaturePrecision.allCases)
    func packsFolder(precision: FeaturePrecision) throws {
        let folders = try PackingFolders(images: Array(1...7))
        let report = try folders.pack(as: precision)
        #expect(report.outcome == .complete)
        #expect((report.packedCount, report.keptCount) == (7, 0))
        #expect(try folders.shards().count == 4)
        #expect(try FeatureStore(folders.output).precision == precision)
        try folders.expectStore(of: Array(1...7))
    }

    @Test("a tar.gz is packed as its files would be, to the byte")
    func packsArchive() throws {
        let folders = try PackingFolders(images: Array(1...5))
        try folders.pack()
        let expected = try folders.shards().map { try folders.temporary.bytes(of: "npz.packed/" + $0) }
        try FileManager.default.removeItem(atPath: folders.output)
        #expect(try folders.pack([folders.archive()]).packedCount == 5)
        let found = try folders.shards().map { try folders.temporary.bytes(of: "npz.packed/" + $0) }
        #expect(found == expected)
    }

    @Test("a truncated file in the middle is named, and all others are packed")
    func truncatedFile() throws {
        let folders = try PackingFolders(images: Array(1...9))
        try folders.cut(folders.file(5))
        let report = try folders.pack()
        #expect(report.outcome == .complete)
        #expect(report.skipped.map(\.reason) == [.damaged])
        #expect(try #require(report.skipped.first).message.hasPrefix(folders.file(5) + ": "))
        try folders.expectStore(of: [1, 2, 3, 4, 6, 7, 8, 9])
        #expect(try FeatureStore(folders.output).skipped == report.skipped)

        try folders.write(5)
        let second = try folders.pack()
        #expect((second.packedCount, second.keptCount) == (1, 8))
        try folders.expectStore(of: Array(1...9))
    }

    @Test("of two files for an image the first is packed and the second named")
    func duplicateImage() throws {
        let folders = try PackingFolders(images: [1, 2])
        let other = folders.input + "/other_2.npz"
        try madeUpRegions(3).writeOfficialFile(to: other)
        let report = try folders.pack()
        #expect(
            report.skipped == [
                SkippedInput(
                    input: other, reason: .duplicate,
                    message: "\(other): expected every image once, found image 2 a second time")
            ])
        try folders.expectStore(of: [1, 2])
        // In a later run, too.
        #expect(try folders.pack().skipped == report.skipped)
    }

    @Test("an archive that ends early leaves what was good and no store; the whole one goes on from there")
    func cutArchive() throws {
        let folders = try PackingFolders(images: Array(1...100))
        let archive = try folders.archive()
        let whole = try Data(contentsOf: URL(fileURLWithPath: archive))
        try folders.cut(archive, to: 0.8)
        let report = try folders.pack([archive])
        #expect(report.outcome == .incomplete)
        #expect(report.endedEarly.count == 1)
        #expect(try #require(report.endedEarly.first).hasPrefix(archive + ": "))
        #expect(0 < report.packedCount && report.packedCount < 100)
        #expect(throws: FeatureStoreError.self) { try FeatureStore(folders.output) }

        try whole.write(to: URL(fileURLWithPath: archive))
        let second = try folders.pack([archive])
        #expect(second.keptCount == report.packedCount)
        #expect(second.packedCount == 100 - report.packedCount)
        try folders.expectStore(of: Array(1...100))
    }

    @Test("a run that was stopped is no store; the next one keeps its shards and goes on")
    func resumes() throws {
        let folders = try PackingFolders(images: Array(1...9))
        let first = try folders.pack(stoppingAfter: 5)
        #expect(first.outcome == .interrupted)
        #expect(first.packedCount == 5)
        #expect(throws: FeatureStoreError.self) { try FeatureStore(folders.output) }
        let shards = try folders.shards()
        let contents = try shards.map { try folders.temporary.bytes(of: "npz.packed/" + $0) }

        // What a kill leaves: a file half written.
        _ = try folders.temporary.write("npz.packed/shard-00003.safetensors.x.partial", [1])
        let second = try folders.pack()
        #expect((second.packedCount, second.keptCount) == (4, 5))
        #expect(try shards.map { try folders.temporary.bytes(of: "npz.packed/" + $0) } == contents)
        #expect(try folders.shards().allSatisfy { !$0.hasSuffix(".partial") })
        try folders.expectStore(of: Array(1...9))
    }

    @Test("a shard that was damaged since is removed, named, and packed anew")
    func damagedShard() throws {
        let folders = try PackingFolders(images: Array(1...6))
        try folders.pack()
        let shard = folders.output + "/shard-00001.safetensors"
        var bytes = try folders.temporary.bytes(of: "npz.packed/shard-00001.safetensors")
        bytes[bytes.count - 1] ^= 1
        try Data(bytes).write(to: URL(fileURLWithPath: shard))
        let report = try folders.pack()
        #expect(report.removedShards.count == 1)
        #expect(try #require(report.removedShards.first).hasPrefix(shard + ": expected the checksum "))
        #expect((report.packedCount, report.keptCount) == (2, 4))
        try folders.expectStore(of: Array(1...6))
    }

    @Test("features of another width are left out and named")
    func wrongWidth() throws {
        let folders = try PackingFolders(images: [1, 3])
        try folders.write(2, madeUpRegions(2, width: 5))
        let report = try folders.pack()
        #expect(
            report.skipped.map(\.message) == ["\(folders.file(2)): expected features 4 wide, found 5"])
        try folders.expectStore(of: [1, 3])
    }

    @Test("numbers that half precision cannot hold are left out, not made infinite")
    func beyondHalfPrecision() throws {
        let folders = try PackingFolders(images: [1])
        let huge = try RegionFeatures(
            width: 4, features: [1, 2, 65_520, 4], boxes: [0, 0, 1, 1], imageHeight: 1, imageWidth: 1)
        try folders.write(2, huge)
        let report = try folders.pack(as: .float16)
        #expect(
            report.skipped.map(\.message) == [
                "\(folders.file(2)): expected features that float16 can hold, found 65520.0"
            ])
        try folders.expectStore(of: [1])
    }

    @Test(
        "a feature or box that is no finite number is left out of a store, in either precision",
        arguments: FeaturePrecision.allCases, [Float.nan, .infinity, -.infinity])
    func notFinite(precision: FeaturePrecision, value: Float) throws {
        let folders = try PackingFolders(images: [1])
        let (fine, box): ([Float], [Float]) = ([1, 2, 3, 4], [0, 0, 1, 1])
        let damaged = try [
            RegionFeatures(
                width: 4, features: [1, 2, value, 4], boxes: box, imageHeight: 1, imageWidth: 1),
            RegionFeatures(
                width: 4, features: fine, boxes: [0, 0, value, 1], imageHeight: 1, imageWidth: 1),
        ]
        for (number, regions) in damaged.enumerated() { try folders.write(number + 2, regions) }
        let report = try folders.pack(as: precision)
        #expect(report.skipped.map(\.input) == [folders.file(2), folders.file(3)])
        #expect(report.skipped.allSatisfy { $0.message.hasSuffix("found \(value)") })
        try folders.expectStore(of: [1])
        // Tables bring numbers that no reader has looked at.
        for regions in damaged {
            #expect(throws: FeatureStoreError.self) {
                try StorableImage(regions, of: ImageID(rawValue: 2), as: precision, name: "a line")
            }
        }
    }

    @Test("a store of one type is not gone on with in another")
    func otherPrecision() throws {
        let folders = try PackingFolders(images: [1, 2])
        try folders.pack(as: .float16)
        let error = #expect(throws: FeatureStoreError.self) { try folders.pack(as: .float32) }
        #expect(try #require(error).found == "float16")
        try folders.expectStore(of: [1, 2])
    }

    @Test("input of no known kind, or with nothing in it, makes no store")
    func noInput() throws {
        let folders = try PackingFolders()
        #expect(throws: FeatureStoreError.self) { try folders.pack(["/no/such/folder"]) }
        let text = try folders.temporary.write("features.txt", "1")
        #expect(throws: FeatureStoreError.self) { try folders.pack([text]) }
        #expect(throws: FeatureStoreError.self) { try folders.pack() }
        #expect(!FeatureStore.isFinished(folders.output))
    }

    @Test("two runs do not pack to one folder at once")
    func oneRunAtATime() throws {
        let folders = try PackingFolders(images: [1, 2, 3])
        var packer = FeaturePacker()
        packer.workers = 1
        var errors: [FeatureStoreError] = []
        _ = try packer.pack(
            [folders.input], into: folders.output,
            onProgress: { _ in
                do { try folders.pack() } catch let error as FeatureStoreError { errors.append(error) } catch
                {}
            })
        #expect(errors.count == 3)
        #expect(errors.allSatisfy { $0.expected == "a folder that nobody else is packing to" })
    }
}

@Suite struct BottomUpAttentionTableTests {
    private static func base64(_ floats: [Float]) -> String {
        floats.withUnsafeBytes { Data($0).base64EncodedString() }
    }

    private static func narrow(_ image: Int) throws -> String {
        let regions = try madeUpRegions(image)
        return [
            "\(image)", "\(regions.imageWidth)", "\(regions.imageHeight)", "3", base64(regions.boxes),
            base64(regions.features),
        ].joined(separator: "\t")
    }

    private static func wide(_ image: Int) throws -> String {
        let regions = try madeUpRegions(image)
        return [
            "COCO_val2014_00000000000\(image)", "\(regions.imageHeight)", "\(regions.imageWidth)", "AA==",
            "AA==", "AA==", "AA==", "3", base64(regions.boxes), base64(regions.features),
        ].joined(separator: "\t")
    }

    @Test("both variants are read, with either line end", arguments: ["\n", "\r\n"])
    func bothVariants(lineEnd: String) throws {
        let folders = try PackingFolders()
        let narrow = try folders.temporary.write(
            "narrow.tsv", [Self.narrow(1), Self.narrow(2)].map { $0 + lineEnd }.joined())
        let wide = try folders.temporary.write(
            "wide.tsv", [Self.wide(3), Self.wide(4)].joined(separator: lineEnd))
        let report = try folders.pack([narrow, wide])
        #expect(report.skipped.isEmpty)
        try folders.expectStore(of: [1, 2, 3, 4])
    }

    @Test("a line that is not right is named with its number, and the others are packed")
    func damagedLines() throws {
        let folders = try PackingFolders()
        let good = try Self.narrow(1)
        let lines = [
            good,
            try Self.narrow(2).replacing("\t3\t", with: "\t4\t"),
            try Self.narrow(3).replacing("\t3\t", with: "\t9223372036854775807\t"),
            "4\t5",
            try Self.narrow(5).replacing("\t105\t", with: "\t-1\t"),
            "x" + good.dropFirst(),
            String(try Self.narrow(7).dropLast(5)),
        ]
        let table = try folders.temporary.write("table.tsv", lines.map { $0 + "\n" }.joined())
        let report = try folders.pack([table])
        #expect(
            report.skipped.map { $0.message.replacing(table, with: "") } == [
                ", line 2: expected 4 boxes of 4 numbers, found 12 numbers",
                ", line 3: expected 9223372036854775807 boxes of 4 numbers, found 12 numbers",
                ", line 4: expected 6 or 10 columns, found 2",
                ", line 5: expected the image height in column 3, found '-1'",
                ", line 6: expected an image's number in the name, found none",
                ", line 7: expected the features as float32 in base64 in column 6, found other text",
            ])
        try folders.expectStore(of: [1])
    }

    @Test(
        "ids that went through a column of floats are the numbers that they were; others are named with their line"
    )
    func floatIDs() throws {
        let folders = try PackingFolders()
        let ids = ["1.0", "2.5", "3.00", "-4", "4.0e0", "nan", "5.", "COCO_val_6.0", "7.jpg", "n8", "9 (1)"]
        let rows = try ids.enumerated().map { index, id in
            id + (try Self.narrow(index + 1)).drop { $0 != "\t" } + "\n"
        }
        let named = try "COCO_val2014_n9" + Self.wide(9).drop { $0 != "\t" } + "\n"
        let table = try folders.temporary.write("table.tsv", rows.joined() + named)
        let report = try folders.pack([table])
        let lines = [2, 4, 5, 6, 7, 10, 11, 12]
        #expect(report.skipped.map(\.input) == lines.map { "\(table), line \($0)" })
        #expect(
            report.skipped.first?.message
                == "\(table), line 2: expected an image's number at the end of the name, alone or behind _, -, a "
                + "space or a dot, found '2.5'")
        #expect(try FeatureStore(folders.output).imageIDs.map(\.rawValue).sorted() == [1, 3, 6, 7])
    }

    @Test("a table that ends within a line makes no store, wherever in the line it does")
    func cutTable() throws {
        let rows = try (1...3).map(Self.narrow)
        let last = rows[2].utf8.count
        // Four characters short of whole numbers, and with two numbers of each region's four.
        let features = Self.base64(try madeUpRegions(3).features).utf8.count
        for count in [1, 2, 9, last - features, last - features / 2, last - 4, last - 1] {
            let folders = try PackingFolders()
            let text = rows[0] + "\n" + rows[1] + "\n" + rows[2].prefix(count)
            let table = try folders.temporary.write("table.tsv", text)
            let report = try folders.pack([table])
            #expect(report.outcome == .incomplete)
            #expect(report.packedCount == 2)
            #expect(
                try #require(report.endedEarly.first).hasPrefix(
                    "\(table), line 3: the file ends within the line: "))
            #expect(!FeatureStore.isFinished(folders.output))
        }
    }
}
