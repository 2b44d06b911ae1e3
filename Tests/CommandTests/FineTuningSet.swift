import Foundation
import TestSupport
import Testing
import Torch
import VQATraining

/// Commands that fine-tune the small published models of the fixtures, on a dataset of 60 pictures of one shape each.
struct FineTuningSet {
    let tool: CommandLineTool
    /// The dataset, with `images/` in it.
    let data: String

    /// - Parameter rows: Makes the spreadsheet's rows out of those that go with the pictures, header included.
    init(_ rows: ([String]) -> [String] = { $0 }) throws {
        tool = try CommandLineTool()
        data = tool.folder.file("data")
        let photos = tool.folder.url.appending(component: "photos")
        try FileManager.default.createDirectory(at: photos, withIntermediateDirectories: true)
        let all = try ShapePictures.write(to: photos).filter {
            !$0.contains("photo 99") && !$0.contains("on the left")
        }
        _ = try tool.folder.write("questions.csv", rows(all).joined(separator: "\n") + "\n")
        let outcome = try tool.run("import", "questions.csv", "--pictures", "photos", "--output", "data")
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
    }

    /// The folder of a small published model.
    static func model(_ name: String) -> String { Fixtures.url("hub/" + name).path }

    /// `rwsan train` that begins the run `small` with the small ViLT.
    func train(_ more: String..., name: String = "small") -> [String] {
        ["train", "--data", data, "--name", name, "--model", Self.model("vilt")] + Self.settings + more
    }

    /// The command that goes on with it, whatever there is of it.
    func resume(_ more: String...) -> [String] {
        ["train", "--data", data, "--name", "small", "--resume", "ckpts/ckpt_small"] + more
    }

    /// A batch and a rate for so few questions; dropout and order are those of the preset, and random.
    static let settings = [
        "batch_size=30", "grad_accu_steps=2", "max_epoch=3", "seed=7", "lr_base=2e-3",
    ].flatMap { ["--set", $0] }

    /// Trains to the end.
    @discardableResult
    func run(_ arguments: [String]) throws -> CommandLineTool.Outcome {
        let outcome = try tool.run(arguments)
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        return outcome
    }

    /// The path of a file of a run.
    func runFile(_ file: String, of name: String = "small") -> String {
        tool.folder.file("ckpts/ckpt_\(name)/\(file)")
    }

    func checkpoint(_ epoch: Int, of name: String = "small") throws -> Checkpoint {
        try Checkpoint(contentsOf: runFile("epoch\(epoch).safetensors", of: name))
    }

    /// What `metrics.jsonl` says of each epoch.
    func metrics(of name: String = "small") throws -> [NSDictionary] {
        try String(contentsOfFile: runFile("metrics.jsonl", of: name), encoding: .utf8).split(separator: "\n")
            .map { try String($0).json() }
    }

    /// The bytes of every tensor of a checkpoint.
    func bytes(ofCheckpoint epoch: Int, of name: String = "small") throws -> [String: [UInt8]] {
        let file = try SafetensorsFile(path: runFile("epoch\(epoch).safetensors", of: name))
        return try Dictionary(
            uniqueKeysWithValues: file.tensors.map { ($0.name, Array(try file.bytes(of: $0.name))) })
    }
}
