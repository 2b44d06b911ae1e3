import Foundation
import VQAFeatures
import VQASettings

/// A collection of questions about images: where its files are, what is learned from them, and what counts as right.
///
/// A dataset of your own is a class that conforms to this, in one new file with its options, and one entry in a
/// ``DatasetRegistry``. One whose files are in VQA-v2's form conforms to ``OfficialFormDataset``, and has little to say.
public protocol VQADataset: AnyObject, SendableMetatype {
    /// Which part is wanted, and in what sizes, with the defaults.
    associatedtype Options: DatasetOptions

    /// The name by which a configuration chooses it.
    static var name: String { get }
    /// What it is, in one line.
    static var summary: String { get }
    /// What it sets of training where it is chosen, such as `use_glove`.
    static var settings: [(key: String, value: SettingValue)] { get }
    /// The splits whose questions can be answered.
    static var splitNames: [String] { get }
    /// The split that is answered after each epoch.
    static var evaluatedSplit: String { get }

    /// Opens the dataset; its files are read when they are asked for.
    ///
    /// - Throws: `DatasetFolderError` where it is not there.
    init(at place: DatasetPlace) throws

    /// What training makes small.
    var loss: any AnswerLoss { get }

    /// All that training takes from the text files.
    ///
    /// - Parameters:
    ///   - request: What is wanted.
    ///   - cache: Where it is kept for the next time; nil for nowhere.
    ///   - onNotice: Told in one line of what is done otherwise than one would expect.
    /// - Throws: `DatasetFileError` where a file is missing or damaged; `UnknownSplitError`.
    func trainingData(_ request: DatasetRequest, cache: PreparedCache?, onNotice: (String) -> Void) throws
        -> TrainingData

    /// Every word of the questions, for a model that brings none.
    ///
    /// - Parameters:
    ///   - reservedWords: What follows PAD and UNK though no question has it.
    ///   - onNotice: Told in one line of what is done otherwise than one would expect.
    /// - Throws: `DatasetFileError` where a file is missing or damaged.
    func vocabulary(reservedWords: [String], onNotice: (String) -> Void) throws -> Vocabulary

    /// The answers to choose from, for a model that brings none.
    ///
    /// - Throws: `DatasetFileError` where a file is missing or damaged.
    func answers() throws -> AnswerList

    /// The questions of a split as people read them; nil where they are not there.
    ///
    /// - Throws: `UnknownSplitError`; `DatasetFileError` where a file is damaged.
    func questions(of split: String) throws -> ReadableQuestions?

    /// The folder of a split's pictures, whose names say which image each is of; nil where the dataset has none.
    func pictures(of split: String) throws -> URL?

    /// The text files that it may read, whether or not they are there: what no output may take the place of.
    static func textFiles(at place: DatasetPlace) -> [URL]

    /// The questions of a split, to be answered.
    ///
    /// - Throws: `UnknownSplitError`; `DatasetFileError` where the file is missing or damaged.
    func examples(of split: String, vocabulary: Vocabulary, maximumWords: Int) throws -> Examples

    /// The questions of a split whose right answers are known, and what counts as right.
    ///
    /// - Throws: `UnknownSplitError`; `UnannotatedSplitError`; `DatasetFileError`.
    func annotatedQuestions(
        of split: String, vocabulary: Vocabulary, maximumWords: Int, metric: MetricVersion
    ) throws -> AnnotatedQuestions

    /// The features of the images of some splits.
    ///
    /// - Parameters:
    ///   - splits: The splits' names.
    ///   - maximumRegions: How many regions of an image count; those after are dropped.
    ///   - onNotice: Told where they are read from, where that is not what one would expect.
    /// - Throws: Where they are missing, or a store is damaged.
    func features(
        of splits: [String], maximumRegions: Int, onNotice: @escaping @Sendable (String) -> Void
    ) throws -> any FeatureSource

    /// How the features of a split were made from pictures, as JSON; nil where that is not known.
    func featureRecipe(of split: String) -> String?

    /// The splits whose images training with `split` looks at.
    ///
    /// - Throws: `UnknownSplitError`.
    func imageSplits(trainingOn split: String) throws -> [String]

    /// Writes answers in the form in which the dataset's results are handed in, whole or not at all.
    ///
    /// - Throws: `DatasetFileError` where the file cannot be written.
    func write(_ predictions: [Prediction], to file: URL) throws
}

extension VQADataset {
    /// Nothing but its options.
    public static var settings: [(key: String, value: SettingValue)] { [] }
    /// None.
    public func pictures(of split: String) -> URL? { nil }
    /// None.
    public static func textFiles(at place: DatasetPlace) -> [URL] { [] }
}

/// Which part of a dataset is wanted, and in what sizes.
public protocol DatasetOptions: SettingsGroup {
    /// What is trained on.
    var split: String { get set }
    /// How many words of a question are kept.
    var maxToken: Int { get set }
    /// How wide the features of a region are.
    var imgFeatSize: Int { get set }
    /// How many regions of an image are kept.
    var imgFeatPadSize: Int { get set }
}

/// Where a dataset's files are.
public struct DatasetPlace: Sendable, Equatable {
    /// The datasets folder; nil where both others are given.
    public var folder: URL?
    /// The folder of question and annotation files, where it is not in the datasets folder.
    public var questionsFolder: URL?
    /// The folder of features, where it is not in the datasets folder.
    public var featuresFolder: URL?

    /// - Parameters: as the properties.
    public init(folder: URL?, questionsFolder: URL? = nil, featuresFolder: URL? = nil) {
        self.folder = folder
        self.questionsFolder = questionsFolder
        self.featuresFolder = featuresFolder
    }

    /// A datasets folder.
    public static func folder(_ path: String) -> DatasetPlace {
        DatasetPlace(folder: URL(fileURLWithPath: path))
    }
}

/// What training wants of a dataset.
public struct DatasetRequest: Sendable {
    /// What is trained on.
    public var split: String
    /// Whether questions to answer after each epoch are wanted.
    public var isEvaluated: Bool
    /// How many words of a question are kept.
    public var maximumWords: Int
    /// The words; nil for the dataset's own.
    public var vocabulary: Vocabulary?
    /// The answers; nil for the dataset's own.
    public var answers: AnswerList?
    /// Answers that count where all of the dataset's own are among them, as those of a published model; nil for none.
    public var knownAnswers: AnswerList?
    /// Which metric answers are held against.
    public var metric: MetricVersion
    /// What follows PAD and UNK in the dataset's own words though no question has it.
    public var reservedWords: [String]

    /// - Parameters: as the properties.
    public init(
        split: String, isEvaluated: Bool, maximumWords: Int, vocabulary: Vocabulary? = nil,
        answers: AnswerList? = nil,
        knownAnswers: AnswerList? = nil, metric: MetricVersion = .release, reservedWords: [String] = []
    ) {
        self.knownAnswers = knownAnswers
        self.reservedWords = reservedWords
        self.metric = metric
        self.split = split
        self.isEvaluated = isEvaluated
        self.maximumWords = maximumWords
        self.vocabulary = vocabulary
        self.answers = answers
    }
}

/// The datasets that a configuration can name.
public struct DatasetRegistry: Sendable {
    /// The datasets that come with the package: a new one is one line here.
    public static let standard = DatasetRegistry([
        VQAv2Dataset.self, EasyVQADataset.self,
    ])

    /// The datasets. The first one is chosen where a configuration names none.
    public let types: [any VQADataset.Type]

    /// - Parameter types: The datasets.
    public init(_ types: [any VQADataset.Type]) { self.types = types }

    /// The names of all datasets.
    public var names: [String] { types.map { $0.name } }

    /// The dataset of a name.
    ///
    /// - Throws: `ConfigurationError` where there is none.
    public func type(named name: String) throws(ConfigurationError) -> any VQADataset.Type {
        guard let type = types.first(where: { $0.name == name }) else {
            throw ConfigurationError(
                key: "dataset", reason: "expected \(names.joined(separator: ", ")), found '\(name)'")
        }
        return type
    }
}
