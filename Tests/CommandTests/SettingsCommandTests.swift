import Foundation
import TestSupport
import Testing
import Torch
import VQABatches
import VQAModels
import VQASettings
import VisualQuestionAnswering

@testable import RWSANCommands

/// `help settings`, `train --show-settings`, and commands with models of one's own.
@Suite struct SettingsCommandTests {
    @Test("every setting is listed with its meaning and default, with the models and the datasets")
    func lists() throws {
        let tool = try CommandLineTool()
        let outcome = try tool.run("help", "settings")
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        let lines = outcome.output.split(separator: "\n")
        #expect(lines.allSatisfy { $0.count <= 100 })
        for key in Configuration().keys { #expect(lines.contains { $0.hasPrefix("  \(key) ") }, "\(key)") }
        for title in ["Models (", "Datasets (", "The model rwsan:", "The dataset vqa-v2:", "Training:"] {
            #expect(lines.contains { $0.hasPrefix(title) }, "\(title)")
        }
        #expect(lines.contains { $0.hasPrefix("  easy-vqa ") && $0.contains("easy-VQA: ") })
        #expect(lines.contains { $0.hasPrefix("  hidden_size        512          The width") })
    }

    @Test("a run's settings are shown without a run, and as JSON")
    func showsSettings() throws {
        let tool = try CommandLineTool()
        _ = try tool.folder.write("x.yaml", "max_epoch: 3\ndataset: easy-vqa\n")
        let arguments = ["train", "--show-settings", "--config", "x.yaml", "--set", "hidden_size=64"]
        let text = try tool.run(arguments)
        #expect(text.exitCode == 0, Comment(rawValue: text.errorOutput))
        #expect(text.output.contains("The dataset easy-vqa:"))
        #expect(text.output.contains("Default: 512."))

        let listing = try tool.run(arguments + ["--json"]).output.json()
        let groups = try #require(listing["groups"] as? [[String: Any]])
        let settings = groups.flatMap { $0["settings"] as? [[String: Any]] ?? [] }
        let width = try #require(settings.first { $0["key"] as? String == "hidden_size" })
        #expect(width["value"] as? Int == 64)
        #expect(width["default"] as? Int == 512)
        #expect(settings.first { $0["key"] as? String == "max_epoch" }?["value"] as? Int == 3)
        #expect((listing["models"] as? [[String: String]])?.first?["name"] == "rwsan")
        #expect(try tool.folder.names() == ["x.yaml"], "nothing is trained")
        try tool.expectRefusal(
            ["train", "--show-settings", "--set", "hiden_size=64"], naming: "hidden_size")
    }

    @Test("a model chosen beside a settings file leaves the file's settings as they are")
    func modelBesideFile() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write(
            "a.yaml", "batch_size: 20\nmax_epoch: 3\nimg_feat_size: 112\nmodel: rwsan\n")
        var configuration = Configuration()
        try ConfigurationOptions.parse(["--config", file, "--set", "model=mcan_small"])
            .apply(to: &configuration)
        let values = configuration.dictionary
        #expect(values["model"] == "mcan_small")
        #expect(values["batch_size"] == .int(20) && values["max_epoch"] == .int(3))
        #expect(values["img_feat_size"] == .int(112))
        let wrong = try ConfigurationOptions.parse(["--set", "=3"])
        let error = #expect(throws: (any Error).self) { try wrong.apply(to: &configuration) }
        #expect("\(try #require(error))" == "--set: expected key=value, found '=3'")
    }

    @Test("a package with a model of its own has it in all settings, checkpoints and help")
    func ownModel() throws {
        let registries = Registries(models: ModelRegistry([RWSAN.self, OwnModel.self]), datasets: .standard)
        try Registries.$current.withValue(registries) {
            let options = try ConfigurationOptions.parse(["--set", "model=own", "--set", "own_width=7"])
            let listing = try SettingsListing(options)
            #expect(listing.models.map(\.name) == ["rwsan", "own"])
            let own = try #require(listing.groups.first { $0.title == "The model own" })
            #expect(own.settings.map(\.key) == ["own_width"])
            #expect(own.settings[0].value == 7)
            #expect(Registries.answererOptions().models.names == ["rwsan", "own"])
            #expect(try Registries.configuration().restored(from: ["model": "own"]).model.name == "own")
        }
        #expect(Registries.current.models.names == ModelRegistry.standard.names)
    }
}

private final class OwnModel: Module, VQAModel {
    struct Options: SettingsGroup {
        var width = 3
        static let settings: [Setting<Self>] = [.count("own_width", \.width, "A width.")]
    }

    static let presets = [ModelPreset("own", "A model of a test.")]

    init(_ options: Options, inputs: ModelInputs) throws {}

    func callAsFunction(_ batch: Batch) throws -> Tensor { try Tensor([Float(0)], shape: [1]) }
}
