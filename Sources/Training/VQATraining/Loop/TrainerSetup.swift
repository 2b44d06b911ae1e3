import Torch
import VQABatches
import VQADatasets
import VQAModels
import VQASettings

extension Trainer {
    /// Everything a run is made of.
    public struct Setup {
        /// The network, with its start values.
        public var model: any VQAModel
        /// How it is trained.
        public var options: TrainingOptions
        /// All settings of the run by key, those of training too: they go into the checkpoints.
        public var settings: [String: SettingValue]
        /// What training makes small.
        public var loss: any AnswerLoss
        /// Makes a network like the model, with weights that will be overwritten: for further devices.
        public var makeCopy: () throws -> any VQAModel
        /// Where the network lies.
        public var device: Device
        /// In what precision training and evaluation compute. Checkpoints are in single precision in any case.
        public var precision: Precision
        /// How steps are made.
        public var stepping: Stepping
        /// The questions to learn from.
        public var training: BatchBuilder
        /// The questions that are answered after each epoch, with their annotations; nil for none.
        public var validation: (questions: BatchBuilder, metric: AccuracyMetric)?
        /// Goes into the checkpoints.
        public var vocabulary: Vocabulary
        /// Goes into the checkpoints.
        public var answers: AnswerList
        /// Goes into the checkpoints.
        public var featureRecipe: String?
        /// Further devices that share the questions of each step.
        public var helpers: [Helper] = []
        /// Where the run's files go.
        public var folder: RunFolder

        /// A further device.
        public struct Helper: Sendable {
            /// The device.
            public var device: Device
            /// The same questions as ``training``, for this device.
            public var training: BatchBuilder

            /// - Parameters: as the properties.
            public init(device: Device, training: BatchBuilder) {
                self.device = device
                self.training = training
            }
        }

        /// - Parameters: as the properties; without `stepping`, what suits the device.
        public init(
            model: any VQAModel, makeCopy: @escaping () throws -> any VQAModel, options: TrainingOptions,
            settings: [String: SettingValue]? = nil, loss: any AnswerLoss = SoftScoreLoss(), device: Device,
            precision: Precision = .float32, stepping: Stepping? = nil, training: BatchBuilder,
            validation: (questions: BatchBuilder, metric: AccuracyMetric)?, vocabulary: Vocabulary,
            answers: AnswerList, featureRecipe: String?, folder: RunFolder
        ) {
            self.model = model
            self.makeCopy = makeCopy
            self.options = options
            self.settings =
                settings
                ?? Dictionary(options.values.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
            self.loss = loss
            self.device = device
            self.precision = precision
            self.stepping = stepping ?? .best(on: device)
            self.training = training
            self.validation = validation
            self.vocabulary = vocabulary
            self.answers = answers
            self.featureRecipe = featureRecipe
            self.folder = folder
        }
    }
}

extension Trainer.Setup {
    /// All devices that share the questions of each step, the one that makes Adam's first.
    public var devices: [Device] { [device] + helpers.map(\.device) }

    /// The devices that are GPUs, in their order.
    var gpus: [Device] { devices.filter { $0 != .cpu } }

    /// Copies of the network on the further devices.
    func copies() throws -> [(model: any VQAModel, device: Device)] {
        try helpers.map { helper in
            let copy = try makeCopy()
            try copy.load(model.state())
            try copy.move(to: helper.device)
            return (copy, helper.device)
        }
    }
}
