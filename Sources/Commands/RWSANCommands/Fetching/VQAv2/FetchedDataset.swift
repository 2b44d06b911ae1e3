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

    /// A split whose questions are there.
    struct Split: Encodable {
        let split: String
        let questions: Int
        let annotations: Int?
        /// Where its features are, in words; nil where there are none.
        let features: String?
    }

    /// The splits that are there.
    ///
    /// - Throws: As `FeatureStore.init` does where a store is damaged.
    func splits() throws -> [Split] {
        let dataset = try OfficialDataset(URL(fileURLWithPath: folder))
        return try [DatasetSplit.train, .val, .test, .testDev].compactMap { split in
            guard let questions = counts[VQAv2File(split: split, records: .questions)] else { return nil }
            return Split(
                split: split.rawValue, questions: questions,
                annotations: counts[VQAv2File(split: split, records: .annotations)],
                features: try features(of: split, dataset))
        }
    }

    /// Tells of splits, and what can be done with them.
    func tell(_ splits: [Split]) {
        for split in splits {
            Console.note(
                "\(split.split): \(split.questions) questions"
                    + (split.annotations.map { ", \($0) annotations" } ?? "")
                    + ", \(split.features ?? "no features yet")")
        }
        let splitsWithoutFeatures = Set(splits.filter { $0.features == nil }.map(\.split))
        guard splitsWithoutFeatures.isDisjoint(with: ["train", "val"]) else {
            return tellOfFeatures(splitsWithoutFeatures)
        }
        var command = [Program.name, "train", "--data", folder, "--name", "val"]
        if GloVeFile.find(for: .folder(folder)) == nil { command += ["--glove", GloVeFile.names[1]] }
        Console.note("next: \(ShellQuoting.line(command))")
    }

    /// Tells how the features of splits come about.
    private func tellOfFeatures(_ splits: Set<String>) {
        let archives = [DatasetSplit.train, .val, .test].filter { splits.contains($0.rawValue) }
            .map { ($0, layout.pictureArchive(of: $0)) }
            .filter { FileManager.default.fileExists(atPath: $0.1.path) }
        for (split, archive) in archives {
            guard let folder = layout.featureFolders(of: split).first else { continue }
            let command = [
                Program.name, "extract", "--detector", PublishedDetector.upTo100.rawValue, "--pictures",
                archive.relativePath, "--store", "--output",
                layout.featureStore(packedFrom: folder).relativePath,
            ]
            Console.note(
                "features of these pictures, after '\(Program.name) fetch detector': \(ShellQuoting.line(command))"
            )
        }
        Console.note(
            "before training: \(archives.isEmpty ? "" : "make features so, or ")put train2014.tar.gz and "
                + "val2014.tar.gz of the official release (test2015.tar.gz to predict) into "
                + "\(layout.featuresFolder.relativePath), and give this command again")
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
