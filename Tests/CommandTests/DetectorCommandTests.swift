import Foundation
import TestSupport
import Testing
import VQAFeatures

/// From pictures to an answer by way of a region detector.
@Suite struct DetectorCommandTests {
    private let tool: CommandLineTool
    private static let weights = Fixtures.url("detector/weights.caffemodel").path
    private static let pictures = ["a_landscape", "b_portrait", "c_wide", "d_grey"]

    init() throws {
        tool = try CommandLineTool()
        try FileManager.default.createDirectory(
            atPath: tool.folder.file("pictures"), withIntermediateDirectories: true)
        for (index, picture) in Self.pictures.enumerated() {
            try FileManager.default.copyItem(
                atPath: Fixtures.url("detector/\(picture).png").path,
                toPath: tool.folder.file("pictures/" + Self.name(index + 1)))
        }
    }

    private static func name(_ image: Int) -> String { "COCO_train2014_00000000000\(image).png" }

    private func extract(_ more: String..., weights: String = Self.weights) -> [String] {
        [
            "extract", "--detector", weights, "--pictures", "pictures", "--output",
            "datasets/coco_extract/train2014",
        ]
            + more
    }

    @Test("regions are extracted, trained on, and asked about without another option")
    func fromPicturesToAnswer() throws {
        #expect(try tool.run(extract()).exitCode == 0)
        let file = tool.folder.file("datasets/coco_extract/train2014/\(Self.name(2)).npz")
        let arrays = try NPZFile(path: file).arrayNames
        for name in [
            "x", "bbox", "num_bbox", "image_h", "image_w", "objects_id", "objects_conf", "attrs_id",
            "attrs_conf",
        ] {
            #expect(arrays.contains(name))
        }
        let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
        try FileManager.default.removeItem(atPath: file)
        let again = try tool.run(extract())
        #expect(again.errorOutput.contains("1 pictures extracted, 3 there already, 0 left out"))
        #expect(try Data(contentsOf: URL(fileURLWithPath: file)) == bytes)

        try train()
        let ask = ["ask", "--checkpoint", "ckpts/ckpt_tiny/epoch1.safetensors", "--question", "is it day?"]
        let ofPicture = ask + ["--picture", "pictures/" + Self.name(2)]
        let asked = try tool.run(ofPicture)
        #expect(asked.exitCode == 0, Comment(rawValue: asked.errorOutput))
        let ofFeatures = try tool.run(ask + ["--features", file])
        #expect(
            asked.output.split(separator: "\n").dropFirst()
                == ofFeatures.output.split(separator: "\n").dropFirst())

        // What a detector thinks regions are is known of a picture as it is of features.
        try tool.writeDetectorNames()
        let explanation = ["--explain", "why.json", "--names", "names"]
        var explained: [NSDictionary] = []
        for command in [ofPicture, ask + ["--features", file]] {
            let outcome = try tool.run(command + explanation)
            #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
            explained.append(try tool.folder.url.appending(component: "why.json").json())
        }
        let names = explained.map {
            ($0["regions"] as? [NSDictionary])?.compactMap { $0["name"] as? String } ?? []
        }
        #expect(names[0] == names[1] && names[0].count >= 10)
        #expect(names[0].allSatisfy { $0.hasPrefix("quality") && $0.contains(" thing<") })

        // Without the copy of the weights that extraction kept, nothing has them.
        try FileManager.default.removeItem(atPath: tool.folder.file(".cache/detector"))
        try tool.expectRefusal(ofPicture, naming: "--detector", "bottom-up attention with weights")
        let other = try tool.run(ofPicture + ["--detector", Fixtures.url("detector/weights_hf.bin").path])
        #expect(other.exitCode == 0)
        #expect(other.errorLines.count == 1 && other.errorOutput.contains("made with other weights"))
    }

    @Test("a model whose features were made in a type that is not known here is asked about no picture")
    func unknownPrecision() throws {
        #expect(try tool.run(extract()).exitCode == 0)
        let note = "datasets/coco_extract/train2014/extraction.json"
        let text = try String(contentsOfFile: tool.folder.file(note), encoding: .utf8)
        _ = try tool.folder.write(note, text.replacingOccurrences(of: "float32", with: "float8"))
        try train()
        try tool.expectRefusal(
            [
                "ask", "--checkpoint", "ckpts/ckpt_tiny/epoch1.safetensors", "--question", "is it day?",
                "--picture",
                "pictures/" + Self.name(2),
            ], naming: "epoch1.safetensors",
            "expected features made in float32, bfloat16 or int8, found 'float8'")
    }

    @Test("a folder of regions takes none that were found otherwise")
    func otherRecipe() throws {
        #expect(try tool.run(extract()).exitCode == 0)
        try tool.expectRefusal(
            extract("--regions", "36"), naming: "features of 36 regions", "features of 10-100 regions")
        try tool.expectRefusal(
            ["extract", "--pictures", "pictures", "--output", "datasets/coco_extract/train2014"],
            naming: "block 7",
            "10-100 regions by bottom-up attention")
    }

    @Test("a picture that is too small for a region is named and left out")
    func smallPicture() throws {
        let small = "pictures/COCO_train2014_000000000009.bmp"
        let row = [UInt8](repeating: 90, count: 36)
        let picture = PictureBytes.bmp(
            width: 12, height: 12, bitsPerPixel: 24, rows: Array(repeating: row, count: 12))
        _ = try tool.folder.write(small, Data(picture))
        let outcome = try tool.run(extract())
        #expect(outcome.exitCode == 0)
        #expect(
            outcome.errorOutput.contains(
                "left out: \(small): expected a picture with more than 16 pixels a side"))
        #expect(outcome.errorOutput.contains("4 pictures extracted, 0 there already, 1 left out"))
    }

    @Test("options that do not belong together, and files that are no weights, are refused")
    func refused() throws {
        try tool.expectRefusal(
            extract(weights: "pictures/" + Self.name(1)), naming: Self.name(1), "detector", "PNG")
        try tool.expectRefusal(extract(weights: "nowhere.pth"), naming: "nowhere.pth")
        try tool.expectRefusal(extract("--regions", "7-3"), naming: "--regions", "'7-3'")
        try tool.expectRefusal(extract("--precision", "int4"), naming: "--precision", "'int4'")
        try tool.expectRefusal(extract("--blocks", "7"), naming: "--blocks", "without --detector")
        let plain = ["extract", "--pictures", "pictures", "--output", "features"]
        try tool.expectRefusal(plain + ["--regions", "36"], naming: "--regions", "--detector")
        try tool.expectRefusal(plain + ["--precision", "float32"], naming: "--precision", "--detector")
    }

    /// Trains a small model on the extracted regions for an epoch.
    private func train() throws {
        try writeQuestions()
        let trained = try tool.run(
            "train", "--data", "datasets", "--name", "tiny", "--answers", "answers.json", "--set",
            "img_feat_size=128",
            "--set", "hidden_size=64", "--set", "max_epoch=1", "--set", "flat_out_size=64", "--set",
            "use_glove=false",
            "--set", "batch_size=4")
        #expect(trained.exitCode == 0, Comment(rawValue: trained.errorOutput))
    }

    /// Two questions about each picture, and an answer list.
    private func writeQuestions() throws {
        let questions: [[String: Any]] = (0..<8).map {
            [
                "image_id": $0 / 2 + 1, "question_id": $0,
                "question": ["what colour is it?", "is it day?"][$0 % 2],
            ]
        }
        let annotations: [[String: Any]] = questions.indices.map { index in
            let answer = ["red", "blue"][index % 2]
            return [
                "image_id": index / 2 + 1, "question_id": index, "question_type": "what",
                "answer_type": "other",
                "multiple_choice_answer": answer,
                "answers": (1...10).map { ["answer": answer, "answer_id": $0, "answer_confidence": "yes"] },
            ]
        }
        let files: [(String, Any)] = [
            ("datasets/vqa/v2_OpenEnded_mscoco_train2014_questions.json", ["questions": questions]),
            ("datasets/vqa/v2_mscoco_train2014_annotations.json", ["annotations": annotations]),
            ("answers.json", [["red": 0, "blue": 1], ["0": "red", "1": "blue"]]),
        ]
        try FileManager.default.createDirectory(
            atPath: tool.folder.file("datasets/vqa"), withIntermediateDirectories: true)
        for (path, value) in files {
            try JSONSerialization.data(withJSONObject: value).write(
                to: URL(fileURLWithPath: tool.folder.file(path)))
        }
    }
}

/// What a detector sees, shown.
@Suite struct DetectCommandTests {
    private let tool: CommandLineTool
    private static let picture = Fixtures.url("detector/a_landscape.png").path
    private static let detector = ["--detector", Fixtures.url("detector/weights.caffemodel").path]

    init() throws { tool = try CommandLineTool() }

    private func detect(_ more: String..., picture: String = Self.picture) -> [String] {
        ["detect", picture] + Self.detector + more
    }

    @Test("regions are told surest first, with names where there are any, and drawn")
    func regions() throws {
        let lines = try tool.run(detect()).output.split(separator: "\n")
        let sureness = lines.compactMap { Double($0.prefix(5)) }
        #expect(lines.count >= 10 && sureness.count == lines.count && sureness == sureness.sorted(by: >))
        let first = try #require(lines.first)
        #expect(first.contains("attribute ") && first.contains("object "))

        let index = try #require(
            first.split(separator: " ").drop { $0 != "object" }.dropFirst().first.flatMap { Int($0) })
        try tool.writeDetectorNames()
        let drawn = try tool.run(detect("--names", "names", "--output", "boxes.svg"))
        #expect(drawn.exitCode == 0, Comment(rawValue: drawn.errorOutput))
        #expect(drawn.output.split(separator: "\n").first?.contains(" thing<\(index)> ") == true)
        let svg = try String(contentsOfFile: tool.folder.file("boxes.svg"), encoding: .utf8)
        // Each frame has a white edge; the surest 20 are drawn.
        #expect(svg.components(separatedBy: "fill=\"none\"").count == 2 * min(20, lines.count) + 1)
        #expect(svg.components(separatedBy: "<text ").count == min(20, lines.count) + 1)
        #expect(try tool.run(detect("--output", "three.svg", "--draw", "3")).exitCode == 0)
        let three = try String(contentsOfFile: tool.folder.file("three.svg"), encoding: .utf8)
        #expect(three.components(separatedBy: "<text ").count == 4)
        #expect(svg.hasPrefix("<svg ") && svg.hasSuffix("</svg>\n"))
        #expect(svg.contains("thing&lt;\(index)>") && svg.contains("href=\"data:image/png;base64,iVBOR"))
    }

    @Test("a PNG has the boxes drawn over the picture, of any format, with a font or without one")
    func png() throws {
        for picture in [Self.picture, Fixtures.url("detector/formats/rgb.tif").path] {
            let outcome = try tool.run(detect("--output", "boxes.png", picture: picture))
            #expect(
                outcome.exitCode == 0 && outcome.errorOutput.isEmpty, Comment(rawValue: outcome.errorOutput))
        }
        #expect(try tool.run(detect("--output", "large.PNG")).exitCode == 0)
        // 160 x 120, drawn four times as large: what a PNG has in its head.
        let drawn = try tool.folder.bytes(of: "large.PNG")
        #expect(Array(drawn[16..<24]) == [0, 0, 2, 128, 0, 0, 1, 224])
        let more = try tool.run(detect("--output", "more.png", "--draw", "1"))
        #expect(more.exitCode == 0)
        #expect(try tool.folder.bytes(of: "more.png") != drawn)

        _ = try tool.folder.write(
            "fonts.conf", "<fontconfig><dir>/nowhere</dir><cachedir>fonts</cachedir></fontconfig>")
        let plain = try tool.run(
            in: "FONTCONFIG_FILE=$PWD/fonts.conf \"$@\"", detect("--output", "plain.png"))
        #expect(plain.exitCode == 0)
        #expect(plain.errorOutput.contains("the system has no font"))
        #expect(try tool.folder.bytes(of: "plain.png").count > 1000)
    }

    @Test("--json has every region, and so has a .json file")
    func json() throws {
        struct Seen: Decodable {
            let width: Int
            let regions: [Region]

            struct Region: Decodable {
                let box: [Float]
                let object: String
                let attribute: String
            }
        }
        let outcome = try tool.run(detect("--json", "--regions", "36", "--output", "boxes.json"))
        let file = try Data(contentsOf: URL(fileURLWithPath: tool.folder.file("boxes.json")))
        for data in [Data(outcome.output.utf8), file] {
            let seen = try JSONDecoder().decode(Seen.self, from: data)
            #expect(seen.width == 160 && seen.regions.count == 36)
            #expect(seen.regions.allSatisfy { $0.box.count == 4 && $0.object.hasPrefix("object ") })
        }
    }

    @Test("what cannot be drawn, read or named is refused")
    func refused() throws {
        try tool.expectRefusal(["detect", Self.picture], naming: "--detector")
        try tool.expectRefusal(
            detect("--output", "boxes.gif"), naming: "--output", ".png, .svg or .json", "boxes.gif")
        try tool.expectRefusal(detect("--output", "boxes.png", "--draw", "0"), naming: "--draw", "0")
        try tool.expectRefusal(
            detect("--output", "boxes.json", "--draw", "5"), naming: "--draw", ".png or .svg")
        _ = try tool.folder.write("long_1.png", PictureBytes.blackPNG(width: 40_000, height: 100))
        try tool.expectRefusal(
            detect("--output", "boxes.png", picture: "long_1.png"), naming: "--output", "32767 pixels a side")
        try tool.expectRefusal(
            detect("--output", "boxes.svg", picture: Fixtures.url("detector/formats/rgb.tif").path),
            naming: "--output",
            ".json")
        try tool.expectRefusal(detect(picture: "nowhere.png"), naming: "nowhere.png")
        try tool.expectRefusal(detect("--names", "nowhere"), naming: "nowhere/objects_vocab.txt")
        try tool.expectRefusal(detect("--output", Self.picture + "/boxes.json"), naming: "boxes.json")
    }
}

extension CommandLineTool {
    /// Names for the fixture's detector, in the folder `names`.
    fileprivate func writeDetectorNames() throws {
        try FileManager.default.createDirectory(
            atPath: folder.file("names"), withIntermediateDirectories: true)
        _ = try folder.write(
            "names/objects_vocab.txt", (0..<40).map { "Thing<\($0)>,other\r\n" }.joined())
        _ = try folder.write("names/attributes_vocab.txt", (0..<16).map { "quality\($0)\n" }.joined())
    }
}
