import Foundation
import TestSupport
import Testing

@testable import VQAVision

/// Files and notes that say how pictures become patches.
@Suite struct PatchSettingsTests {
    private static func read(_ text: String) throws -> PatchSettings {
        let folder = try TemporaryFolder()
        return try withExtendedLifetime(folder) {
            try PatchSettings(contentsOf: folder.write("preprocessor_config.json", text))
        }
    }

    @Test("both forms of preprocessor_config.json say the same")
    func forms() throws {
        for name in ["preprocessor_config.json", "preprocessor_config_old.json"] {
            let settings = try PatchSettings(contentsOf: Fixtures.url("hub/vilt/" + name).path)
            #expect(try settings == PatchSettings(shortestEdge: 64, divisor: 16))
        }
    }

    @Test("what a file leaves out is as the released ViLT has it, and what it says counts")
    func defaults() throws {
        #expect(try Self.read("{}") == PatchSettings())
        let text = """
            {"size": {"shortest_edge": 100}, "size_divisor": 10, "resample": 3, "rescale_factor": 0.5,
             "image_mean": [1, 2, 3], "image_std": [4, 5, 6], "do_pad": false, "do_center_crop": false}
            """
        let settings = try Self.read(text)
        #expect(
            try settings
                == PatchSettings(
                    shortestEdge: 100, divisor: 10, rescaleFactor: 0.5, means: [1, 2, 3],
                    deviations: [4, 5, 6]))
        #expect(settings.values.map { $0[4] } == [0.25, 0, -1 / 6])
    }

    @Test(
        "a file that asks for something else is refused in one line that says what",
        arguments: [
            (#"{"resample": 2}"#, "resample"), (#"{"do_resize": false}"#, "do_resize"),
            (#"{"do_rescale": false}"#, "do_rescale"), (#"{"do_normalize": false}"#, "do_normalize"),
            (#"{"do_center_crop": true}"#, "do_center_crop"),
            (#"{"image_processor_type": "CLIPImageProcessor"}"#, "'CLIPImageProcessor'"),
            (#"{"feature_extractor_type": "CLIPFeatureExtractor"}"#, "'CLIPFeatureExtractor'"),
            (#"{"size": {"height": 384, "width": 384}}"#, "shortest_edge"), (#"{"size": "384"}"#, "size"),
            (#"{"size": 0}"#, "shortest edge of 1 to 2048 pixels, found 0"),
            (#"{"size": 1000000000}"#, "found 1000000000"), (#"{"size_divisor": -1}"#, "divisor of 1"),
            (#"{"size": 1e300}"#, "preprocessor_config.json"), (#"{"image_mean": [0.5]}"#, "3 means"),
            (#"{"image_std": [0.5, 0, 0.5]}"#, "finite"), (#"{"image_std": [0.5, 1e-300, 0.5]}"#, "finite"),
            (#"{"rescale_factor": 1e300}"#, "finite"), ("[]", "is not a preprocessor_config.json"),
            ("", "is not a preprocessor_config.json"),
        ])
    func refused(text: String, part: String) throws {
        let error = try #require(throws: PatchSettingsError.self) { try Self.read(text) }
        #expect(error.reason.contains(part), "\(error)")
        #expect(error.source.hasSuffix("/preprocessor_config.json"))
        #expect(!error.description.contains("\n"))
    }

    @Test("a file that is not there, or has a gigabyte, is refused")
    func unreadable() throws {
        let folder = try TemporaryFolder()
        #expect(throws: PatchSettingsError.self) { try PatchSettings(contentsOf: folder.file("none.json")) }
        let large = try folder.write("large.json", "{}")
        #expect(truncate(large, 1 << 30) == 0)
        let error = #expect(throws: PatchSettingsError.self) { try PatchSettings(contentsOf: large) }
        #expect(try #require(error).reason.contains("expected at most"))
    }

    @Test("a recipe of patches is read as it was written, and one that cannot be followed is refused")
    func recipe() throws {
        let settings = try PatchSettings(shortestEdge: 64, divisor: 16, means: [0.1, 0.2, 1.0 / 3])
        let recipe = FeatureRecipe.patches(try PatchRecipe(settings, patchSize: 8))
        let text = String(decoding: try JSONEncoder().encode(recipe), as: UTF8.self)
        #expect(text.contains(#""network":"patches of pixels""#))
        #expect(try FeatureRecipe(parsing: text) == recipe)
        for (found, other) in [(#""patchSize":8"#, #""patchSize":5"#), (#""divisor":16"#, #""divisor":0"#)] {
            let changed = text.replacing(found, with: other)
            #expect(changed != text)
            let error = #expect(throws: FeatureRecipeError.self) { try FeatureRecipe(parsing: changed) }
            #expect(try #require(error).description.contains("patches of pixels"))
        }
    }

    @Test("extracted patches are kept, and extraction of other patches is refused beside them")
    func extraction() throws {
        let folder = try TemporaryFolder()
        try FileManager.default.createDirectory(
            atPath: folder.file("pictures"), withIntermediateDirectories: false)
        let file = folder.file("pictures/a_1.png")
        try FileManager.default.copyItem(
            atPath: Fixtures.url("hub/pictures/a_landscape.png").path, toPath: file)
        func extract(_ patchSize: Int) throws -> FeatureExtraction.Report {
            let settings = try PatchSettings(shortestEdge: 64, divisor: 16)
            let extractor = PatchExtractor(try PatchRecipe(settings, patchSize: patchSize))
            return try FeatureExtraction(extractor).run(
                pictures: [folder.file("pictures")], into: folder.file("features"))
        }
        #expect(try extract(16).extractedCount == 1)
        #expect(try extract(16).keptCount == 1)
        #expect(throws: FeatureExtractionError.self) { try extract(8) }
    }
}
