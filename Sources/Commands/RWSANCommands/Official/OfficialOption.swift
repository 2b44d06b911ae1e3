/// An option of the official release's `run.py`.
enum OfficialOption: String, CaseIterable {
    case run = "RUN"
    case version = "VERSION"
    case gpu = "GPU"
    case split = "SPLIT"
    case accumulationSteps = "ACCU"
    case workers = "NW"
    case resume = "RESUME"
    case checkpointVersion = "CKPT_V"
    case checkpointEpoch = "CKPT_E"
    case checkpointPath = "CKPT_PATH"
    case evaluatesEveryEpoch = "EVAL_EE"
    case savesPredictions = "SAVE_PRED"
    case isVerbose = "VERB"
    case dataPath = "DATA_PATH"
    case featurePath = "FEAT_PATH"
}

/// An option of ours that works beside the official ones.
enum CompanionOption: String, CaseIterable {
    case config, set, glove
}

/// What is wrong with a command line in the official form.
struct OfficialCommandLineError: Error, Equatable, CustomStringConvertible {
    /// The word at fault, or the option as it should be typed.
    let word: String
    /// What was expected and found.
    let reason: String

    init(_ word: String, _ reason: String) {
        self.word = word
        self.reason = reason
    }

    init(_ option: OfficialOption, _ reason: String) {
        self.init("--\(option.rawValue)", reason)
    }

    var description: String { "\(word): \(reason)" }
}
