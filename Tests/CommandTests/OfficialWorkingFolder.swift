import Foundation
import TestSupport

/// A working folder as users of the official release have it, with the mini dataset in it.
struct OfficialWorkingFolder {
    struct Finished {
        let status: Int32
        let standardOutput: String
        let standardError: String
    }

    /// The settings of the official run on the mini dataset.
    private static let settings = """
        hidden_size: 32
        multi_head: 4
        srwsa_layer: 2
        sgrwsa_layer: 2
        srwsa_midsize: 4
        sgrwsa_sa_midsize: 8
        sgrwsa_ga_midsize: 16
        flat_mlp_size: 16
        flat_out_size: 64
        img_feat_size: 24
        img_feat_pad_size: 40
        batch_size: 16
        lr_base: 0.001
        lr_decay_list: [3, 4]
        max_epoch: 5
        dropout_r: 0
        shuffle: false
        """

    private let folder: TemporaryFolder
    private var url: URL { folder.url }

    init() throws {
        folder = try TemporaryFolder()
        let manager = FileManager.default
        try manager.createSymbolicLink(
            at: url.appending(component: "datasets"),
            withDestinationURL: Fixtures.url("mini/datasets"))
        try manager.createDirectory(
            at: url.appending(component: "data"), withIntermediateDirectories: true)
        try manager.copyItem(
            at: Fixtures.url("mini/answer_dict.json"), to: file("data/answer_dict.json"))
        try Data(Self.settings.utf8).write(to: file("mini.yaml"))
    }

    func file(_ path: String) -> URL { url.appending(path: path) }

    func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: file(path).path) }

    /// Puts a checkpoint of the official run where the official release keeps it.
    func addOfficialCheckpoint(epoch: Int, version: String) throws {
        let folder = file("ckpts/ckpt_\(version)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try FileManager.default.copyItem(
            at: Fixtures.url("mini/ckpts/epoch\(epoch).pkl"),
            to: folder.appending(component: "epoch\(epoch).pkl"))
    }

    /// Runs a line in a shell in this folder, as it would be typed; `rwsan` is the program under test.
    func run(_ line: String) throws -> Finished {
        let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
            .deletingLastPathComponent().appending(component: "rwsan")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", "rwsan() { \"$0\" \"$@\"; }; \(line)", program.path]
        process.currentDirectoryURL = url
        // Through files: a pipe that nobody reads while the other fills up would stop the program.
        let (output, errors) = (file("stdout.txt"), file("stderr.txt"))
        for url in [output, errors] { try Data().write(to: url) }
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = try FileHandle(forWritingTo: errors)
        try process.run()
        process.waitUntilExit()
        return Finished(
            status: process.terminationStatus,
            standardOutput: try String(contentsOf: output, encoding: .utf8),
            standardError: try String(contentsOf: errors, encoding: .utf8))
    }
}
