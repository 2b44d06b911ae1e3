import Foundation
import VQADatasets
import VQAFeatures
import VisualQuestionAnswering

/// What a datasets folder holds once everything is fetched, and what can be done with it.
struct FetchedDataset {
    let layout: OfficialLayout
    /// The folder as the user gave it.
    let folder: String
    /// How many records the files have.
    let counts: [VQAv2File: Int]

    /// Tells it.
    ///
    /// - Throws: As `FeatureStore.init` does where a store is damaged.
    func tell() throws {
        let dataset = try OfficialDataset(URL(fileURLWithPath: folder))
        var splitsWithoutFeatures: Set<DatasetSplit> = []
        for split in [DatasetSplit.train, .val, .test, .testDev] {
            guard let questions = counts[VQAv2File(split: split, records: .questions)] else { continue }
            let annotations = counts[VQAv2File(split: split, records: .annotations)]
            let features = try features(of: split, dataset)
            if features == nil { splitsWithoutFeatures.insert(split) }
            Console.note(
                "\(split.rawValue): \(questions) questions"
                    + (annotations.map { ", \($0) annotations" } ?? "")
                    + ", \(features ?? "no features yet")")
        }
        guard splitsWithoutFeatures.isDisjoint(with: [.train, .val]) else {
            Console.note(
                "before training: put train2014.tar.gz and val2014.tar.gz of the official release (test2015.tar.gz "
                    + "to predict) into \(layout.featuresFolder.relativePath), and give this command again")
            return
        }
        var command = ["rwsan", "train", "--data", folder, "--name", "val"]
        if GloVeFile.find(for: .folder(folder)) == nil { command += ["--glove", GloVeFile.names[1]] }
        Console.note("next: \(ShellQuoting.line(command))")
    }

    /// Where a split's features are; nil where there are none.
    private func features(of split: DatasetSplit, _ dataset: OfficialDataset) throws -> String? {
        switch dataset.featurePlaces([split]).first {
        case .store(let store)?:
            let count = try FeatureStore(store.path).imageIDs.count
            return "features of \(count) images in \(store.relativePath)"
        case .folder(let folder, _)? where FileManager.default.fileExists(atPath: folder.path):
            return "features in \(folder.relativePath)"
        default: return nil
        }
    }
}
