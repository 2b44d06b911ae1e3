import Foundation
import FoundationXML
import TestSupport
import Testing
import VQAFeatures

/// `rwsan ask --explain`: what answers rest on, in a file of each kind.
@Suite struct ExplainTests {
    private static let vilt = Fixtures.url("hub/vilt").path
    private static let picture = Fixtures.url("hub/pictures/a_landscape.png").path
    private static let features = MiniRun.datasets.appending(
        path: "coco_extract/val2014/COCO_val2014_000000061982.jpg.npz"
    ).path

    private func ask(_ more: String..., questions: [String] = ["Is the cat unaffable?"]) -> [String] {
        ["ask", "--model", Self.vilt, "--picture", Self.picture, "--question"] + questions + more
    }

    private struct Explained: Decodable {
        struct Region: Decodable {
            let box: [Float]
            let name: String?
        }
        struct Word: Decodable {
            let text: String
            let weight: Double
        }
        struct Answer: Decodable {
            let answer: String
            let score: Double
        }
        struct Question: Decodable {
            let question: String
            let method: String
            let note: String
            let answers: [Answer]
            let regions: [Double]
            let words: [Word]
        }
        let picture: String
        let width: Int
        let height: Int
        let regions: [Region]
        let questions: [Question]
    }

    private func explained(_ tool: CommandLineTool, _ arguments: [String], file: String = "why.json") throws
        -> Explained
    {
        let outcome = try tool.run(arguments)
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        return try JSONDecoder().decode(Explained.self, from: Data(tool.folder.bytes(of: file)))
    }

    @Test("a .json has every region and word with its share, and the answers that ask prints")
    func json() throws {
        let tool = try CommandLineTool()
        let questions = ["Is the cat unaffable?", "what is on the table"]
        let found = try explained(
            tool, ask("--explain", "why.json", "--top", "2", questions: questions))
        #expect(found.picture == Self.picture && found.width > 0 && found.height > 0)
        #expect(found.questions.map(\.question) == questions)
        #expect(found.questions[0].words.map(\.text) == ["Is", "the", "cat", "unaffable", "?"])
        let printed = try tool.run(ask("--top", "2", questions: questions)).output
        for question in found.questions {
            #expect(question.method == "attention" && question.note.contains("not the reason"))
            #expect(
                question.regions.count == found.regions.count
                    && found.regions.allSatisfy { $0.box.count == 4 })
            for weights in [question.regions, question.words.map(\.weight)] {
                #expect(abs(weights.reduce(0, +) - 1) < 1e-9 && weights.allSatisfy { $0 >= 0 })
            }
            for answer in question.answers {
                #expect(printed.contains(String(format: "  %.3f  ", answer.score) + answer.answer))
            }
        }
        let layer = try explained(tool, ask("--explain", "why.json", "--layer", "1", "--head", "3"))
        #expect(layer.questions[0].words.map(\.weight) != found.questions[0].words.map(\.weight))
        #expect(layer.questions[0].note.contains("layer 1, head 3"))
        let occluded = try explained(tool, ask("--explain", "why.json", "--explain-by", "occlusion"))
        #expect(
            occluded.questions[0].method == "occlusion" && occluded.questions[0].regions.contains { $0 < 0 })
        #expect(
            occluded.questions[0].answers.prefix(2).map(\.answer) == found.questions[0].answers.map(\.answer))
    }

    @Test("a .png, a .svg and a .html have the picture with its regions, the words and the answers")
    func drawings() throws {
        let tool = try CommandLineTool()
        for method in ["attention", "occlusion"] {
            for kind in ["png", "SVG", "html"] {
                let outcome = try tool.run(ask("--explain", "out/why.\(kind)", "--explain-by", method))
                #expect(
                    outcome.exitCode == 0 && outcome.errorOutput.isEmpty,
                    Comment(rawValue: outcome.errorOutput))
            }
            #expect(try tool.folder.bytes(of: "out/why.png").starts(with: [0x89, 0x50, 0x4E, 0x47]))
            let svg = Data(try tool.folder.bytes(of: "out/why.SVG"))
            #expect(XMLParser(data: svg).parse())
            let html = String(decoding: try tool.folder.bytes(of: "out/why.html"), as: UTF8.self)
            for text in [String(decoding: svg, as: UTF8.self), html] {
                #expect(text.contains("data:image/png;base64,iVBOR") && text.contains(">unaffable<"))
                #expect(!text.contains("<script"))
            }
        }
    }

    @Test("features are drawn where no picture is, with the names of what their regions show")
    func features() throws {
        let mini = try MiniCommands()
        let tool = mini.tool
        let regions = try RegionFeatures(officialFile: Self.features)
        let sure = [Float](repeating: 0.5, count: regions.count)
        let (objects, attributes) = (
            RegionLabels.Guesses(ids: (0..<regions.count).map { Int32($0 % 4) }, confidences: sure),
            RegionLabels.Guesses(ids: [Int32](repeating: 1, count: regions.count), confidences: sure)
        )
        let labels = RegionLabels(objects: try #require(objects), attributes: attributes)
        try regions.writeOfficialFile(to: tool.folder.file("labelled.npz"), labels: labels)
        try FileManager.default.createDirectory(
            atPath: tool.folder.file("names"), withIntermediateDirectories: true)
        _ = try tool.folder.write("names/objects_vocab.txt", "Dog,hound\ncat\nbird\n")
        _ = try tool.folder.write("names/attributes_vocab.txt", "blue\nred\n")
        func ask(_ features: String, _ more: String...) -> [String] {
            mini.ask("--features", features, "--question", "is it red?", "--explain", "why.json") + more
        }
        let named = try explained(tool, ask("labelled.npz", "--names", "names"))
        #expect(named.regions.prefix(4).map(\.name) == ["red dog", "red cat", "red bird", "red object 3"])
        #expect((named.width, named.height) == (regions.imageWidth, regions.imageHeight))
        #expect(abs(named.questions[0].regions.reduce(0, +) - 1) < 1e-9)
        // Where features have no numbers of objects, and where nothing says what the numbers mean, there are no names.
        #expect(try explained(tool, ask("labelled.npz")).regions.allSatisfy { $0.name == nil })
        #expect(
            try explained(tool, ask(Self.features, "--names", "names")).regions.allSatisfy { $0.name == nil })
        let drawn = try tool.run(
            mini.ask(
                "--features", "labelled.npz", "--question", "is it red?", "how many dogs?", "--explain",
                "why.svg", "--names",
                "names", "--explain-by", "occlusion"))
        #expect(drawn.exitCode == 0, Comment(rawValue: drawn.errorOutput))
        let svg = String(decoding: try tool.folder.bytes(of: "why.svg"), as: UTF8.self)
        #expect(svg.contains("red dog ") && svg.contains(">dogs?</text>") && !svg.contains("<image"))
    }

    @Test("what cannot be is told in one line, and no file is left")
    func refused() throws {
        let tool = try CommandLineTool()
        for (arguments, names) in [
            (ask("--explain", "why.gif"), ["--explain", ".png, .svg, .html or .json", "why.gif"]),
            (ask("--explain", "why"), ["--explain", "'why'"]),
            (ask("--explain", "/proc/why.png"), ["/proc/why.png", "cannot be written"]),
            (ask("--explain", "why.png", "--layer", "4"), ["ViLT", "a layer from 1 to 3, found 4"]),
            (ask("--explain", "why.png", "--layer", "-1"), ["a layer from 1 to 3, found -1"]),
            (ask("--explain", "why.png", "--layer", "1", "--head", "5"), ["a head from 1 to 4, found 5"]),
            (ask("--explain", "why.png", "--head", "1"), ["--head: expected --layer"]),
            (
                ask("--explain", "why.png", "--explain-by", "magic"),
                ["--explain-by", "attention or occlusion", "'magic'"]
            ),
            (
                ask("--explain", "why.png", "--explain-by", "occlusion", "--layer", "1"),
                ["--layer: expected --explain-by attention"]
            ),
            (ask("--layer", "1"), ["--layer: expected --explain"]),
            (ask("--explain-by", "occlusion"), ["--explain-by: expected --explain"]),
            (ask("--names", "names"), ["--names: expected --explain"]),
            (ask("--explain", "why.png", "--names", "nowhere"), ["nowhere/objects_vocab.txt"]),
            (
                ["ask", "--model", Self.vilt, "--data", "data", "--explain", "why.png"],
                ["--explain: expected --picture or --features"]
            ),
        ] {
            let outcome = try tool.run(arguments)
            tool.expectOneErrorLine(outcome, naming: names)
            #expect(outcome.output.isEmpty)
        }
        _ = try tool.folder.write("own.png", "")
        try tool.expectRefusal(
            [
                "ask", "--model", Self.vilt, "--picture", "own.png", "--question", "what", "--explain",
                "own.png",
            ],
            naming: "--explain own.png: expected a file of its own, found the one that --picture reads")
        let tiff = ["--picture", Fixtures.url("detector/formats/rgb.tif").path]
        try tool.expectRefusal(
            ["ask", "--model", Self.vilt, "--question", "what", "--explain", "why.html"] + tiff,
            naming: "browsers do not show such a picture", ".png or .json")
        try tool.expectRefusal(
            [
                "ask", "--model", Self.vilt, "--picture", "/dev/zero", "--question", "what", "--explain",
                "why.svg",
            ],
            naming: "/dev/zero", "regular file")
        #expect(try tool.folder.names().filter { $0.hasPrefix("why") }.isEmpty)
    }
}
