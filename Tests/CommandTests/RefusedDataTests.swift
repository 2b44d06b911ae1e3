import Foundation
import TestSupport
import Testing
import VQAFeatures

/// Files of a dataset that are missing or damaged: one line that names the file, and nothing lost.
@Suite struct RefusedDataTests {
    /// A way in which a JSON file can be bad.
    enum Damage: CaseIterable {
        case missing, empty, truncated, notJSON, otherJSON

        /// Does it to a file.
        func apply(to path: String) throws {
            let content = try Data(contentsOf: URL(fileURLWithPath: path))
            try FileManager.default.removeItem(atPath: path)
            switch self {
            case .missing: return
            case .empty: try Data().write(to: URL(fileURLWithPath: path))
            case .truncated: try content.prefix(content.count / 2).write(to: URL(fileURLWithPath: path))
            case .notJSON: try Data("<html>404</html>".utf8).write(to: URL(fileURLWithPath: path))
            case .otherJSON: try Data("{\"a\": [1]}".utf8).write(to: URL(fileURLWithPath: path))
            }
        }
    }

    @Test("score refuses a damaged file and names it", arguments: ["questions", "annotations", "results"])
    func score(file: String) throws {
        let tool = try CommandLineTool()
        for damage in Damage.allCases {
            for name in ["questions", "annotations", "results"] {
                let copy = tool.folder.url.appending(component: name + ".json")
                try? FileManager.default.removeItem(at: copy)
                try FileManager.default.copyItem(at: Fixtures.url("metric/\(name).json"), to: copy)
            }
            try damage.apply(to: tool.folder.file(file + ".json"))
            try tool.expectRefusal(
                [
                    "score", "--questions", "questions.json", "--annotations", "annotations.json",
                    "--results", "results.json",
                ], naming: file + ".json")
        }
    }

    @Test("features that are missing, or lie there in an archive, are told with what to do")
    func absentFeatures() throws {
        let mini = try MiniCommands.withCopiedDataset()
        let folder = mini.dataFile("coco_extract/train2014")
        try FileManager.default.removeItem(atPath: folder)
        let train = mini.train("--set", "use_glove=false")
        try mini.tool.expectRefusal(train, naming: folder, "train2014.packed", "found neither")
        _ = try mini.tool.folder.write("datasets/coco_extract/train2014.tar.gz", "")
        try mini.tool.expectRefusal(
            train, naming: "rwsan pack --input \(folder).tar.gz --output \(folder).packed")
    }

    @Test("info tells of a store that is damaged")
    func damagedStore() throws {
        let mini = try MiniCommands.withCopiedDataset()
        let store = mini.dataFile("coco_extract/val2014.packed")
        let packed = try mini.tool.run(
            "pack", "--input", mini.dataFile("coco_extract/val2014"), "--output", store)
        #expect(packed.exitCode == 0, Comment(rawValue: packed.errorOutput))
        truncate(store + "/shard-00000.safetensors", 1000)
        let outcome = try mini.tool.run("info", mini.datasets)
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        let line = outcome.output.split(separator: "\n").first { $0.hasPrefix("val: ") }
        #expect(line?.contains("shard-00000.safetensors") == true, "\(outcome.output)")
    }

    @Test("score refuses results for other questions, and questions of other annotations")
    func otherQuestions() throws {
        let tool = try CommandLineTool()
        let (metric, mini) = (Fixtures.url("metric"), MiniRun.datasets.appending(component: "vqa"))
        func score(_ questions: URL, _ results: URL) -> [String] {
            [
                "score", "--questions", questions.path, "--annotations",
                metric.appending(component: "annotations.json").path, "--results", results.path,
            ]
        }
        let questions = metric.appending(component: "questions.json")
        try tool.expectRefusal(
            score(questions, MiniRun.expected("test_result_epoch2.json")),
            naming: "test_result_epoch2.json", "600 not predicted", "42 not annotated")
        try tool.expectRefusal(
            score(
                mini.appending(component: "VG_questions.json"), metric.appending(component: "results.json")),
            naming: "VG_questions.json", "600 annotations have no question")
    }

    @Test(
        "train refuses a damaged file of the dataset and names it",
        arguments: [
            "vqa/v2_OpenEnded_mscoco_train2014_questions.json", "vqa/v2_mscoco_train2014_annotations.json",
        ])
    func train(file: String) throws {
        let mini = try MiniCommands.withCopiedDataset()
        let content = try Data(contentsOf: URL(fileURLWithPath: mini.dataFile(file)))
        for damage in [Damage.missing, .truncated, .notJSON] {
            try content.write(to: URL(fileURLWithPath: mini.dataFile(file)))
            try damage.apply(to: mini.dataFile(file))
            try mini.tool.expectRefusal(mini.trainOn(), naming: mini.dataFile(file))
            #expect(!mini.exists(mini.tool.folder.file("ckpts")))
        }
    }

    @Test("a damaged answer list is refused", arguments: Damage.allCases)
    func answers(damage: Damage) throws {
        let mini = try MiniCommands()
        let file = mini.tool.folder.file("answers.json")
        try FileManager.default.copyItem(atPath: MiniRun.answers.path, toPath: file)
        try damage.apply(to: file)
        try mini.tool.expectRefusal(mini.predict("--answers", file), naming: file)
    }

    private static let picture = "coco_extract/test2015/COCO_test2015_000000048846.jpg.npz"

    @Test("features that are cut short, or none, are refused, and no result file appears")
    func damagedFeatures() throws {
        let mini = try MiniCommands.withCopiedDataset()
        let file = mini.dataFile(Self.picture)
        let content = try Data(contentsOf: URL(fileURLWithPath: file))
        for bytes in [content.prefix(content.count / 2), Data(), Data("hello".utf8)] {
            try bytes.write(to: URL(fileURLWithPath: file))
            try mini.tool.expectRefusal(mini.predict(), naming: file)
            #expect(!mini.exists(mini.tool.folder.file("results.json")))
        }
    }

    @Test("features of another width are refused, with the setting and both widths")
    func otherWidth() throws {
        let mini = try MiniCommands.withCopiedDataset()
        let features = try RegionFeatures(
            width: 10, features: Array(repeating: 1, count: 20), boxes: [0, 0, 5, 5, 2, 2, 9, 9],
            imageHeight: 10, imageWidth: 10)
        try features.writeOfficialFile(to: mini.dataFile(Self.picture))
        try mini.tool.expectRefusal(mini.predict(), naming: "48846", "10 wide", "img_feat_size = 24")
    }

    @Test("questions about pictures without features are refused before any work, with the folder")
    func missingFeatures() throws {
        let mini = try MiniCommands.withCopiedDataset()
        try FileManager.default.removeItem(atPath: mini.dataFile(Self.picture))
        try mini.tool.expectRefusal(
            mini.predict(), naming: mini.dataFile("coco_extract/test2015"), "1 of 6 images", "48846")
        try FileManager.default.removeItem(atPath: mini.dataFile("coco_extract/test2015"))
        try mini.tool.expectRefusal(
            mini.predict(), naming: mini.dataFile("coco_extract/test2015"), "test2015.packed, found neither")
    }

    @Test("a dataset that is not there is refused, and so is a folder that is none")
    func noDataset() throws {
        let mini = try MiniCommands.withCopiedDataset()
        try FileManager.default.removeItem(atPath: mini.dataFile("vqa"))
        try mini.tool.expectRefusal(mini.predict(), naming: mini.dataFile("vqa"))
        try FileManager.default.removeItem(atPath: mini.datasets)
        try mini.tool.expectRefusal(mini.predict(), naming: mini.datasets)
    }
}
