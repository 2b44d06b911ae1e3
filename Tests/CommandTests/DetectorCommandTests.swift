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

        try writeQuestions()
        let trained = try tool.run(
            "train", "--data", "datasets", "--name", "tiny", "--answers", "answers.json", "--set",
            "img_feat_size=128",
            "--set", "hidden_size=64", "--set", "max_epoch=1", "--set", "flat_out_size=64", "--set",
            "use_glove=false",
            "--set", "batch_size=4")
        #expect(trained.exitCode == 0, Comment(rawValue: trained.errorOutput))

        let ask = ["ask", "--checkpoint", "ckpts/ckpt_tiny/epoch1.safetensors", "--question", "is it day?"]
        let ofPicture = ask + ["--picture", "pictures/" + Self.name(2)]
        let asked = try tool.run(ofPicture)
        #expect(asked.exitCode == 0, Comment(rawValue: asked.errorOutput))
        let ofFeatures = try tool.run(ask + ["--features", file])
        #expect(
            asked.output.split(separator: "\n").dropFirst()
                == ofFeatures.output.split(separator: "\n").dropFirst())

        // Without the copy of the weights that extraction kept, nothing has them.
        try FileManager.default.removeItem(atPath: tool.folder.file(".cache/detector"))
        try tool.expectRefusal(ofPicture, naming: "--detector", "bottom-up attention with weights")
        let other = try tool.run(ofPicture + ["--detector", Fixtures.url("detector/weights_hf.bin").path])
        #expect(other.exitCode == 0)
        #expect(other.errorLines.count == 1 && other.errorOutput.contains("made with other weights"))
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
