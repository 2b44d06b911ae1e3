import Foundation
import Testing

@testable import VQAData

@Suite struct WordVectorsTests {
    private let vocabulary = Result { try Vocabulary(words: ["PAD", "UNK", "is", "café", ". .", "it"]) }

    private func vectors(_ text: String, dimension: Int = 2) throws -> WordVectors {
        try withFile(text) {
            try WordVectors(glove: $0, vocabulary: vocabulary.get(), dimension: dimension)
        }
    }

    @Test("the vectors of the vocabulary's words are read, zeros where the file lacks one")
    func readsFixture() throws {
        let vocabulary = Vocabulary(
            questions: try OfficialLayout.vocabularySplits.map(TextFixtures.questions))
        let vectors = try WordVectors(
            glove: TextFixtures.mini.appending(component: "glove.mini.300d.txt"), vocabulary: vocabulary)
        #expect(vectors.values.count == 74 * 300)
        #expect(vectors.missingWords == ["PAD", "UNK", "flumox"])
        let a = try #require(vocabulary.number(of: "a"))
        #expect(vectors[a].prefix(2) == [0.94956, 0.51596])
        #expect(vectors[a].last == 0.65936)
        let café = try #require(vocabulary.number(of: "café"))
        #expect(vectors[café].prefix(2) == [0.32267, 0.16569])
        #expect(vectors[Vocabulary.padding].allSatisfy { $0 == 0 })
    }

    @Test("a word may contain spaces, line ends may be those of Windows, the last may be missing")
    func readsOddLines() throws {
        let vectors = try vectors("is 1 -2e-1\r\n. . 3 4\nother 9 9\ncafé .5 +6 \nis 7 8")
        #expect(vectors.values == [0, 0, 0, 0, 7, 8, 0.5, 6, 3, 4, 0, 0])
        #expect(vectors.missingWords == ["PAD", "UNK", "it"])
    }

    @Test("an empty file has no vectors")
    func readsEmptyFile() throws {
        #expect(try vectors("").missingWords.count == 6)
    }

    @Test("a file larger than the reading buffer is read to its end")
    func readsAcrossBuffers() throws {
        let fill = (0..<60_000).map { "word\($0) 0.123456 0.654321\n" }.joined()
        #expect(fill.utf8.count > LineReader.longestLine)
        let vectors = try vectors("it 1 2\n" + fill + "is 3 4\n")
        #expect(vectors.values == [0, 0, 0, 0, 3, 4, 0, 0, 0, 0, 1, 2])
    }

    @Test(
        "a malformed line is an error with its number",
        arguments: [
            ("is 1 2\nit 1\n", 2, "expected a word and 2 numbers, found 2 fields"),
            ("is 1 2\n\nit 1 2\n", 2, "expected a word and 2 numbers, found 0 fields"),
            ("is 1 2 3\n", 1, "expected a word and 2 numbers, found 4 fields"),
            ("400000 2\n", 1, "expected a word and 2 numbers, found 2 fields"),
            ("is 1 x\n", 1, "number 2 of the vector is not a finite number"),
            ("is 1x 2\n", 1, "number 1 of the vector is not a finite number"),
            ("a 0 0\nis nan 2\n", 2, "number 1 of the vector is not a finite number"),
            ("a 0 0\nis 1e99 2\n", 2, "number 1 of the vector is not a finite number"),
        ])
    func malformedLine(text: String, line: Int, problem: String) throws {
        let error = try #require(
            try fileError(text) { file in
                _ = try WordVectors(glove: file, vocabulary: vocabulary.get(), dimension: 2)
            })
        #expect(error.location == .line(line))
        #expect(error.problem == problem)
        #expect(error.description == "\(error.path), line \(line): \(problem)")
    }

    @Test("a line without end is an error, not a reason to run out of memory")
    func endlessLine() throws {
        let text = "is 1 2\n" + String(repeating: "x", count: LineReader.longestLine + 1)
        let error = try #require(
            try fileError(text) { file in
                _ = try WordVectors(glove: file, vocabulary: vocabulary.get(), dimension: 2)
            })
        #expect(error.location == .line(2))
    }

    @Test("a missing file, a folder and a dimension that cannot be are errors")
    func wrongArguments() throws {
        let nowhere = URL(fileURLWithPath: "/nowhere/glove.txt")
        #expect {
            try WordVectors(glove: nowhere, vocabulary: vocabulary.get())
        } throws: {
            "\($0)" == "/nowhere/glove.txt: cannot be opened: No such file or directory"
        }
        #expect {
            try WordVectors(glove: TextFixtures.mini, vocabulary: vocabulary.get())
        } throws: {
            "\($0)".hasSuffix("cannot be read: Is a directory")
        }
        #expect(throws: DatasetFileError.self) { try vectors("is 1 2\n", dimension: -1) }
    }
}
