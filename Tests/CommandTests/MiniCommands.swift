import Foundation
import TestSupport
import Testing
import Torch

/// Commands on the fixture of a small official run.
struct MiniCommands {
    let tool: CommandLineTool
    /// The datasets folder: the fixture itself, or a copy that can be damaged.
    private(set) var datasets = MiniRun.datasets.path
    private let configuration: String

    init() throws {
        tool = try CommandLineTool()
        let lines = MiniRun.settings.map { "\($0.key): \($0.value)\n" }
        configuration = try tool.folder.write("mini.yaml", lines.joined())
    }

    /// The same with a copy of the dataset in the working folder.
    static func withCopiedDataset() throws -> MiniCommands {
        var commands = try MiniCommands()
        commands.datasets = commands.tool.folder.file("datasets")
        try FileManager.default.copyItem(atPath: MiniRun.datasets.path, toPath: commands.datasets)
        return commands
    }

    /// The path of a file of the dataset.
    func dataFile(_ name: String) -> String { datasets + "/" + name }

    /// The path of a file of the run `mini`.
    func runFile(_ name: String) -> String { tool.folder.file("ckpts/ckpt_mini/" + name) }

    func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    /// `rwsan train` of the run `mini`.
    func train(_ more: String...) -> [String] {
        ["train", "--data", datasets, "--name", "mini", "--config", configuration] + more
    }

    /// `rwsan train` of the run `mini` that goes on from the official checkpoint.
    func trainOn(_ more: String...) -> [String] {
        train("--answers", MiniRun.answers.path, "--resume", MiniRun.checkpoint(2).path) + more
    }

    /// `rwsan predict` of the test questions with the official checkpoint.
    func predict(_ more: String...) -> [String] {
        [
            "predict", "--checkpoint", MiniRun.checkpoint(2).path, "--data", datasets, "--config",
            configuration, "--split", "test", "--output", "results.json",
        ] + more
    }

    /// `rwsan ask` with the official checkpoint.
    func ask(_ more: String...) -> [String] {
        [
            "ask", "--checkpoint", MiniRun.checkpoint(2).path, "--data", datasets, "--config", configuration,
            "--answers", MiniRun.answers.path,
        ] + more
    }

    /// `rwsan evaluate` with the official checkpoint.
    func evaluate(_ more: String...) -> [String] {
        [
            "evaluate", "--checkpoint", MiniRun.checkpoint(2).path, "--data", datasets, "--config",
            configuration,
        ] + more
    }

    /// The lines of `metrics.jsonl`.
    func metrics() throws -> [[String: Any]] {
        try String(contentsOfFile: runFile("metrics.jsonl"), encoding: .utf8).split(separator: "\n").map {
            try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
    }

    /// The bytes of every tensor of a checkpoint: weights, moments and the random generator's state.
    func tensorBytes(ofCheckpoint name: String) throws -> [String: [UInt8]] {
        let file = try SafetensorsFile(path: runFile(name))
        return try Dictionary(
            uniqueKeysWithValues: file.tensors.map { ($0.name, Array(try file.bytes(of: $0.name))) })
    }
}

extension URL {
    /// What JSON the file holds.
    func json() throws -> NSDictionary {
        try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: self)) as? NSDictionary)
    }
}

extension String {
    /// What JSON the text is.
    func json() throws -> NSDictionary {
        try #require(try JSONSerialization.jsonObject(with: Data(utf8)) as? NSDictionary)
    }
}
