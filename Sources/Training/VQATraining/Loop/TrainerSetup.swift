import Collectives
import Torch
import VQABatches
import VQADatasets
import VQAModels
import VQASettings

extension Trainer {
    /// Everything a run is made of.
    package struct Setup {
        /// The network, with its start values.
        package var model: any VQAModel
        /// How it is trained.
        package var options: TrainingOptions
        /// All settings of the run by key, those of training too: they go into the checkpoints.
        package var settings: [String: SettingValue]
        /// What training makes small.
        package var loss: any AnswerLoss
        /// Makes a network like the model, with weights that will be overwritten: for further devices.
        package var makeCopy: () throws -> any VQAModel
        /// Where the network lies.
        package var device: Device
        /// In what precision training and evaluation compute. Checkpoints are in single precision in any case.
        package var precision: Precision
        /// How steps are made.
        package var stepping: Stepping
        /// The questions to learn from.
        package var training: BatchBuilder
        /// The questions that are answered after each epoch, with their annotations; nil for none.
        package var validation: (questions: BatchBuilder, metric: any AnswerMetric)?
        /// Goes into the checkpoints.
        package var vocabulary: Vocabulary
        /// Goes into the checkpoints.
        package var answers: AnswerList
        /// Goes into the checkpoints.
        package var featureRecipe: String?
        /// What the weights were before the first step, where they are a checkpoint's.
        package var startedFrom: StartRecord?
        /// Further devices that share the questions of each step.
        package var helpers: [Helper] = []
        /// This process's share in the run: which questions of each step it learns from, and whether it writes files.
        package var share = WorkShare()
        /// Gives NCCL, which adds up gradients of several devices; tests have something in its place.
        package var deviceLibrary: () throws -> NCCLLibrary = NCCLLibrary.load
        /// Where the run's files go.
        package var folder: RunFolder

        /// A further device.
        package struct Helper: Sendable {
            /// The device.
            package var device: Device
            /// The same questions as ``training``, for this device.
            package var training: BatchBuilder

            /// - Parameters: as the properties.
            package init(device: Device, training: BatchBuilder) {
                self.device = device
                self.training = training
            }
        }

        /// - Parameters: as the properties; without `stepping`, what suits the device.
        package init(
            model: any VQAModel, makeCopy: @escaping () throws -> any VQAModel, options: TrainingOptions,
            settings: [String: SettingValue]? = nil, loss: any AnswerLoss = SoftScoreLoss(), device: Device,
            precision: Precision = .float32, stepping: Stepping? = nil, training: BatchBuilder,
            validation: (questions: BatchBuilder, metric: any AnswerMetric)?, vocabulary: Vocabulary,
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
    package var devices: [Device] { [device] + helpers.map(\.device) }

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
