import Archives
import Foundation
import TestSupport
import Testing
@testable import TextFiles
@testable import VQADatasets

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

    @Test(
        "a word may contain spaces, line ends may be those of Windows, the last may be no more than a space")
    func readsOddLines() throws {
        let vectors = try vectors("is 1 -2e-1\r\n. . 3 4\nother 9 9\ncafé .5 +6 \nis 7 8 ")
        #expect(vectors.values == [0, 0, 0, 0, 7, 8, 0.5, 6, 3, 4, 0, 0])
        #expect(vectors.missingWords == ["PAD", "UNK", "it"])
    }

    @Test("an empty file is refused: it has no vectors in it")
    func refusesEmptyFile() throws {
        let error = #expect(throws: DatasetFileError.self) { try vectors("") }
        #expect(try #require(error).description.hasSuffix(": no vectors in it"))
    }

    @Test("a file that ends in a number may be cut off in it, and is refused, whatever word the line is of")
    func refusesCutFile() throws {
        for text in ["is 1 2\nit 3 4", "is 1 2\nunheard-of 3 -0.5", "is 1 2\nit 3 4e"] {
            let error = #expect(throws: DatasetFileError.self) { try vectors(text) }
            let problem = try #require(error)
            #expect(problem.location == .line(2))
            #expect(problem.description.contains("without a line end, and may be cut off in its last number"))
        }
        let error = #expect(throws: DatasetFileError.self) { try vectors("is 1 2\nit 3") }
        #expect(try #require(error).description.contains("may be cut off"))
        #expect(try vectors("is 1 2\nit 3 4\n").knownCount == 2)
    }

    @Test("a text without a last line end is whole where the checksum of its zip says so")
    func lastLineInZip() throws {
        let folder = try TemporaryFolder()
        let file = try zip([("glove.txt", "is 1 2\nit 3 4")], in: folder)
        let vectors = try WordVectors(glove: file, vocabulary: vocabulary.get(), dimension: 2)
        #expect(vectors.values == [0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 3, 4])
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

    private func zip(_ entries: [(name: String, text: String)], in folder: TemporaryFolder) throws -> URL {
        let path = folder.file("glove.zip")
        let writer = try ZipWriter(path: path)
        for entry in entries { try writer.add(name: entry.name, contents: Array(entry.text.utf8)) }
        try writer.finish()
        return URL(fileURLWithPath: path)
    }

    @Test("a zip gives what the text in it gives, whatever lies beside it")
    func readsZip() throws {
        let folder = try TemporaryFolder()
        let fill = (0..<100_000).map { "word\($0) 0.123456 0.654321\n" }.joined()
        let text = "is 1 -2e-1\r\n. . 3 4\n" + fill + "café .5 +6 "
        let file = try zip(
            [("__MACOSX/._glove.txt", "no vectors"), ("glove/readme", "words"), ("glove/glove.txt", text)],
            in: folder)
        let vectors = try WordVectors(glove: file, vocabulary: vocabulary.get(), dimension: 2)
        #expect(vectors.values == (try self.vectors(text).values))
        #expect(vectors.missingWords == ["PAD", "UNK", "it"])
        #expect(vectors.knownCount == 3)
    }

    @Test("a wrong line in a zip is an error with its number")
    func wrongLineInZip() throws {
        let folder = try TemporaryFolder()
        let file = try zip([("glove.txt", "is 1 2\na 1 2\nit 1 x\n")], in: folder)
        #expect {
            try WordVectors(glove: file, vocabulary: vocabulary.get(), dimension: 2)
        } throws: {
            "\($0)" == "\(file.path), line 3: number 2 of the vector is not a finite number"
        }
    }

    @Test("a zip that is cut short, damaged, no zip or without a text is an error that names it")
    func damagedZip() throws {
        let folder = try TemporaryFolder()
        let text = (0..<200_000).map { "word\($0 &* 7919) \($0).25 -\($0)\n" }.joined()
        let whole = try Data(contentsOf: try zip([("glove.txt", text)], in: folder))
        var flipped = whole
        for place in whole.count / 2..<whole.count / 2 + 64 { flipped[place] ^= 0xFF }
        let file = folder.url.appending(component: "bad.zip")
        for bytes in [whole.prefix(whole.count / 2), flipped, Data("hello".utf8), Data()] {
            try bytes.write(to: file)
            let error = #expect(throws: DatasetFileError.self) {
                try WordVectors(glove: file, vocabulary: vocabulary.get(), dimension: 2)
            }
            #expect(try #require(error).path == file.path)
            if bytes == flipped, case .line(let line)? = error?.location { #expect(line > 1) }
        }
        let empty = try zip([("readme", "words")], in: folder)
        #expect {
            try WordVectors(glove: empty, vocabulary: vocabulary.get(), dimension: 2)
        } throws: {
            "\($0)" == "\(empty.path): expected a .txt in the archive, found none"
        }
    }

    @Test("a text and a zip are told by their content, whatever their names say")
    func otherNames() throws {
        let folder = try TemporaryFolder()
        let packed = folder.url.appending(component: "glove.840B.300d.txt")
        try FileManager.default.moveItem(at: zip([("glove.txt", "is 1 2\n")], in: folder), to: packed)
        let text = URL(fileURLWithPath: try folder.write("glove.840B.300d.zip", "is 1 2\n"))
        for file in [packed, text] {
            let vectors = try WordVectors(glove: file, vocabulary: vocabulary.get(), dimension: 2)
            #expect(vectors.knownCount == 1)
        }
        let other = URL(fileURLWithPath: try folder.write("glove.txt", [0x1F, 0x8B, 8, 0]))
        #expect {
            try WordVectors(glove: other, vocabulary: vocabulary.get(), dimension: 2)
        } throws: {
            "\($0)"
                == "\(other.path): expected word vectors, as a text or a zip with one, found a file packed with gzip"
        }
    }

    @Test("vectors are kept for the same words and file, and read again when either changes")
    func keepsVectors() throws {
        let folder = try TemporaryFolder()
        let file = URL(fileURLWithPath: try folder.write("glove.txt", "is 1 2\nit 3 4\n"))
        let cache = PreparedCache(folder: folder.file("prepared"), smallestSource: 0)
        usleep(60_000)
        func read(_ words: [String]) throws -> WordVectors {
            try WordVectors(
                glove: file, vocabulary: Vocabulary(words: ["PAD", "UNK"] + words), dimension: 2,
                cache: cache,
                onNotice: { Issue.record("\($0)") })
        }
        for _ in 0..<2 {
            let vectors = try read(["it", "cat"])
            #expect(vectors.values == [0, 0, 0, 0, 3, 4, 0, 0])
            #expect(vectors.missingWords == ["PAD", "UNK", "cat"])
        }
        #expect(try read(["cat", "it"]).values == [0, 0, 0, 0, 0, 0, 3, 4])
        #expect(try FileManager.default.contentsOfDirectory(atPath: cache.folder).count == 2)
        try Data("is 1 2\nit 5 6\n".utf8).write(to: file)
        usleep(60_000)
        #expect(try read(["it", "cat"]).values == [0, 0, 0, 0, 5, 6, 0, 0])
        #expect(try FileManager.default.contentsOfDirectory(atPath: cache.folder).count == 1)
    }
}
