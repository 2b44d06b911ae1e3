import FileSystem
import Foundation
import Torch

/// What a command line in the official form is in ours: a subcommand with its options, such that the files
/// are written where the official release writes them.
///
///     results/log/log_run_<VERSION>.txt                        RUN train and val
///     results/cache/result_run_<VERSION>.json                  RUN train and val
///     results/result_test/result_run_<CKPT_V>_epoch<E>.json    RUN test
///     results/pred/result_pred_<CKPT_V>_epoch<E>.safetensors   SAVE_PRED
///
/// With CKPT_PATH, `<VERSION>_<the file's name>` stands for `<CKPT_V>_epoch<E>`.
struct OfficialTranslation {
    /// The answer list of the official release, used where it is there.
    static let answerFile = "data/answer_dict.json"

    /// The arguments that follow `rwsan`.
    private(set) var arguments: [String] = []
    /// What is done otherwise than the command line says, a line each.
    private(set) var notes: [String] = []
    /// Where it computes.
    let devices: [Device]

    private let commandLine: OfficialCommandLine
    private let version: String
    private let fileExists: (String) -> Bool

    /// - Parameters:
    ///   - commandLine: What was typed.
    ///   - unnamedVersion: The name of a run without VERSION; the official release draws a number.
    ///   - fileExists: Whether there is a file of a path below the working folder.
    /// - Throws: `OfficialCommandLineError` where a checkpoint is needed, and not named or not there.
    init(_ commandLine: OfficialCommandLine, unnamedVersion: String, fileExists: @escaping (String) -> Bool)
        throws(OfficialCommandLineError)
    {
        self.commandLine = commandLine
        version = commandLine.version ?? unnamedVersion
        self.fileExists = fileExists
        switch commandLine.processor {
        case .cpu: devices = [.cpu]
        case .gpus(let first, let others):
            let isShared = commandLine.run == .train
            devices = ([first] + (isShared ? others : [])).map(Device.cuda)
            if !others.isEmpty, !isShared {
                let unused = others.map(String.init).joined(separator: ", ")
                notes.append("several GPUs are for training; number \(first) is used, and not \(unused)")
            }
        }
        if commandLine.checkpointPath != nil,
            commandLine.checkpointVersion != nil || commandLine.checkpointEpoch != nil
        {
            notes.append("CKPT_V and CKPT_E are not used beside CKPT_PATH")
        }
        switch commandLine.run {
        case .train: try train()
        case .val: try evaluate()
        case .test: try predict()
        }
    }

    private mutating func train() throws(OfficialCommandLineError) {
        arguments = ["train"]
        addDataset()
        add("--name", version)
        let checkpoint = commandLine.resumes ? try findCheckpoint() : nil
        add("--resume", checkpoint?.path)
        if checkpoint == nil, (commandLine.checkpointVersion ?? commandLine.checkpointPath) != nil {
            notes.append("training starts anew, not from the checkpoint: RESUME=True goes on from it")
        }
        if commandLine.savesPredictions {
            notes.append("SAVE_PRED is not used in training: RUN=val and RUN=test save the logits")
        }
        addAnswers(for: checkpoint)
        add("--glove", commandLine.glove)
        addSettings([
            ("split", commandLine.split), ("grad_accu_steps", commandLine.accumulationSteps?.description),
            ("num_workers", commandLine.workers?.description),
            ("eval_every_epoch", commandLine.evaluatesEveryEpoch?.description),
        ])
        add("--device", Device.list(devices))
        if !commandLine.isVerbose { arguments.append("--quiet") }
    }

    private mutating func evaluate() throws(OfficialCommandLineError) {
        arguments = ["evaluate"]
        try addCheckpointAndDataset(
            result: "results/cache/result_run_\(version).json", log: "results/log/log_run_\(version).txt")
    }

    private mutating func predict() throws(OfficialCommandLineError) {
        arguments = ["predict", "--split", "test"]
        let name = try findCheckpoint().name
        try addCheckpointAndDataset(result: "results/result_test/result_run_\(name).json", log: nil)
    }

    private mutating func addCheckpointAndDataset(result: String, log: String?)
        throws(OfficialCommandLineError)
    {
        let checkpoint = try findCheckpoint()
        add("--checkpoint", checkpoint.path)
        addDataset()
        addAnswers(for: checkpoint)
        add("--output", result)
        if commandLine.savesPredictions {
            add("--save-logits", "results/pred/result_pred_\(checkpoint.name).safetensors")
        }
        add("--log", log)
        addSettings([("num_workers", commandLine.workers?.description)])
        add("--device", devices[0].description)
    }

    private mutating func add(_ option: String, _ value: String?) {
        guard let value else { return }
        // A value that looks like an option has to be tied to its own.
        arguments += value.hasPrefix("-") ? ["\(option)=\(value)"] : [option, value]
    }

    private mutating func addDataset() {
        let (questions, features) = (FolderPath(commandLine.dataPath), FolderPath(commandLine.featurePath))
        if questions.name == "vqa", features.name == "coco_extract", questions.parent == features.parent {
            add("--data", questions.parent)
        } else {
            add("--questions-folder", questions.path)
            add("--features-folder", features.path)
        }
    }

    /// A checkpoint of ours has its own answer list, which is the one that fits it.
    private mutating func addAnswers(for checkpoint: FoundCheckpoint?) {
        guard checkpoint?.hasAnswers != true, fileExists(Self.answerFile) else { return }
        add("--answers", Self.answerFile)
    }

    /// Adds settings in the order in which they count: those of `--set` after the official ones.
    private mutating func addSettings(_ official: [(key: String, value: String?)]) {
        add("--config", commandLine.configurationFile)
        for (key, value) in official {
            if let value { add("--set", "\(key)=\(value)") }
        }
        for setting in commandLine.settings { add("--set", setting) }
    }
}

extension OfficialTranslation {
    /// A checkpoint, with the name that its results get.
    private struct FoundCheckpoint {
        let path: String
        let name: String

        var hasAnswers: Bool {
            FileKind(contentsOf: path).map { $0 == .safetensors } ?? path.hasSuffix(".safetensors")
        }
    }

    /// The checkpoint of CKPT_PATH, or of CKPT_V, which is VERSION when left out, and CKPT_E.
    private func findCheckpoint() throws(OfficialCommandLineError) -> FoundCheckpoint {
        if let path = commandLine.checkpointPath {
            let file = URL(fileURLWithPath: path)
            let stem = file.deletingPathExtension().lastPathComponent
            return FoundCheckpoint(path: path, name: "\(version)_\(stem)")
        }
        guard let version = commandLine.checkpointVersion ?? commandLine.version else {
            throw OfficialCommandLineError(
                .checkpointVersion, "expected the name of a run, or --CKPT_PATH, found neither")
        }
        guard let epoch = commandLine.checkpointEpoch else {
            throw OfficialCommandLineError(.checkpointEpoch, "expected the number of an epoch, found none")
        }
        let stem = "ckpts/ckpt_\(version)/epoch\(epoch)"
        let candidates = ["\(stem).safetensors", "\(stem).pkl"]
        guard let path = candidates.first(where: fileExists) else {
            throw OfficialCommandLineError(stem, "expected a checkpoint .safetensors or .pkl, found neither")
        }
        return FoundCheckpoint(path: path, name: "\(version)_epoch\(epoch)")
    }
}

/// A folder's path without `./` before it and `/` behind it.
private struct FolderPath {
    let path: String
    let parent: String
    let name: String

    init(_ text: String) {
        var text = text[...]
        while text.hasPrefix("./") { text = text.dropFirst(2).drop { $0 == "/" } }
        while text.count > 1, text.hasSuffix("/") { text.removeLast() }
        path = text.isEmpty ? "." : String(text)
        // NSString's path methods trap on a path of one letter on Linux.
        if let slash = path.lastIndex(of: "/") {
            name = String(path[path.index(after: slash)...])
            parent = slash == path.startIndex ? "/" : String(path[..<slash])
        } else {
            name = path
            parent = "."
        }
    }
}
