import Foundation
import TestSupport
import Testing
import VQAFeatures
@testable import TextFiles
@testable import VQADatasets

/// A datasets folder as a whole: what is in it, and what is said where something is not.
@Suite struct OfficialDatasetTests {
    private func copy() throws -> (TemporaryFolder, OfficialDataset) {
        let folder = try TemporaryFolder()
        try FileManager.default.copyItem(
            at: MiniRun.datasets, to: folder.url.appending(component: "datasets"))
        return (folder, try OfficialDataset(folder.url.appending(component: "datasets")))
    }

    private func mini() throws -> OfficialDataset { try OfficialDataset(MiniRun.datasets) }

    @Test("every split has its questions, and those that people answered have annotations")
    func splits() throws {
        let dataset = try mini()
        let counts: [(DatasetSplit, Int)] = [(.train, 252), (.val, 72), (.test, 42), (.visualGenome, 20)]
        for (split, count) in counts {
            #expect(dataset.hasQuestions(split))
            #expect(try dataset.questions(split).count == count)
        }
        #expect(dataset.hasAnnotations(.val) && !dataset.hasAnnotations(.test))
        #expect(throws: UnannotatedSplitError.self) { try dataset.annotations(.test) }
    }

    @Test("the vocabulary and the answer list are the official ones")
    func wordsAndAnswers() throws {
        let dataset = try mini()
        let official = try AnswerList(contentsOf: MiniRun.answers)
        #expect(try dataset.answers().answers == official.answers)
        #expect(try dataset.vocabulary().count == 74)
        #expect(dataset.absentVocabularySplits.isEmpty)
    }

    @Test("a dataset may do without question files, which are told")
    func absentQuestions() throws {
        let (folder, dataset) = try copy()
        defer { withExtendedLifetime(folder) {} }
        try FileManager.default.removeItem(at: dataset.layout.questions(of: .visualGenome))
        try FileManager.default.removeItem(at: dataset.layout.questions(of: .test))
        #expect(dataset.absentVocabularySplits == [.test, .visualGenome])
        #expect(try dataset.vocabulary().count < 74)
        for split in [DatasetSplit.train, .val] {
            try FileManager.default.removeItem(at: dataset.layout.questions(of: split))
        }
        let emptied = try OfficialDataset(dataset.layout.questionsFolder.deletingLastPathComponent())
        #expect(throws: DatasetFileError.self) { try emptied.vocabulary() }
    }

    @Test("training examples follow the annotations, split after split, with their targets")
    func trainingExamples() throws {
        let dataset = try mini()
        let (vocabulary, answers) = (try dataset.vocabulary(), try dataset.answers())
        let examples = try dataset.trainingExamples(
            [.train, .val], vocabulary: vocabulary, answers: answers, maximumWords: 16)
        let ids = try dataset.annotations(.train).questionIDs + dataset.annotations(.val).questionIDs
        #expect(examples.questionIDs == ids)
        #expect(examples.hasTargets)
        let questions = try dataset.questions(.val)
        let row = try #require(questions.row(of: ids[252]))
        #expect(Array(examples.words(of: 252)) == vocabulary.encode(questions[row].text, maximumCount: 16))
        let targets = SoftTargets(annotations: try dataset.annotations(.val), answers: answers)
        #expect(examples.scores(of: 252).map(\.answer) == targets[0].map(\.0))
    }

    @Test("questions to answer have no targets, and come in file order")
    func examples() throws {
        let dataset = try mini()
        let examples = try dataset.examples(.test, vocabulary: dataset.vocabulary(), maximumWords: 4)
        #expect(examples.questionIDs == (try dataset.questions(.test).ids))
        #expect(!examples.hasTargets && examples.scores(of: 0).isEmpty)
        #expect((0..<examples.count).allSatisfy { examples.words(of: $0).count <= 4 })
    }

    @Test("features come from the folders of all splits asked for; Visual Genome's from both of COCO's")
    func features() throws {
        let dataset = try mini()
        let images = try Set(dataset.questions(.train).imageIDs + dataset.questions(.val).imageIDs)
        func count(_ splits: [DatasetSplit]) throws -> Int {
            try images.filter(dataset.features(splits, maximumRegions: 40).contains).count
        }
        #expect(try count([.train]) == 14)
        #expect(try count([.train, .val]) == 22)
        #expect(try count([.visualGenome]) == 22)
    }

    @Test("the note on how features were made is found where there is one")
    func recipe() throws {
        let (folder, dataset) = try copy()
        defer { withExtendedLifetime(folder) {} }
        #expect(dataset.featureRecipe(.train) == nil)
        let note = dataset.layout.featureFolders(of: .train)[0].appending(
            component: FeatureNote.fileName)
        try Data("{}".utf8).write(to: note)
        #expect(dataset.featureRecipe(.train) == "{}")
        #expect(dataset.featureRecipe(.val) == nil)
    }

    @Test("a folder that is not there is an error that names it")
    func noFolder() throws {
        let error = #expect(throws: DatasetFolderError.self) {
            try OfficialDataset(URL(fileURLWithPath: "/nowhere/datasets"))
        }
        #expect(try #require(error).description.hasPrefix("/nowhere/datasets: "))
        #expect(throws: DatasetFolderError.self) { try OfficialDataset(MiniRun.answers) }
    }

    @Test("a table is read once")
    func readOnce() throws {
        let (folder, dataset) = try copy()
        defer { withExtendedLifetime(folder) {} }
        _ = try dataset.questions(.test)
        try FileManager.default.removeItem(at: dataset.layout.questions(of: .test))
        #expect(try dataset.questions(.test).count == 42)
    }
}
