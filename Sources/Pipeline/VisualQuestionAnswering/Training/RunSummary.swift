import Torch
import VQASettings
import VQATraining

extension TrainingRun {
    /// What a run is made of, and where it begins.
    public struct Summary: Sendable, Encodable {
        /// The run's name.
        public let name: String
        /// Every setting by key.
        public let configuration: [String: SettingValue]
        /// How many numbers the model learns.
        public let parameters: Int
        /// How many words it knows.
        public let words: Int
        /// How many answers it chooses from.
        public let answers: Int
        /// How many questions it learns from.
        public let questions: Int
        /// How many questions are answered after each epoch; nil for none.
        public let evaluatedQuestions: Int?
        /// Where it computes.
        public let devices: [String]
        /// In what precision it computes.
        public let precision: String
        /// How many processes share each step.
        public let processes: Int
        /// How many threads libtorch uses on the CPU, in each of them.
        public let threads: Int
        /// What the run's random numbers started from.
        public let seed: UInt64
        /// How many epochs are done.
        public let epochsDone: Int
        /// How many steps of the next epoch are done.
        public let stepsDone: Int
        /// The checkpoint that the run goes on from; nil where it starts anew.
        public let source: String?
        /// What the run has started with; nil where it started anew.
        public let start: StartRecord?
        /// The model's name.
        private var model: String { configuration["model"]?.description ?? "" }

        enum CodingKeys: String, CodingKey {
            case name, configuration, parameters, words, answers, questions, devices, precision, processes,
                threads, seed
            case evaluatedQuestions = "evaluated_questions"
            case epochsDone = "epochs_done"
            case stepsDone = "steps_done"
            case source = "resumed_from"
            case start = "started_from"
        }

        /// The same for people.
        public var lines: [String] {
            let first =
                "\(model): \(parameters) parameters, \(words) words, \(answers) answers; \(questions) questions to "
                + "learn from, on \(devices.joined(separator: ",")) in \(precision) with \(workers), seed \(seed)"
            guard let source else { return [first] + startLines }
            return [
                first, "going on from \(source): epoch \(epochsDone + 1), after \(stepsDone) of its steps",
            ]
        }

        private var workers: String {
            let threads = threads == 1 && processes > 1 ? "1 thread" : "\(threads) threads"
            return processes == 1 ? threads : "\(processes) processes of \(threads)"
        }

        private var startLines: [String] {
            guard let start else { return [] }
            return [
                "starting from \(start.checkpoint): \(start.tensors) tensors as they are, and the rows of \(start.words) of "
                    + "\(words) words and of \(start.answers) of \(answers) answers; the rest is new"
            ]
        }
    }

    /// What the run is made of, as it stands.
    public var summary: Summary {
        Summary(
            name: folder.name, configuration: configuration.dictionary,
            parameters: setup.model.parameters().reduce(0) { $0 + $1.count }, words: setup.vocabulary.count,
            answers: setup.answers.count, questions: setup.training.count,
            evaluatedQuestions: setup.validation?.questions.count,
            devices: setup.devices.map(\.description), precision: setup.precision.rawValue,
            processes: setup.share.processCount, threads: TorchRuntime.threadCount, seed: trainer.state.seed,
            epochsDone: trainer.state.epoch,
            stepsDone: trainer.state.stepInEpoch, source: source, start: trainer.state.startedFrom)
    }
}
