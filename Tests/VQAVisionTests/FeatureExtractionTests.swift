import Archives
import Foundation
import TestSupport
import Testing
import VQAFeatures
import Workers
@testable import VQAVision

/// A folder of five pictures, and places for their features.
struct Pictures {
    let temporary: TemporaryFolder
    let extractor: GridFeatures
    static let names = ["a_1.png", "b_2.JPG", "c_3.jpeg", "d_4.png", "e_5.PNG"]

    init() throws {
        extractor = try GridFeatures(
            network: untrainedNetwork(), stages: [EfficientNetLite0.Stage(block: 7)], inputSize: 32)
        temporary = try TemporaryFolder()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for (index, name) in Self.names.enumerated() {
            let row: [UInt8] = [UInt8(index * 50), 0, 255, 0, UInt8(index * 50), 9]
            let picture = PNGFile(width: 2, height: 2, rows: [row, row.reversed()])
            _ = try temporary.write("pictures/" + name, picture.bytes)
        }
    }

    var folder: String { temporary.file("pictures") }
    var output: String { temporary.file("features/val2014") }

    func spoil(_ name: String) throws {
        _ = try temporary.write("pictures/" + name, "no picture".utf8)
    }

    @discardableResult
    func extract(_ change: (inout FeatureExtraction) -> Void = { _ in }) throws -> FeatureExtraction.Report {
        var extraction = FeatureExtraction(extractor)
        extraction.batchSize = 2
        change(&extraction)
        return try extraction.run(pictures: [folder], into: output)
    }

    func featureFiles() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: output).sorted()
    }
}

@Suite struct FeatureExtractionTests {
    @Test("every picture's features are in an official file that has the picture's name")
    func extractsAll() throws {
        let pictures = try Pictures()
        for ignored in [".hidden_6.png", "notes_7.txt"] { try pictures.spoil(ignored) }
        let report = try pictures.extract()
        #expect(report.extractedCount == 5)
        #expect(report.keptCount == 0)
        #expect(report.unreadable.isEmpty)
        #expect(try pictures.featureFiles() == Pictures.names.map { $0 + ".npz" } + ["extraction.json"])
        for name in Pictures.names {
            let picture = try Picture(contentsOf: URL(fileURLWithPath: pictures.folder + "/" + name))
            let expected = try #require(try pictures.extractor([picture]).first)
            let written = try RegionFeatures(officialFile: pictures.output + "/\(name).npz")
            #expect(written.boxes == expected.boxes)
            #expect(written.features == expected.features)
        }
        let folder = try FeatureFolder([pictures.output])
        #expect(folder.imageIDs.map(\.rawValue).sorted() == [1, 2, 3, 4, 5])
    }

    @Test("pictures of other formats are named, folders are looked into, and hidden ones are passed over")
    func otherFormats() throws {
        let pictures = try Pictures()
        let folder = pictures.folder
        for name in ["more/deep", "__MACOSX", ".thumbnails"] {
            try FileManager.default.createDirectory(
                atPath: folder + "/" + name, withIntermediateDirectories: true)
        }
        let picture = try pictures.temporary.bytes(of: "pictures/a_1.png")
        for name in ["more/deep/f_6.png", "g_7", "__MACOSX/h_8.png", ".thumbnails/i_9.png", "._a_1.png"] {
            _ = try pictures.temporary.write("pictures/" + name, picture)
        }
        try FileManager.default.createSymbolicLink(
            atPath: folder + "/more/loop", withDestinationPath: folder)
        let others = [
            ("2.avif", "\0\0\0 ftypavif"), ("k.jxl", "\0\0\0\u{C}JXL "), ("more/c_3.heic", "\0\0\0 ftypheic"),
            ("more/picture", "\0\0\0\u{C}jP  "),
        ]
        for (name, text) in others { _ = try pictures.temporary.write("pictures/" + name, text) }
        let report = try pictures.extract()
        #expect(report.extractedCount == 7)
        #expect(report.unreadable.map(\.file) == others.map { folder + "/" + $0.0 })
        #expect(
            report.unreadable.first?.description
                == "\(folder)/2.avif: expected a PNG, JPEG, WebP, TIFF, GIF or BMP picture, found a picture in AVIF format"
        )
        #expect(report.leftOut.isEmpty)
        #expect(try FeatureFolder([pictures.output]).imageIDs.map(\.rawValue).sorted() == Array(1...7))
        #expect(throws: PictureError.self) { try pictures.extract { $0.stopsAtUnreadablePicture = true } }
    }

    @Test("pictures of uncertain names, and a second one of an image, are named and left out")
    func uncertainNames() throws {
        let pictures = try Pictures()
        let folder = pictures.folder
        let picture = try pictures.temporary.bytes(of: "pictures/a_1.png")
        try FileManager.default.createDirectory(atPath: folder + "/z", withIntermediateDirectories: true)
        for name in ["a_1 (1).png", "n7.png", "b_02.png", "z/a_1.png"] {
            _ = try pictures.temporary.write("pictures/" + name, picture)
        }
        // What cannot be read is of no image.
        try pictures.spoil("a_01.png")
        let invalid = try pictures.temporary.copyToLatin1Name(folder + "/a_1.png", "_8.png", in: folder)
        let report = try pictures.extract()
        #expect(report.extractedCount == 5)
        #expect(report.unreadable.map(\.file) == [folder + "/a_01.png"])
        let problem =
            "expected an image's number at the end of the name, alone or behind _, -, a space or a dot, found "
        #expect(
            report.leftOut == [
                LeftOutPicture(
                    path: folder + "/a_1 (1).png", reason: .uncertainName(problem + "'a_1 (1).png'")),
                LeftOutPicture(path: folder + "/b_2.JPG", reason: .sameImage(as: folder + "/b_02.png")),
                LeftOutPicture(path: folder + "/" + invalid, reason: .invalidName),
                LeftOutPicture(path: folder + "/n7.png", reason: .uncertainName(problem + "'n7.png'")),
                LeftOutPicture(path: folder + "/z/a_1.png", reason: .sameImage(as: folder + "/a_1.png")),
            ])
        let byName = try pictures.extract { $0.naming = .name }
        #expect((byName.extractedCount, byName.keptCount) == (3, 5))
        #expect(byName.leftOut.map(\.path) == [folder + "/" + invalid, folder + "/z/a_1.png"])
    }

    @Test("a second run makes what is missing or spoilt and leaves the rest alone")
    func resumes() throws {
        let pictures = try Pictures()
        try pictures.extract()
        let files = Pictures.names.map { pictures.output + "/\($0).npz" }
        func fileNumbers() throws -> [UInt64?] {
            try files.map {
                try FileManager.default.attributesOfItem(atPath: $0)[.systemFileNumber] as? UInt64
            }
        }
        let before = try fileNumbers()
        try FileManager.default.removeItem(atPath: files[0])
        let whole = try Data(contentsOf: URL(fileURLWithPath: files[3]))
        try whole.dropLast(40).write(to: URL(fileURLWithPath: files[3]))
        let others = try RegionFeatures(
            width: 1, features: [1], boxes: [0, 0, 1, 1], imageHeight: 2, imageWidth: 2)
        try others.writeOfficialFile(to: files[4])

        let report = try pictures.extract()
        #expect(report.extractedCount == 3)
        #expect(report.keptCount == 2)
        #expect(try RegionFeatures(officialFile: files[3]).count == 4)
        #expect(try RegionFeatures(officialFile: files[4]).width == 80)
        #expect(try fileNumbers()[1...2] == before[1...2])
    }

    @Test("pictures that are none are reported in order, and the others are extracted")
    func reportsUnreadable() throws {
        let pictures = try Pictures()
        for name in ["d_4.png", "b_2.JPG"] { try pictures.spoil(name) }
        let report = try pictures.extract()
        #expect(report.extractedCount == 3)
        #expect(
            report.unreadable.map(\.file)
                == ["b_2.JPG", "d_4.png"].map { pictures.folder + "/" + $0 })
        #expect(
            try pictures.featureFiles() == ["a_1.png.npz", "c_3.jpeg.npz", "e_5.PNG.npz", "extraction.json"])
    }

    @Test("the first picture that is none ends the run where that is asked for")
    func stopsAtUnreadable() throws {
        let pictures = try Pictures()
        try pictures.spoil("b_2.JPG")
        let error = #expect(throws: PictureError.self) {
            try pictures.extract { $0.stopsAtUnreadablePicture = true }
        }
        #expect(error?.file == pictures.folder + "/b_2.JPG")
    }

    @Test("progress goes up to the number of pictures, whatever becomes of them")
    func progress() throws {
        let pictures = try Pictures()
        try pictures.spoil("d_4.png")
        var extraction = FeatureExtraction(pictures.extractor)
        extraction.batchSize = 2
        var steps: [[Int]] = []
        _ = try extraction.run(
            pictures: [pictures.folder], into: pictures.output,
            progress: { steps.append([$0.doneCount, $0.totalCount]) })
        #expect(steps == [[2, 5], [4, 5], [5, 5]])
    }

    @Test("a run that is stopped keeps what is done, and the next one goes on")
    func stopped() throws {
        let pictures = try Pictures()
        var extraction = FeatureExtraction(pictures.extractor)
        extraction.batchSize = 2
        let first = try extraction.run(
            pictures: [pictures.folder], into: pictures.output, shouldStop: { true })
        #expect(first.isInterrupted)
        #expect(first.extractedCount == 2)
        let second = try pictures.extract()
        #expect(!second.isInterrupted)
        #expect((second.keptCount, second.extractedCount) == (2, 3))
    }

    @Test(
        "extraction that was interrupted, or whose files are made anew, ends with the same bytes as one run")
    func sameBytes() throws {
        let pictures = try Pictures()
        func bytes() throws -> [Data] {
            try Pictures.names.map {
                try Data(contentsOf: URL(fileURLWithPath: pictures.output + "/\($0).npz"))
            }
        }
        try pictures.extract { $0.batchSize = 5 }
        let whole = try bytes()
        try FileManager.default.removeItem(atPath: pictures.output + "/c_3.jpeg.npz")
        #expect(try pictures.extract { $0.threadCount = 1 }.extractedCount == 1)
        #expect(try bytes() == whole)
        try FileManager.default.removeItem(atPath: pictures.output)
        var extraction = FeatureExtraction(pictures.extractor)
        extraction.batchSize = 1
        for end in 1...Pictures.names.count {
            var done = 0
            _ = try extraction.run(
                pictures: [pictures.folder], into: pictures.output, progress: { done = $0.doneCount },
                shouldStop: { done == end })
        }
        #expect(try bytes() == whole)
    }

    @Test("what a killed run has left is removed by the next, of pictures that are gone too")
    func leftOvers() throws {
        let pictures = try Pictures()
        try pictures.extract()
        for name in ["b_2.JPG.npz.partial", "gone_9.png.npz.partial", "gone_8.png.npz.1abc.partial"] {
            _ = try pictures.temporary.write("features/val2014/" + name, "half".utf8)
        }
        try pictures.extract()
        #expect(try pictures.featureFiles() == Pictures.names.map { $0 + ".npz" } + ["extraction.json"])
    }

    @Test("where no thread can be made, extraction ends with an error that says so")
    func withoutThreads() throws {
        let pictures = try Pictures()
        ThreadMaker.$current.withValue(.making(0)) {
            #expect(throws: ThreadError.self) { try pictures.extract() }
        }
        #expect(try pictures.extract().extractedCount == 5)
    }

    @Test("a folder of features made in another way is refused and left as it is")
    func otherSettings() throws {
        let pictures = try Pictures()
        try pictures.extract()
        let files = try pictures.featureFiles()
        let other = try GridFeatures(
            network: untrainedNetwork(), stages: [EfficientNetLite0.Stage(block: 6)], inputSize: 32)
        func refusal() throws -> String {
            let error = #expect(throws: FeatureExtractionError.self) {
                try FeatureExtraction(other).run(pictures: [pictures.folder], into: pictures.output)
            }
            return try #require(error).description
        }
        #expect(
            try refusal() == "\(pictures.output): expected an empty folder or one of features of "
                + "EfficientNet-Lite0, block 6, pictures of 32 pixels, found features of EfficientNet-Lite0, "
                + "block 7, pictures of 32 pixels")
        let record = pictures.output + "/extraction.json"
        try Data("{".utf8).write(to: URL(fileURLWithPath: record))
        #expect(try refusal().hasSuffix("found features with an unreadable extraction.json"))
        try FileManager.default.removeItem(atPath: record)
        #expect(try refusal().hasSuffix("found features without extraction.json"))
        #expect(try pictures.featureFiles() == files.filter { $0 != "extraction.json" })
    }

    @Test("folders that are missing, without pictures or no folders are errors naming them")
    func wrongFolders() throws {
        let pictures = try Pictures()
        let temporary = pictures.temporary
        let extraction = FeatureExtraction(pictures.extractor)
        let file = try temporary.write("file", "text".utf8)
        func run(_ input: String, _ output: String) throws -> FeatureExtractionError {
            try #require(
                throws: FeatureExtractionError.self
            ) { try extraction.run(pictures: [input], into: output) }
        }
        let missing = try run(temporary.file("none"), pictures.output)
        #expect(missing.description.hasPrefix(temporary.file("none") + ": cannot use the folder: "))
        try FileManager.default.createDirectory(
            atPath: temporary.file("empty"), withIntermediateDirectories: true)
        #expect(try run(temporary.file("empty"), pictures.output) == .noPictures(temporary.file("empty")))
        #expect(try run(pictures.folder, file).description.hasPrefix(file + ": cannot use the folder: "))
    }

    @Test("a file that cannot be written ends the run with an error naming it")
    func unwritable() throws {
        let pictures = try Pictures()
        try pictures.extract()
        let file = pictures.output + "/c_3.jpeg.npz"
        try FileManager.default.removeItem(atPath: file)
        try FileManager.default.createDirectory(
            atPath: file + "/in the way", withIntermediateDirectories: true)
        let error = #expect(throws: ArchiveError.self) { try pictures.extract() }
        #expect(error?.file == file)
    }
}
