import Foundation
import TestSupport
import Testing
@testable import VQADatasets

@Suite struct AnswerNormalizerTests {
    @Test("1,400 awkward answers are normalised as the official metric does")
    func equalsOfficial() throws {
        let pairs = try TextFixtures.decode(
            [[String]].self, from: TextFixtures.metric.appending(component: "answers_normalized.json"))
        #expect(pairs.count > 1400)
        for pair in pairs {
            let normalized = AnswerNormalizer.normalize(pair[0])
            #expect(Array(normalized.utf8) == Array(pair[1].utf8), "\(pair[0].debugDescription)")
        }
    }

    @Test(
        "the punctuation step deletes next to spaces, makes spaces elsewhere, and keeps the rest",
        arguments: [
            ("park, left", "park left"), ("x,y", "x y"), ("a-b -c", "ab c"), ("The Dog's", "The Dog's"),
            ("1,000 (x)/y", "1000 xy"), ("٣,٤/", "٣٤"), ("٣,x/y", "٣ x y"), ("3.5 m.", "3.5 m"),
            ("a.٣", "a.٣"),
            ("a.b.", "ab"), ("", ""), (",", " "), (String(repeating: ".", count: 40), "........"),
        ])
    func removesPunctuation(answer: String, expected: String) {
        #expect(AnswerNormalizer.removePunctuation(answer) == expected)
    }

    @Test("no comma is left after normalisation, so the rule that deletes commas has nothing to do")
    func leavesNoComma() throws {
        let pairs = try TextFixtures.decode(
            [[String]].self, from: TextFixtures.metric.appending(component: "answers_normalized.json"))
        #expect(pairs.contains { $0[0].contains(",") })
        #expect(pairs.allSatisfy { !AnswerNormalizer.normalize($0[0]).contains(",") })
    }
}

@Suite struct AnswerListTests {
    private func officialList() throws -> AnswerList {
        AnswerList(annotations: try OfficialLayout.answerSplits.map(TextFixtures.annotations))
    }

    private func annotations(_ answers: [[String]]) throws -> AnnotationTable {
        try AnnotationTable(
            answers.enumerated().map { row, answers in
                Annotation(
                    questionID: .init(rawValue: Int64(row)), imageID: .init(rawValue: 0), questionType: "",
                    answerType: "", multipleChoiceAnswer: answers[0],
                    answers: answers.map { HumanAnswer(answer: $0, confidence: "yes", answerID: 1) })
            })
    }

    @Test("the list over train and val is the official release's")
    func equalsOfficial() throws {
        let file = TextFixtures.mini.appending(component: "answer_dict.json")
        let list = try officialList()
        #expect(list.answers == (try AnswerList(contentsOf: file)).answers)
        #expect(list.count == 15)
        #expect(list[AnswerIndex(rawValue: 14)] == "don't know")
        #expect(list.index(of: "don't know") == AnswerIndex(rawValue: 14))
        #expect(list.index(of: "dont know") == nil)
    }

    @Test("a list is written as the official release writes it, byte for byte")
    func writesOfficialForm() throws {
        try withTemporaryFolder { folder in
            let file = folder.appending(component: "answer_dict.json")
            try officialList().write(to: file)
            let official = try Data(contentsOf: TextFixtures.mini.appending(component: "answer_dict.json"))
            #expect(try Data(contentsOf: file) == official)
        }
    }

    @Test("awkward answers survive writing and reading")
    func roundTrips() throws {
        let answers = ["a\"b\\c", "new\nline", "café", "🐶", "", "\u{7F}"]
        try withTemporaryFolder { folder in
            let file = folder.appending(component: "answers.json")
            try AnswerList(answers: answers).write(to: file)
            #expect(try AnswerList(contentsOf: file).answers == answers)
            let text = try String(contentsOf: file, encoding: .utf8)
            #expect(
                text.hasPrefix(
                    #"[{"a\"b\\c": 0, "new\nline": 1, "caf\u00e9": 2, "\ud83d\udc36": 3, "": 4, "\u007f": 5}, {"#
                ))
        }
    }

    @Test("answers that differ only in how a letter is composed stay two, as in Python")
    func composedLetters() throws {
        let answers = ["caf\u{E9}", "cafe\u{301}", "no"]
        try withTemporaryFolder { folder in
            let file = folder.appending(component: "answers.json")
            try AnswerList(answers: answers).write(to: file)
            let read = try AnswerList(contentsOf: file)
            #expect(read.answers.map { Array($0.utf8) } == answers.map { Array($0.utf8) })
        }
    }

    @Test("an answer is kept when seen more often than the threshold, whatever form it was seen in")
    func keepsFrequentAnswers() throws {
        let table = try annotations([["Two"], ["rare"], ["a cat"], ["2"], ["cat"], ["2."]])
        #expect(AnswerList(annotations: [table], seenMoreThan: 1).answers == ["2", "cat"])
        #expect(AnswerList(annotations: [table, table], seenMoreThan: 5).answers == ["2"])
        #expect(AnswerList(annotations: [table]).answers == [])
    }

    @Test(
        "a file that is not an answer list is an error that says what is wrong",
        arguments: [
            ("", "is not an answer list"),
            (#"{"yes": 0}"#, "is not an answer list"),
            (#"[{"yes": 0}]"#, "is not an answer list"),
            (#"[{"yes": 0}, {"0": "yes"}, {}]"#, "more than two objects"),
            (#"[{"yes": "0"}, {"0": "yes"}]"#, "is not an answer list"),
            (#"[{"yes": 0, "no": 1}, {"0": "yes"}]"#, "numbers 2 answers but names 1 numbers"),
            (#"[{"yes": 0, "yes": 1}, {"0": "yes", "1": "no"}]"#, "numbers 1 answers but names 2 numbers"),
            (#"[{"yes": 0, "no": 2}, {"0": "yes", "2": "no"}]"#, "has no answer of number 1"),
            (#"[{"yes": 0, "no": 1}, {"0": "no", "1": "yes"}]"#, "names 'no' for number 0"),
        ])
    func wrongFile(text: String, problem: String) throws {
        let error = try #require(try fileError(text) { _ = try AnswerList(contentsOf: $0) })
        #expect(error.problem.contains(problem))
    }

    @Test("a missing file and an answer given twice are errors")
    func wrongArguments() {
        #expect {
            try AnswerList(contentsOf: URL(fileURLWithPath: "/nowhere/answer_dict.json"))
        } throws: {
            "\($0)" == "/nowhere/answer_dict.json: cannot be read: No such file or directory"
        }
        #expect(throws: AnswerListError.duplicateAnswer("yes")) {
            try AnswerList(answers: ["yes", "no", "yes"])
        }
    }

    @Test("an answer scores 0.3, 0.6, 0.9 and then 1 by how often it was given, in whatever form")
    func scoresTargets() throws {
        let table = try annotations([
            ["Two", "2", "cat", "unlisted", "2."], Array(repeating: "cat", count: 4) + ["2", "two"],
            Array(repeating: "a cat", count: 10), ["unlisted"],
        ])
        let targets = SoftTargets(annotations: table, answers: try AnswerList(answers: ["cat", "2"]))
        #expect(targets.offsets == [0, 2, 4, 5, 5])
        #expect(targets.answers.map(\.rawValue) == [1, 0, 0, 1, 0])
        #expect(targets.scores == [0.9, 0.3, 1, 0.6, 1])
        #expect(targets.count == 4)
        #expect(targets[1].map(\.1) == [1, 0.6])
    }

    @Test("coverage counts answers in normal form, and questions that have one in the list")
    func coverage() throws {
        let table = try annotations([
            ["Two", "2", "cat", "unlisted"], ["a cat", "the cat."], ["unlisted", "x"],
        ])
        let coverage = AnswerCoverage(of: table, by: try AnswerList(answers: ["cat", "2"]))
        #expect((coverage.questions, coverage.questionsCovered) == (3, 2))
        #expect((coverage.answers, coverage.answersCovered) == (8, 5))
        #expect(coverage.answerShare == 0.625)
        #expect(
            AnswerCoverage(of: try AnnotationTable([]), by: try AnswerList(answers: [])).questionShare == 0)
    }
}
