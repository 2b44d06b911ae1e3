import Foundation

/// A part of the VQA-v2 dataset, or Visual Genome's questions about the same images.
public enum DatasetSplit: String, CaseIterable, Sendable {
    /// VQA-v2 training questions, about train2014 images of COCO.
    case train
    /// VQA-v2 validation questions, about val2014 images.
    case val
    /// Visual Genome questions, about images of train2014 and val2014.
    case visualGenome = "vg"
    /// VQA-v2 test questions, about test2015 images; their answers are not public.
    case test
    /// The part of the test questions that is evaluated without limit.
    case testDev = "test-dev"

    /// Reads the splits to train on, as `--SPLIT` of the official release gives them:
    /// `train`, `train+val` or `train+val+vg`.
    ///
    /// - Throws: ``UnknownSplitError`` for anything else.
    public static func trainingSplits(named name: String) throws -> [DatasetSplit] {
        guard let position = trainingSplitNames.firstIndex(of: name) else {
            throw UnknownSplitError(name: name, validNames: trainingSplitNames)
        }
        return trainingCombinations[position]
    }

    private static let trainingCombinations: [[DatasetSplit]] = [
        [.train], [.train, .val], [.train, .val, .visualGenome],
    ]

    /// What ``trainingSplits(named:)`` reads.
    public static let trainingSplitNames = trainingCombinations.map {
        $0.map(\.rawValue).joined(separator: "+")
    }

    /// Reads the name of one split.
    ///
    /// - Throws: ``UnknownSplitError``.
    public init(named name: String) throws {
        guard let split = DatasetSplit(rawValue: name) else {
            throw UnknownSplitError(name: name, validNames: Self.allCases.map(\.rawValue))
        }
        self = split
    }
}

extension DatasetSplit {
    /// How many pictures COCO's archive has (visualqa.org); Visual Genome's are those of train and val.
    package var pictureCount: Int {
        switch self {
        case .train: 82_783
        case .val: 40_504
        case .visualGenome: 82_783 + 40_504
        case .test, .testDev: 81_434
        }
    }
}

/// A name that is not one of a split.
public struct UnknownSplitError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The name that was given.
    public let name: String
    /// The names that would have been understood.
    public let validNames: [String]

    /// - Parameters: as the properties.
    public init(name: String, validNames: [String]) {
        self.name = name
        self.validNames = validNames
    }

    /// The error in one line.
    public var description: String {
        "unknown split '\(name)': expected one of \(validNames.joined(separator: ", "))"
    }
}

/// Where the official release keeps its files below the datasets folder.
///
///     datasets/vqa/v2_OpenEnded_mscoco_train2014_questions.json, ...
///     datasets/coco_extract/train2014/COCO_train2014_000000000009.jpg.npz, ...
///
/// or, packed, `datasets/coco_extract/train2014.packed/index.json`, ...
public struct OfficialLayout: Sendable, Equatable {
    /// The folder of question and annotation files: `datasets/vqa`.
    public let questionsFolder: URL
    /// The folder with a folder of features for each set of images: `datasets/coco_extract`.
    public let featuresFolder: URL
    /// The folder with a folder of pictures for each set of images, where there is one: `datasets/images`.
    package let picturesFolder: URL

    /// The layout below a datasets folder.
    ///
    /// - Parameters:
    ///   - datasets: The datasets folder.
    ///   - questionsFolder: Another place for its `vqa`.
    ///   - featuresFolder: Another place for its `coco_extract`.
    public init(datasets: URL, questionsFolder: URL? = nil, featuresFolder: URL? = nil) {
        self.questionsFolder = questionsFolder ?? datasets.appending(component: "vqa")
        self.featuresFolder = featuresFolder ?? datasets.appending(component: "coco_extract")
        picturesFolder = datasets.appending(component: "images")
    }

    /// The question file of a split.
    public func questions(of split: DatasetSplit) -> URL {
        let name =
            switch split {
            case .train: "v2_OpenEnded_mscoco_train2014_questions.json"
            case .val: "v2_OpenEnded_mscoco_val2014_questions.json"
            case .visualGenome: "VG_questions.json"
            case .test: "v2_OpenEnded_mscoco_test2015_questions.json"
            case .testDev: "v2_OpenEnded_mscoco_test-dev2015_questions.json"
            }
        return questionsFolder.appending(component: name)
    }

    /// The annotation file of a split; nil for the test splits, whose answers are not public.
    public func annotations(of split: DatasetSplit) -> URL? {
        let name: String
        switch split {
        case .train: name = "v2_mscoco_train2014_annotations.json"
        case .val: name = "v2_mscoco_val2014_annotations.json"
        case .visualGenome: name = "VG_annotations.json"
        case .test, .testDev: return nil
        }
        return questionsFolder.appending(component: name)
    }

    /// The folders that hold the region features of a split's images. Visual Genome has none of its
    /// own: its images are COCO's, some in train and some in val.
    public func featureFolders(of split: DatasetSplit) -> [URL] {
        let names =
            switch split {
            case .train: ["train2014"]
            case .val: ["val2014"]
            case .visualGenome: ["train2014", "val2014"]
            case .test, .testDev: ["test2015"]
            }
        return names.map { featuresFolder.appending(component: $0) }
    }

    /// The archive in which the official release hands out a feature folder: beside it, `train2014.tar.gz`.
    package func featureArchive(of folder: URL) -> URL {
        folder.deletingLastPathComponent().appending(component: folder.lastPathComponent + ".tar.gz")
    }

    /// Where the features of a feature folder are once they are packed: beside it, `train2014.packed` for
    /// `train2014`. The official release knows no such place.
    package func featureStore(packedFrom folder: URL) -> URL {
        folder.deletingLastPathComponent().appending(component: folder.lastPathComponent + ".packed")
    }

    /// The folder of a split's pictures, where the dataset has them: `images/val2014`.
    package func pictures(of split: DatasetSplit) -> URL {
        let name =
            switch split {
            case .train, .visualGenome: "train2014"
            case .val: "val2014"
            case .test, .testDev: "test2015"
            }
        return picturesFolder.appending(component: name)
    }

    /// The archive in which COCO hands out a split's pictures: `images/val2014.zip`.
    package func pictureArchive(of split: DatasetSplit) -> URL {
        let folder = pictures(of: split)
        return folder.deletingLastPathComponent().appending(component: folder.lastPathComponent + ".zip")
    }

    /// The splits whose questions make the vocabulary, in the order that numbers its words.
    package static let vocabularySplits: [DatasetSplit] = [.train, .val, .test, .visualGenome]

    /// The splits whose annotations make the answer list, in the order that numbers its answers.
    package static let answerSplits: [DatasetSplit] = [.train, .val]
}

extension OfficialLayout {
    /// Whether a split's questions are there.
    func hasQuestions(_ split: DatasetSplit) -> Bool { Self.exists(questions(of: split)) }

    /// Whether a split's annotations are there.
    func hasAnnotations(_ split: DatasetSplit) -> Bool { annotations(of: split).map(Self.exists) ?? false }

    private static func exists(_ file: URL) -> Bool { FileManager.default.fileExists(atPath: file.path) }

    /// Those of the vocabulary's splits whose questions are there; train, to be missed, where none is.
    var presentVocabularySplits: [DatasetSplit] {
        let splits = Self.vocabularySplits.filter(hasQuestions)
        return splits.isEmpty ? [.train] : splits
    }

    /// Those of the answer list's splits whose annotations are there; train, to be missed, where none is.
    var presentAnswerSplits: [DatasetSplit] {
        let splits = Self.answerSplits.filter(hasAnnotations)
        return splits.isEmpty ? [.train] : splits
    }
}
