import FileSystem
import Foundation
import TextFiles
import Workers

/// All that training takes from the text files of a dataset, ready for use.
public struct TrainingData: Sendable {
    /// Which part of a dataset is wanted, and in what form.
    package struct Request: Sendable {
        /// The splits to train on, in turn.
        package var splits: [DatasetSplit]
        /// Whether the val questions and their metric are wanted.
        package var evaluatesVal: Bool
        /// Which metric scores val.
        package var metric: MetricVersion
        /// How many words of a question are kept.
        package var maximumWords: Int
        /// The words; nil for those of the question files that are there.
        package var vocabulary: Vocabulary?
        /// The answers; nil for those given often enough in train and val.
        package var answers: AnswerList?
        /// Answers that count where all of the dataset's own are among them; nil for none.
        package var knownAnswers: AnswerList?
        /// What follows PAD and UNK in the question files' own words though no question has it.
        package var reservedWords: [String]

        /// - Parameters: as the properties.
        package init(
            splits: [DatasetSplit], evaluatesVal: Bool, metric: MetricVersion = .release, maximumWords: Int,
            vocabulary: Vocabulary? = nil, answers: AnswerList? = nil, knownAnswers: AnswerList? = nil,
            reservedWords: [String] = []
        ) {
            self.knownAnswers = knownAnswers
            self.reservedWords = reservedWords
            self.metric = metric
            self.splits = splits
            self.evaluatesVal = evaluatesVal
            self.maximumWords = maximumWords
            self.vocabulary = vocabulary
            self.answers = answers
        }
    }

    /// The words.
    public let vocabulary: Vocabulary
    /// How often each word occurs in the question files that made the vocabulary; empty where it was given.
    public let wordCounts: [Int]
    /// The answers.
    public let answers: AnswerList
    /// The questions to learn from.
    public let training: Examples
    /// The annotated val questions and their metric, and which questions are not annotated, where they are wanted.
    public let validation: AnnotatedQuestions?

    /// - Parameters:
    ///   - vocabulary: The words.
    ///   - wordCounts: How often each word occurs; empty where that is not known.
    ///   - answers: The answers.
    ///   - training: The questions to learn from, with their targets.
    ///   - validation: The questions that are answered after each epoch; nil for none.
    public init(
        vocabulary: Vocabulary, wordCounts: [Int] = [], answers: AnswerList, training: Examples,
        validation: AnnotatedQuestions?
    ) {
        self.vocabulary = vocabulary
        self.wordCounts = wordCounts
        self.answers = answers
        self.training = training
        self.validation = validation
    }
}

extension OfficialDataset {
    /// What training takes from the question and annotation files.
    ///
    /// The files are read on all cores. With a cache, nothing is read that was prepared before and whose files
    /// have not changed since.
    ///
    /// - Parameters:
    ///   - request: What is wanted.
    ///   - cache: Where it is kept for the next time; nil for nowhere.
    ///   - onNotice: Told in one line where the cache is damaged or cannot be written.
    /// - Throws: `DatasetFileError` where a file is missing or damaged, or val is wanted and has nothing annotated or
    ///   lacks an annotated question; `MissingQuestionsError` where an annotated question to learn from is not there.
    package func trainingData(
        _ request: TrainingData.Request, cache: PreparedCache? = nil, onNotice: (String) -> Void = { _ in }
    ) throws -> TrainingData {
        let reading = TrainingDataReading(request, layout: layout)
        guard let cache else { return try reading.read() }
        return try cache.value(
            for: reading.key, onNotice: onNotice, read: { try TrainingData($0, request) }, make: reading.read,
            columns: { try $0.columns(request) })
    }
}

/// Reads the files that a request needs, and no other.
struct TrainingDataReading {
    private let request: TrainingData.Request
    private let layout: OfficialLayout
    /// Those whose question files make the vocabulary; empty where it is given.
    private let vocabularySplits: [DatasetSplit]
    /// Those whose annotations make the answer list; empty where it is given.
    private let answerSplits: [DatasetSplit]

    init(_ request: TrainingData.Request, layout: OfficialLayout) {
        self.request = request
        self.layout = layout
        vocabularySplits = request.vocabulary == nil ? layout.presentVocabularySplits : []
        answerSplits = request.answers == nil ? layout.presentAnswerSplits : []
    }

    /// The splits whose questions are needed as such, and not only for their words.
    private var exampleSplits: [DatasetSplit] {
        request.splits + (request.evaluatesVal && !request.splits.contains(.val) ? [.val] : [])
    }
    private var questionSplits: [DatasetSplit] { exampleSplits.adding(vocabularySplits) }
    private var annotationSplits: [DatasetSplit] { exampleSplits.adding(answerSplits) }

    /// What the result depends on. Files that are not there count too: they may come. All requests have the files in
    /// common, so that an entry made of others can be told to be out of date.
    var key: PreparedCache.Key {
        let splits = OfficialLayout.vocabularySplits
        let files = splits.map(layout.questions) + splits.compactMap(layout.annotations)
        let parts = [
            "training data", request.splits.map(\.rawValue).joined(separator: "+"),
            request.evaluatesVal ? "with annotated val by \(request.metric.rawValue)" : "without val",
            "\(request.maximumWords) words",
            request.vocabulary?.checksum ?? ownWordsKey,
            request.answers?.index.strings.checksum ?? ownAnswersKey,
        ]
        return PreparedCache.Key(
            subject: layout.questionsFolder.standardizedFileURL.path, sources: files,
            settings: parts.joined(separator: ", "))
    }

    /// The words of the question files, and which are reserved before them.
    private var ownWordsKey: String {
        (["own words"] + request.reservedWords.map { "after \($0)" }).joined(separator: " ")
    }

    /// The answers of the annotations, or those that are known.
    private var ownAnswersKey: String {
        request.knownAnswers.map { "own answers, or \($0.index.strings.checksum)" } ?? "own answers"
    }

    func read() throws -> TrainingData {
        let files = try readFiles()
        let (vocabulary, counts) =
            try request.vocabulary.map { ($0, []) }
            ?? Vocabulary.merging(
                vocabularySplits.map(files.questions), reservedWords: request.reservedWords)
        let answers = try request.answers ?? answers(files)
        let (targets, metric) = try score(files, answers)
        let training = try Examples(
            files: zip(request.splits, targets).map {
                (try files.questions($0), try files.annotations($0), $1)
            },
            vocabulary: vocabulary)
        let validation = try metric.map {
            try layout.annotatedQuestions(
                of: Examples(questions: try files.questions(.val), vocabulary: vocabulary), .val, by: $0)
        }
        return TrainingData(
            vocabulary: vocabulary, wordCounts: counts, answers: answers, training: training,
            validation: validation)
    }

    /// The answers of the annotations; those that are known, where all of these are among them.
    private func answers(_ files: Files) throws -> AnswerList {
        let own = try AnswerList(annotations: answerSplits.map(files.annotations))
        guard let known = request.knownAnswers, known.hasAll(of: own) else { return own }
        return known
    }

    /// What comes of annotations.
    private enum Scores: Sendable {
        case targets(SoftTargets)
        case metric(AccuracyMetric)
    }

    /// The targets of the splits to train on, and the metric of val where it is wanted.
    private func score(_ files: Files, _ answers: AnswerList) throws -> ([SoftTargets], AccuracyMetric?) {
        var work = try request.splits.map { split in
            let table = try files.annotations(split)
            return ParallelWork(cost: table.count) {
                Scores.targets(SoftTargets(annotations: table, answers: answers))
            }
        }
        if request.evaluatesVal {
            let (table, version) = (try files.annotations(.val), request.metric)
            work.append(
                ParallelWork(cost: 2 * table.count) { Scores.metric(AccuracyMetric(table, version: version)) }
            )
        }
        var (targets, metric): ([SoftTargets], AccuracyMetric?) = ([], nil)
        for scores in try ParallelWork.results(of: work) {
            switch scores {
            case .targets(let found): targets.append(found)
            case .metric(let found): metric = found
            }
        }
        return (targets, metric)
    }

    /// The files that were read.
    private struct Files {
        let layout: OfficialLayout
        var questionFiles: [DatasetSplit: TokenizedQuestions] = [:]
        var annotationTables: [DatasetSplit: AnnotationTable] = [:]

        func questions(_ split: DatasetSplit) throws -> TokenizedQuestions {
            guard let file = questionFiles[split] else {
                throw DatasetFileError(file: layout.questions(of: split), problem: "was not read")
            }
            return file
        }

        func annotations(_ split: DatasetSplit) throws -> AnnotationTable {
            guard let table = annotationTables[split] else {
                throw UnannotatedSplitError(split: split.rawValue)
            }
            return table
        }
    }

    /// A file that was read.
    private enum Content: Sendable {
        case questions(DatasetSplit, TokenizedQuestions)
        case annotations(DatasetSplit, AnnotationTable)
    }

    /// Reads all files, beside one another.
    private func readFiles() throws -> Files {
        var work: [ParallelWork<Content>] = []
        for split in questionSplits {
            let file = layout.questions(of: split)
            // Of files that only the vocabulary needs, no question is kept.
            let maximumWords = exampleSplits.contains(split) ? request.maximumWords : 0
            let pieces = request.vocabulary?.pieces
            work.append(
                ParallelWork(cost: file.byteCount) {
                    .questions(
                        split,
                        try TokenizedQuestions(
                            contentsOf: file, maximumWords: maximumWords, pieces: pieces))
                })
        }
        for split in annotationSplits {
            guard let file = layout.annotations(of: split) else {
                throw UnannotatedSplitError(split: split.rawValue)
            }
            work.append(
                ParallelWork(cost: file.byteCount) {
                    .annotations(split, try AnnotationTable(contentsOf: file))
                }
            )
        }
        var files = Files(layout: layout)
        for content in try ParallelWork.results(of: work) {
            switch content {
            case .questions(let split, let file): files.questionFiles[split] = file
            case .annotations(let split, let table): files.annotationTables[split] = table
            }
        }
        return files
    }
}

extension [DatasetSplit] {
    /// These, and those of the others that are not among them.
    fileprivate func adding(_ others: [DatasetSplit]) -> [DatasetSplit] {
        self + others.filter { !contains($0) }
    }
}

extension URL {
    /// How long the file is; 0 where there is none.
    fileprivate var byteCount: Int { Int(FileIdentity(self).byteCount ?? 0) }
}
