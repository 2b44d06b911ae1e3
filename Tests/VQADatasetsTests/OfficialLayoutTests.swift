import Foundation
import Testing
@testable import VQADatasets

@Suite struct OfficialLayoutTests {
    @Test(
        "every file and folder of the official layout is where the fixtures have it",
        arguments: DatasetSplit.allCases)
    func findsFiles(split: DatasetSplit) {
        let layout = TextFixtures.layout
        let files = [layout.questions(of: split)] + [layout.annotations(of: split)].compactMap { $0 }
        for url in files + layout.featureFolders(of: split) {
            #expect(FileManager.default.fileExists(atPath: url.path), "\(url.path)")
        }
    }

    @Test("the test splits have no annotations, and Visual Genome shares the images of train and val")
    func exceptions() {
        let layout = OfficialLayout(datasets: URL(fileURLWithPath: "/data"))
        #expect(layout.annotations(of: .test) == nil)
        #expect(layout.annotations(of: .testDev) == nil)
        #expect(
            layout.featureFolders(of: .visualGenome).map(\.path) == [
                "/data/coco_extract/train2014", "/data/coco_extract/val2014",
            ])
    }

    @Test("the splits to train on are read as the official release names them")
    func readsTrainingSplits() throws {
        #expect(try DatasetSplit.trainingSplits(named: "train") == [.train])
        #expect(try DatasetSplit.trainingSplits(named: "train+val") == [.train, .val])
        #expect(try DatasetSplit.trainingSplits(named: "train+val+vg") == [.train, .val, .visualGenome])
    }

    @Test(
        "an unknown split is an error that names the valid ones",
        arguments: ["", "val", "train+", "train+vgg"])
    func unknownSplit(name: String) {
        let message = "unknown split '\(name)': expected one of train, train+val, train+val+vg"
        #expect {
            try DatasetSplit.trainingSplits(named: name)
        } throws: {
            "\($0)" == message
        }
    }

    @Test("one split is read by its name")
    func readsSplit() throws {
        #expect(try DatasetSplit(named: "test-dev") == .testDev)
        #expect {
            try DatasetSplit(named: "dev")
        } throws: {
            "\($0)" == "unknown split 'dev': expected one of train, val, vg, test, test-dev"
        }
    }
}
