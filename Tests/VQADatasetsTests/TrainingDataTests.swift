import Foundation
import TestSupport
import Testing
@testable import TextFiles
@testable import VQADatasets
@testable import VQAFeatures

/// What training takes from text files, read on all cores or from the cache.
@Suite struct TrainingDataTests {
    /// A copy of the fixture's text files that can be changed, with a cache beside it.
    private struct Copy {
        let folder: TemporaryFolder
        let dataset: OfficialDataset
        let cache: PreparedCache

        init() throws {
            folder = try TemporaryFolder()
            let datasets = folder.url.appending(component: "datasets")
            try FileManager.default.createDirectory(at: datasets, withIntermediateDirectories: true)
            try FileManager.default.copyItem(
                at: MiniRun.datasets.appending(component: "vqa"), to: datasets.appending(component: "vqa"))
            dataset = try OfficialDataset(datasets)
            cache = PreparedCache(folder: folder.file("prepared"), smallestSource: 0)
            Self.letSettle()
        }

        /// Files that were changed this very moment are not kept.
        static func letSettle() { usleep(60_000) }

        func entries() -> [String] {
            ((try? FileManager.default.contentsOfDirectory(atPath: cache.folder)) ?? []).sorted()
        }

        /// The data, and what was said on the way.
        func read(_ request: TrainingData.Request? = nil) throws -> (data: TrainingData, notices: [String]) {
            var notices: [String] = []
            let data = try dataset.trainingData(
                request ?? TrainingDataTests.request, cache: cache, onNotice: { notices.append($0) })
            return (data, notices)
        }
    }

    private static let request = TrainingData.Request(splits: [.train], evaluatesVal: true, maximumWords: 16)

    private func expectEqual(
        _ found: Examples, _ expected: Examples, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(found.questionIDs == expected.questionIDs, sourceLocation: sourceLocation)
        #expect(found.imageIDs == expected.imageIDs, sourceLocation: sourceLocation)
        #expect(found.words == expected.words, sourceLocation: sourceLocation)
        #expect(found.targets?.offsets == expected.targets?.offsets, sourceLocation: sourceLocation)
        #expect(found.targets?.answers == expected.targets?.answers, sourceLocation: sourceLocation)
        #expect(found.targets?.scores == expected.targets?.scores, sourceLocation: sourceLocation)
    }

    /// Compares with what the files give when they are read one by one.
    private func expectRight(
        _ data: TrainingData, _ request: TrainingData.Request, _ dataset: OfficialDataset
    )
        throws
    {
        #expect(try data.vocabulary.words == request.vocabulary?.words ?? dataset.vocabulary().words)
        #expect(try data.answers.answers == request.answers?.answers ?? dataset.answers().answers)
        expectEqual(
            data.training,
            try dataset.trainingExamples(
                request.splits, vocabulary: data.vocabulary, answers: data.answers,
                maximumWords: request.maximumWords))
        #expect((data.validation != nil) == request.evaluatesVal)
        guard let validation = data.validation else { return }
        expectEqual(
            validation.examples,
            try dataset.examples(.val, vocabulary: data.vocabulary, maximumWords: request.maximumWords))
        let predictions = try ResultFile.read(MiniRun.expected("val_result_epoch2.json"))
        let expected = try AccuracyMetric(dataset.annotations(.val)).evaluate(predictions)
        #expect(try validation.metric.evaluate(predictions) == expected)
    }

    private static let requests: [TrainingData.Request] = [
        request,
        TrainingData.Request(splits: [.train, .val, .visualGenome], evaluatesVal: false, maximumWords: 4),
    ]

    @Test("the data are those of the files read one by one, also out of the cache", arguments: [0, 1])
    func equalsFiles(number: Int) throws {
        let (copy, request) = (try Copy(), Self.requests[number])
        try expectRight(copy.dataset.trainingData(request), request, copy.dataset)
        for _ in 0..<2 {
            let (data, notices) = try copy.read(request)
            try expectRight(data, request, copy.dataset)
            #expect(notices.isEmpty)
            #expect(copy.entries().count == 1)
        }
    }

    @Test("words and answers that are given are used, and have an entry of their own")
    func givenLists() throws {
        let copy = try Copy()
        _ = try copy.read()
        var request = Self.request
        request.vocabulary = try Vocabulary(words: ["PAD", "UNK", "the", "is"])
        request.answers = try AnswerList(answers: ["yes", "2"])
        for _ in 0..<2 {
            let (data, _) = try copy.read(request)
            try expectRight(data, request, copy.dataset)
            #expect(data.wordCounts.isEmpty)
        }
        #expect(copy.entries().count == 2)
    }

    @Test("reserved words follow PAD and UNK, uncounted, and have an entry of their own in the cache")
    func reservedWords() throws {
        let copy = try Copy()
        let plain = try copy.read().data
        var request = Self.request
        request.reservedWords = ["CLS"]
        for _ in 0..<2 {
            let (data, _) = try copy.read(request)
            #expect(data.vocabulary.words == ["PAD", "UNK", "CLS"] + plain.vocabulary.words.dropFirst(2))
            #expect(data.vocabulary.words == (try copy.dataset.vocabulary(reservedWords: ["CLS"]).words))
            #expect(data.wordCounts == [0, 0, 0] + plain.wordCounts.dropFirst(2))
            let shifted = plain.training.words.words.map { $0 < 2 ? $0 : $0 + 1 }
            #expect(data.training.words.words == shifted)
        }
        #expect(copy.entries().count == 2)
        #expect(try copy.read().data.vocabulary.words == plain.vocabulary.words)
    }

    @Test("words are counted over all question files that make the vocabulary")
    func wordCounts() throws {
        let dataset = try OfficialDataset(MiniRun.datasets)
        let data = try dataset.trainingData(Self.request)
        var expected: [String: Int] = [:]
        for split in OfficialLayout.vocabularySplits {
            for question in try dataset.questions(split) {
                for word in QuestionTokenizer.words(in: question.text) { expected[word, default: 0] += 1 }
            }
        }
        #expect(data.wordCounts.prefix(2) == [0, 0])
        for (word, count) in zip(data.vocabulary.words, data.wordCounts).dropFirst(2) {
            #expect(count == expected[word], "\(word)")
        }
    }

    /// A way to change a source file.
    enum Change: CaseIterable { case content, contentInPlaceWithOldTimes, replacement, removal }

    @Test("whatever happened to a source file, the data are made anew", arguments: Change.allCases)
    func changedSource(change: Change) throws {
        let copy = try Copy()
        _ = try copy.read()
        let old = copy.entries()
        let file = copy.dataset.layout.questions(of: .visualGenome)
        let text = try String(contentsOf: file, encoding: .utf8)
        // Of the same length: words can differ where sizes do not.
        let changed = text.replacing("kite", with: "kitf").replacing("color", with: "kolor")
        #expect(changed != text)
        switch change {
        case .content: try Data(changed.utf8).write(to: file)
        case .contentInPlaceWithOldTimes:
            let times = try #require(
                try FileManager.default.attributesOfItem(atPath: file.path)[.modificationDate] as? Date)
            let handle = try FileHandle(forWritingTo: file)
            try handle.write(contentsOf: Data(changed.utf8))
            try handle.close()
            try FileManager.default.setAttributes([.modificationDate: times], ofItemAtPath: file.path)
        case .replacement:
            let other = copy.folder.url.appending(component: "other.json")
            try Data(changed.utf8).write(to: other)
            #expect(rename(other.path, file.path) == 0)
        case .removal: try FileManager.default.removeItem(at: file)
        }
        Copy.letSettle()
        let (data, notices) = try copy.read()
        let anew = try OfficialDataset(copy.dataset.layout.questionsFolder.deletingLastPathComponent())
        try expectRight(data, Self.request, anew)
        if change != .removal {
            #expect(data.vocabulary.words.contains { $0.hasPrefix("kolor") || $0.hasPrefix("kitf") })
        }
        #expect(notices.isEmpty)
        // The entry of the files as they were is gone.
        #expect(copy.entries().count == 1 && copy.entries() != old)
    }

    @Test("ids that are texts are kept as texts, which mean the same in another process")
    func textIDs() throws {
        var columns = PreparedColumns()
        let ids = ["02930152", "7", "n7"].map { QuestionID($0) }
        try columns.add("texts", ids)
        try columns.add("numbers", [QuestionID(rawValue: 7)])
        try columns.add("forged", [IdentifierPool.firstNumber - 1])
        let folder = try TemporaryFolder()
        try columns.write(to: folder.file("entry"), key: "key")
        let stored = try StoredColumns(folder.file("entry"), key: "key")
        let texts = try stored.strings("texts")
        #expect((0..<3).map { texts[$0] } == ["02930152", "7", "n7"])
        #expect(try stored.identifiers("texts", of: QuestionID.self) == ids)
        #expect(try stored.column("numbers", of: Int64.self) == [7])
        #expect(try stored.identifiers("numbers", of: QuestionID.self) == [QuestionID(rawValue: 7)])
        #expect(throws: StoredColumns.Damage.self) { try stored.identifiers("forged", of: QuestionID.self) }
    }

    @Test("a dataset whose questions have texts as ids is the same out of the cache")
    func textDataset() throws {
        let copy = try Copy()
        for split in [DatasetSplit.train, .val] {
            for file in [
                copy.dataset.layout.questions(of: split), copy.dataset.layout.annotations(of: split),
            ] {
                let file = try #require(file)
                let text = try String(contentsOf: file, encoding: .utf8)
                try text.replacing(/"question_id": (\d+)/) { "\"question_id\": \"q\($0.output.1)\"" }
                    .write(to: file, atomically: true, encoding: .utf8)
            }
        }
        Copy.letSettle()
        let (read, kept) = (try copy.read().data, try copy.read())
        #expect(kept.notices.isEmpty && copy.entries().count == 1)
        #expect(!read.training.questionIDs.contains { !$0.isText })
        expectEqual(kept.data.training, read.training)
        let examples = try #require(kept.data.validation?.examples)
        #expect(examples.questionIDs.first?.description.hasPrefix("q") == true)
        expectEqual(examples, try #require(read.validation?.examples))
    }

    @Test("a damaged entry is told in one line, never used, and made anew")
    func damagedEntry() throws {
        let copy = try Copy()
        _ = try copy.read()
        let path = copy.cache.folder + "/" + (try #require(copy.entries().first))
        let whole = try Data(contentsOf: URL(fileURLWithPath: path))
        var damaged = [Data(), Data("no such thing".utf8), whole.prefix(whole.count / 2), whole.dropLast()]
        damaged += stride(from: 3, to: whole.count, by: whole.count / 23).map { place in
            var bytes = whole
            bytes[place] ^= 0x10
            return bytes
        }
        for bytes in damaged {
            try bytes.write(to: URL(fileURLWithPath: path))
            let (data, notices) = try copy.read()
            #expect(notices.count == 1 && notices[0].contains(path) && !notices[0].contains("\n"))
            try expectRight(data, Self.request, copy.dataset)
            #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == whole)
        }
        #expect(try copy.read().notices.isEmpty)
    }

    @Test("a cache folder that cannot be written is told in one line, and the data are there")
    func unwritableFolder() throws {
        let copy = try Copy()
        let inTheWay = try copy.folder.write("file", "")
        var notices: [String] = []
        let data = try copy.dataset.trainingData(
            Self.request, cache: PreparedCache(folder: inTheWay + "/prepared", smallestSource: 0),
            onNotice: { notices.append($0) })
        try expectRight(data, Self.request, copy.dataset)
        #expect(notices.count == 1 && notices[0].contains(inTheWay))
    }

    @Test("a damaged source file is an error that names it, with a cache as without")
    func damagedSource() throws {
        let copy = try Copy()
        _ = try copy.read()
        let file = try #require(copy.dataset.layout.annotations(of: .val))
        try Data("{\"annotations\": [".utf8).write(to: file)
        Copy.letSettle()
        #expect {
            try copy.read()
        } throws: {
            ($0 as? DatasetFileError)?.path == file.path
        }
    }

    @Test("small files are read anew each time, and nothing is kept of them")
    func smallFiles() throws {
        let copy = try Copy()
        let cache = PreparedCache(folder: copy.cache.folder)
        _ = try copy.dataset.trainingData(Self.request, cache: cache)
        #expect(copy.entries().isEmpty)
    }

    @Test("of many entries, those used last are kept")
    func boundedNumber() throws {
        let copy = try Copy()
        var request = Self.request
        for words in 1...PreparedCache.entryLimit {
            request.maximumWords = words
            _ = try copy.read(request)
        }
        let first = copy.entries()
        #expect(first.count == PreparedCache.entryLimit)
        // The oldest is used again, so that the second oldest has to go.
        request.maximumWords = 1
        _ = try copy.read(request)
        request.maximumWords = 20
        _ = try copy.read(request)
        #expect(copy.entries().count == PreparedCache.entryLimit)
        request.maximumWords = 1
        let before = copy.entries()
        _ = try copy.read(request)
        #expect(copy.entries() == before)
    }

    @Test(
        "questions become the pieces of words that are given, also out of the cache, which tells them apart")
    func pieces() throws {
        let work = try Copy()
        func vocabulary(_ settings: WordPieceSettings) throws -> Vocabulary {
            Vocabulary(
                pieces: try WordPiece(vocabulary: Fixtures.url("hub/vilt/vocab.txt"), settings))
        }
        func request(_ vocabulary: Vocabulary) -> TrainingData.Request {
            TrainingData.Request(
                splits: [.train], evaluatesVal: true, maximumWords: 12, vocabulary: vocabulary)
        }
        let lower = try vocabulary(WordPieceSettings())
        let cased = try vocabulary(WordPieceSettings(isLowercasing: false))
        for (vocabulary, entries) in [(lower, 1), (lower, 1), (cased, 2)] {
            let (data, _) = try work.read(request(vocabulary))
            #expect(work.entries().count == entries)
            #expect(data.vocabulary.pieceList == vocabulary.pieceList)
            let questions = try work.dataset.questions(.train)
            for row in [0, 7, data.training.count - 1] {
                let question = try #require(questions.row(of: data.training.questionIDs[row]))
                #expect(
                    Array(data.training.words(of: row))
                        == vocabulary.encode(questions[question].text, maximumCount: 12))
            }
            #expect(data.training.words(of: 0).first == 4)  // [CLS]
        }
    }

    @Test("answers that are known count where the dataset has no others, and the cache tells them apart")
    func knownAnswers() throws {
        let work = try Copy()
        let own = try work.read().data.answers.answers
        func answers(_ known: [String]) throws -> [String] {
            var request = Self.request
            request.knownAnswers = try AnswerList(answers: known)
            return try work.read(request).data.answers.answers
        }
        #expect(try answers(["zebra"] + own) == ["zebra"] + own)
        #expect(try answers(["zebra"] + own.dropLast()) == own)
        #expect(work.entries().count == 3)
    }
}
