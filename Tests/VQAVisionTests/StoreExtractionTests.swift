import Foundation
import TestSupport
import Testing
import VQAFeatures
@testable import VQAVision

/// Extraction straight into stores, and of parts of the pictures.
@Suite struct StoreExtractionTests {
    private let pictures: Pictures

    init() throws { pictures = try Pictures() }

    private var packer: FeaturePacker {
        var packer = FeaturePacker()
        // Two images of four regions, 80 wide.
        packer.shardByteCount = 2 * 4 * 80 * 2
        return packer
    }

    private func extraction(_ part: String? = nil) throws -> FeatureExtraction {
        var extraction = FeatureExtraction(pictures.extractor)
        extraction.batchSize = 1
        extraction.packer = packer
        extraction.part = try part.map { try ExtractionPart(parsing: $0) }
        return extraction
    }

    @discardableResult
    private func extract(_ part: String? = nil, to name: String) throws -> FeatureExtraction.Report {
        try extraction(part).run(pictures: [pictures.folder], into: pictures.temporary.file(name))
    }

    private func contents(_ name: String) throws -> [String: [UInt8]] {
        let folder = pictures.temporary.file(name)
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        return try Dictionary(
            uniqueKeysWithValues: names.map { ($0, try pictures.temporary.bytes(of: "\(name)/\($0)")) })
    }

    /// What packing the files of features gives.
    private func packed(_ name: String = "packed") throws -> [String: [UInt8]] {
        try pictures.extract()
        _ = try packer.pack([pictures.output], into: pictures.temporary.file(name))
        return try contents(name)
    }

    @Test("a store is, to the byte, what packing the files of features gives")
    func sameAsPacked() throws {
        let expected = try packed()
        #expect(
            expected.keys.sorted() == [
                ".packing", "extraction.json", "index.json", "shard-00000.safetensors",
                "shard-00001.safetensors", "shard-00002.safetensors",
            ])
        let report = try extract(to: "store")
        #expect((report.extractedCount, report.keptCount) == (5, 0))
        #expect(try contents("store") == expected)
        // Once more, with nothing to do, it stays so.
        #expect(try extract(to: "store").keptCount == 5)
        #expect(try contents("store") == expected)
    }

    @Test(
        "of pictures in folders, the order of whose files is another, it is so too, and of what is left out")
    func nestedFolders() throws {
        let folder = pictures.folder + "/a"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let picture = try pictures.temporary.bytes(of: "pictures/a_1.png")
        for name in ["z_9.png", "b_0002.png", "e_5.jpg"] {
            _ = try pictures.temporary.write("pictures/a/" + name, picture)
        }
        try pictures.spoil("c_3.jpeg")
        let expected = try packed()
        let report = try extract(to: "store")
        #expect((report.extractedCount, report.unreadable.count, report.leftOut.count) == (5, 1, 2))
        #expect(try contents("store") == expected)
    }

    @Test("stopped after any picture, and gone on with, it ends with the same bytes")
    func stopped() throws {
        let expected = try packed()
        for count in 1...5 {
            let name = "store\(count)"
            var rounds = 0
            while true {
                rounds += 1
                var done = 0
                let report = try extraction().run(
                    pictures: [pictures.folder], into: pictures.temporary.file(name),
                    progress: { _ in done += 1 },
                    shouldStop: { rounds == 1 ? done == count : rounds == 2 && done == 4 })
                guard report.isInterrupted else { break }
                #expect(!FeatureStore.isFinished(pictures.temporary.file(name)))
            }
            #expect(try contents(name) == expected)
        }
    }

    @Test("what a killed run has left, half written or spoilt, makes no difference")
    func leftOvers() throws {
        let expected = try packed()
        var done = 0
        _ = try extraction().run(
            pictures: [pictures.folder], into: pictures.temporary.file("store"),
            progress: { done = $0.doneCount },
            shouldStop: { done == 3 })
        let extracted = try FileManager.default.contentsOfDirectory(
            atPath: pictures.temporary.file("store/extracted"))
        #expect(
            extracted.sorted() == ["a_1.png.npz", "b_2.JPG.npz", "c_3.jpeg.npz", "extraction.json"])
        let file = "store/extracted/c_3.jpeg.npz"
        _ = try pictures.temporary.write(file, pictures.temporary.bytes(of: file).dropLast(30))
        for name in [
            "extracted/e_5.PNG.npz.partial", "shard-00001.safetensors.partial", "index.json.partial",
        ] {
            _ = try pictures.temporary.write("store/" + name, "half")
        }
        let report = try extract(to: "store")
        #expect((report.keptCount, report.extractedCount) == (2, 3))
        #expect(try contents("store") == expected)
    }

    @Test("a damaged shard is removed, named, and its pictures are extracted again")
    func damagedShard() throws {
        try extract(to: "store")
        var bytes = try pictures.temporary.bytes(of: "store/shard-00001.safetensors")
        bytes[bytes.count - 5] ^= 1
        _ = try pictures.temporary.write("store/shard-00001.safetensors", bytes)
        let report = try extract(to: "store")
        #expect(report.removedShards.count == 1)
        #expect((report.keptCount, report.extractedCount) == (3, 2))
        let store = try FeatureStore(pictures.temporary.file("store"))
        try store.verify()
        #expect(store.imageIDs.map(\.rawValue).sorted() == [1, 2, 3, 4, 5])
    }

    @Test("parts share the pictures, whatever is there, and their stores become one, to the byte that of all")
    func parts() throws {
        let expected = try packed()
        for count in [1, 2, 3, 7] {
            let names = (1...count).map { "part\($0)of\(count)" }
            let reports = try names.enumerated().map { try extract("\($0 + 1)/\(count)", to: $1) }
            #expect(reports.map(\.extractedCount).reduce(0, +) == 5)
            #expect(reports.allSatisfy { (5 / count...5 / count + 1).contains($0.extractedCount) })
            // In whichever order they are given.
            let stores = names.reversed().map(pictures.temporary.file)
            let report = try packer.pack(stores, into: pictures.temporary.file("joined\(count)"))
            #expect(report.packedCount == 5)
            #expect(try contents("joined\(count)") == expected)
        }
        let files = pictures.temporary.file("files")
        for part in ["3/3", "1/3", "2/3"] {
            var extraction = try extraction(part)
            extraction.packer = nil
            _ = try extraction.run(pictures: [pictures.folder], into: files)
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: files).sorted()
        #expect(names == Pictures.names.map { $0 + ".npz" } + ["extraction.json"])
    }

    @Test(
        "parts that are missing, there twice, unfinished or of other pictures are told, and so is a folder of another"
    )
    func wrongParts() throws {
        for (part, name) in [("1/3", "a"), ("3/3", "c"), ("3/3", "d"), ("1/2", "e")] {
            try extract(part, to: name)
        }
        func refusal(_ names: String...) throws -> String {
            let error = #expect(throws: FeatureStoreError.self) {
                try packer.pack(names.map(pictures.temporary.file), into: pictures.temporary.file("joined"))
            }
            return try #require(error).description
        }
        #expect(try refusal("c", "a").hasSuffix("expected all 3 parts of the pictures, found 2: 2/3 missing"))
        #expect(try refusal("a", "c", "d").hasSuffix("expected every part once, found 1/3, 3/3, 3/3"))
        #expect(try refusal("a", "e").contains("expected one of 3 parts of 5 pictures"))
        var done = 0
        _ = try extraction("2/3").run(
            pictures: [pictures.folder], into: pictures.temporary.file("b"),
            progress: { done = $0.doneCount },
            shouldStop: { done == 1 })
        #expect(try refusal("a", "b", "c").contains("found a store that is not finished"))
        #expect(!FileManager.default.fileExists(atPath: pictures.temporary.file("joined")))
        for part in ["2/3", nil, "1/2"] {
            let error = #expect(throws: FeatureStoreError.self) { try extract(part, to: "a") }
            #expect(error?.expected.hasSuffix("alone") == true)
        }
        #expect(try extract("1/3", to: "a").keptCount == 1)
    }

    @Test("a part without a picture that can be read is a store of none; a store of all is not")
    func emptyStores() throws {
        for name in Pictures.names { try pictures.spoil(name) }
        #expect(throws: FeatureExtractionError.nothingToStore(pictures.temporary.file("store"))) {
            try extract(to: "store")
        }
        #expect(try extract("2/3", to: "part").unreadable.count == 2)
        #expect(try FeatureStore(pictures.temporary.file("part")).imageIDs.isEmpty)
    }

    @Test("files do not go into a store, nor a store into a folder of files")
    func otherForms() throws {
        try extract(to: "store")
        try pictures.extract()
        #expect(throws: FeatureExtractionError.featureFiles(pictures.output)) {
            try extraction().run(pictures: [pictures.folder], into: pictures.output)
        }
        var files = try extraction()
        files.packer = nil
        #expect(throws: FeatureExtractionError.store(pictures.temporary.file("store"))) {
            try files.run(pictures: [pictures.folder], into: pictures.temporary.file("store"))
        }
    }

    @Test(
        "what names no part is refused",
        arguments: ["0/3", "4/3", "a/b", "1/0", "2", "1/2/3", "", "-1/3", "1/9999999"])
    func noParts(text: String) {
        #expect(throws: ExtractionPartError(found: text)) { try ExtractionPart(parsing: text) }
    }
}
