import Foundation
import VQAFeatures

/// A datasets folder in the official layout: its questions, annotations and features, read when asked for.
///
/// Not for use from several threads at once.
public final class OfficialDataset {
    /// Where the files are.
    public let layout: OfficialLayout
    private var questionTables: [DatasetSplit: QuestionTable] = [:]
    private var annotationTables: [DatasetSplit: AnnotationTable] = [:]

    /// How many bytes of features are kept in memory once they have been read.
    private static let featureCacheBytes = 512 << 20

    /// - Parameter folder: The datasets folder, with `vqa` and `coco_extract` in it.
    /// - Throws: `DatasetFolderError` where there is no such folder.
    public convenience init(_ folder: URL) throws {
        guard Self.isFolder(folder) else {
            throw DatasetFolderError(
                path: folder.path, expected: "a datasets folder with vqa/ and coco_extract/ in it")
        }
        self.init(layout: OfficialLayout(datasets: folder))
    }

    /// - Parameters:
    ///   - questionsFolder: The folder of question and annotation files.
    ///   - featuresFolder: The folder with `train2014`, `val2014` and `test2015` in it.
    /// - Throws: `DatasetFolderError` where one of them is not there.
    public convenience init(questionsFolder: URL, featuresFolder: URL) throws {
        guard Self.isFolder(questionsFolder) else {
            throw DatasetFolderError(
                path: questionsFolder.path, expected: "a folder of question and annotation files")
        }
        guard Self.isFolder(featuresFolder) else {
            throw DatasetFolderError(
                path: featuresFolder.path, expected: "a folder with the features of train2014 and so on in it"
            )
        }
        self.init(
            layout: OfficialLayout(
                datasets: questionsFolder.deletingLastPathComponent(), questionsFolder: questionsFolder,
                featuresFolder: featuresFolder))
    }

    private init(layout: OfficialLayout) {
        self.layout = layout
    }

    private static func isFolder(_ url: URL) -> Bool {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) && isFolder.boolValue
    }

    /// Whether a split's questions are there.
    public func hasQuestions(_ split: DatasetSplit) -> Bool { layout.hasQuestions(split) }

    /// Whether a split's annotations are there.
    public func hasAnnotations(_ split: DatasetSplit) -> Bool { layout.hasAnnotations(split) }

    private static func exists(_ file: URL) -> Bool { FileManager.default.fileExists(atPath: file.path) }

    /// The questions of a split.
    ///
    /// - Throws: `DatasetFileError` where the file is missing or damaged.
    public func questions(_ split: DatasetSplit) throws -> QuestionTable {
        if let table = questionTables[split] { return table }
        let table = try QuestionTable(contentsOf: layout.questions(of: split))
        questionTables[split] = table
        return table
    }

    /// The annotations of a split.
    ///
    /// - Throws: `DatasetFileError` where the file is missing or damaged; `UnannotatedSplitError` where a
    ///   split has none.
    public func annotations(_ split: DatasetSplit) throws -> AnnotationTable {
        if let table = annotationTables[split] { return table }
        guard let file = layout.annotations(of: split) else {
            throw UnannotatedSplitError(split: split.rawValue)
        }
        let table = try AnnotationTable(contentsOf: file)
        annotationTables[split] = table
        return table
    }

    /// The splits that the vocabulary is made of and whose question files are not there.
    ///
    /// The official vocabulary is made of all four files; a dataset of one's own may do without some.
    package var absentVocabularySplits: [DatasetSplit] {
        OfficialLayout.vocabularySplits.filter { !hasQuestions($0) }
    }

    /// Every word of the question files that are there, in the official order.
    ///
    /// - Parameter reservedWords: What follows PAD and UNK though no question has it.
    /// - Throws: `DatasetFileError` where a file is damaged, or none is there.
    public func vocabulary(reservedWords: [String] = []) throws -> Vocabulary {
        Vocabulary(
            questions: try layout.presentVocabularySplits.map(questions), reservedWords: reservedWords)
    }

    /// The answers given often enough in train and val.
    ///
    /// - Throws: `DatasetFileError` where a file is missing or damaged.
    public func answers() throws -> AnswerList {
        AnswerList(annotations: try layout.presentAnswerSplits.map(annotations))
    }

    /// Annotated questions to learn from.
    ///
    /// - Throws: `DatasetFileError` where a file is missing or damaged; `MissingQuestionsError` where an
    ///   annotated question is not there.
    package func trainingExamples(
        _ splits: [DatasetSplit], vocabulary: Vocabulary, answers: AnswerList, maximumWords: Int
    ) throws -> Examples {
        let files = try splits.map { (questions: try questions($0), annotations: try annotations($0)) }
        return try Examples(
            files: files, vocabulary: vocabulary, answers: answers, maximumWords: maximumWords)
    }

    /// Questions to answer.
    ///
    /// - Throws: `DatasetFileError` where the file is missing or damaged.
    public func examples(_ split: DatasetSplit, vocabulary: Vocabulary, maximumWords: Int) throws -> Examples
    {
        Examples(questions: try questions(split), vocabulary: vocabulary, maximumWords: maximumWords)
    }

    /// The places that the features of the splits' images are read from, each once.
    ///
    /// Where a finished store lies beside a folder of `.npz` files (`train2014.packed` beside `train2014`), it
    /// is the store; for images that it lacks it is the folder all the same.
    package func featurePlaces(_ splits: [DatasetSplit]) -> [FeaturePlace] {
        featureFolders(splits).map { folder in
            let store = layout.featureStore(packedFrom: folder)
            if FeatureStore.isFinished(store.path) { return .store(store) }
            return .folder(folder, unfinishedStore: Self.exists(store) ? store : nil)
        }
    }

    /// The folders that the features of the splits' images come from, packed or not, each once.
    private func featureFolders(_ splits: [DatasetSplit]) -> [URL] {
        var folders: [URL] = []
        for folder in splits.flatMap(layout.featureFolders) where !folders.contains(folder) {
            folders.append(folder)
        }
        return folders
    }

    /// The features of the splits' images, from the places that `featurePlaces` gives. What a store lacks is read
    /// from the folder beside it.
    ///
    /// - Parameters:
    ///   - splits: The splits.
    ///   - maximumRegions: How many regions of an image are kept: the first ones.
    ///   - onNotice: Told once, on whichever thread meets it, where something is read from a folder beside its store.
    /// - Throws: `AbsentFeaturesError` where there are none; `FeatureFolderError` where a folder cannot be read;
    ///   `FeatureStoreError`,
    ///   `SafetensorsError` or `FileAccessError` where a finished store is damaged.
    public func features(
        _ splits: [DatasetSplit], maximumRegions: Int,
        onNotice: @escaping @Sendable (String) -> Void = { _ in }
    ) throws -> any FeatureSource {
        let places = featurePlaces(splits)
        let folders = places.compactMap { if case .folder(let folder, _) = $0 { folder.path } else { nil } }
        var sources: [any FeatureSource] = try places.compactMap {
            guard case .store(let store) = $0 else { return nil }
            return try FeatureStore(store.path, maximumRegions: maximumRegions)
        }
        for folder in folders where !Self.exists(URL(fileURLWithPath: folder)) {
            throw AbsentFeaturesError(folder: folder)
        }
        if !folders.isEmpty {
            sources.append(
                try FeatureFolder(
                    folders, maximumRegions: maximumRegions, cacheByteLimit: Self.featureCacheBytes))
        }
        for case (.store(let store), let folder) in zip(places, featureFolders(splits))
        where Self.isFolder(folder) {
            sources.append(
                FolderBehindStore(
                    folder: folder.path, store: store.path, maximumRegions: maximumRegions, onNotice: onNotice
                ))
        }
        return CombinedFeatures(sources)
    }

    /// How the features were made from pictures, as `rwsan extract` notes it beside them; nil where there is
    /// no note.
    package func featureRecipe(_ split: DatasetSplit) -> String? {
        for place in featurePlaces([split]) {
            guard let note = FeatureNote.contents(in: place.location.path) else { continue }
            if let text = String(validating: note, as: UTF8.self) { return text }
        }
        return nil
    }
}

/// Where features are read from.
package enum FeaturePlace: Sendable, Equatable, CustomStringConvertible {
    /// A feature store.
    case store(URL)
    /// A folder of `.npz` files; `unfinishedStore` lies where its store would be, and is not one yet.
    case folder(URL, unfinishedStore: URL?)

    /// The folder, whichever it is.
    package var location: URL {
        switch self {
        case .store(let location), .folder(let location, _): location
        }
    }

    /// The place in one line.
    package var description: String {
        switch self {
        case .store(let store): "the packed store \(store.path)"
        case .folder(let folder, nil): "the .npz files in \(folder.path)"
        case .folder(let folder, let store?):
            "the .npz files in \(folder.path), for \(store.path) is not packed to the end"
        }
    }
}

/// A folder of a dataset that is not there.
public struct DatasetFolderError: Error, Sendable, CustomStringConvertible {
    /// The path.
    public let path: String
    /// What should be there.
    public let expected: String

    /// - Parameters: as the properties.
    public init(path: String, expected: String) {
        self.path = path
        self.expected = expected
    }

    /// One line.
    public var description: String { "\(path): expected \(expected), found no folder" }
}

/// Features that are not there, neither packed nor in a folder.
public struct AbsentFeaturesError: Error, Sendable, CustomStringConvertible {
    /// The path of the folder that is looked for.
    public let folder: String

    /// One line, with what to do where the features lie there in an archive.
    public var description: String {
        let archive = folder + ".tar.gz"
        guard FileManager.default.fileExists(atPath: archive) else {
            return "\(folder): expected a folder of .npz files, or \(folder).packed, found neither"
        }
        return "\(archive): expected packed features: rwsan pack --input \(archive) --output \(folder).packed"
    }
}

/// Annotations asked for where nobody has published any.
public struct UnannotatedSplitError: Error, Sendable, CustomStringConvertible {
    /// The split's name.
    public let split: String

    /// - Parameter split: The split's name.
    public init(split: String) { self.split = split }

    /// One line.
    public var description: String { "the split \(split) has no annotations" }
}
