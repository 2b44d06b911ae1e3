import Torch
import VQABatches
import VQADatasets
import VQAModels
import Workers

/// Answers questions with a model.
package struct Predictor {
    let model: any VQAModel
    private let device: Device
    private let precision: Precision
    let batchSize: Int
    let workers: Int

    /// The answers to some questions.
    package struct Answers: Sendable {
        /// The questions, in the order of the examples.
        package internal(set) var questionIDs: [QuestionID] = []
        /// The best answer to each.
        package internal(set) var best: [AnswerIndex] = []
    }

    /// - Parameters:
    ///   - model: The network.
    ///   - device: Where the network lies.
    ///   - precision: In what precision it computes; for `int8`, its weights have been rounded before.
    ///   - options: `batch_size` and `grad_accu_steps`, which say how many questions are answered at once, and
    ///     `num_workers`.
    package init(
        _ model: any VQAModel, device: Device, precision: Precision = .float32, _ options: TrainingOptions
    ) {
        self.model = model
        self.device = device
        self.precision = precision
        batchSize = Self.batchSize(options)
        workers = options.numWorkers
    }

    /// How many questions are answered at once: half of `batch_size`, as in the official release, and of that the part that
    /// `grad_accu_steps` leaves in memory at once.
    package static func batchSize(_ options: TrainingOptions) -> Int {
        max(1, options.batchSize / 2 / max(1, options.gradAccuSteps))
    }

    /// What parts of the questions are whole multiples of: half of `batch_size`, where that is whole passes.
    package static func partSize(_ options: TrainingOptions) -> Int {
        let half = max(1, options.batchSize / 2)
        return half.isMultiple(of: batchSize(options)) ? half : batchSize(options)
    }

    /// Answers all questions; those about images whose features cannot be read are left out where the builder notes
    /// these.
    ///
    /// - Parameters:
    ///   - builder: The questions and their images.
    ///   - onLogits: Called for some questions after the others with the logits of every answer, float32
    ///     `[questions, answers]` on the CPU; nil where nobody wants them.
    ///   - onProgress: Called now and then with the number of questions answered; returns whether to go on.
    /// - Throws: What building batches throws; `TorchError` where they do not fit the network;
    ///   `LogitsNotFiniteError` where they come out as no numbers; `InterruptedError` where `onProgress` ended it;
    ///   what `onLogits` throws.
    package func answer(
        _ builder: BatchBuilder, onLogits: ((Tensor) throws -> Void)? = nil,
        onProgress: (Int) throws -> Bool = { _ in true }
    ) throws -> Answers {
        let wasTraining = model.isTraining
        model.setTraining(false)
        defer { model.setTraining(wasTraining) }
        let (count, size) = (builder.count, batchSize)
        let batches = Prefetcher(0..<(count + size - 1) / size, workers: workers) { index in
            try builder.readableBatch(rows: index * size..<min(count, (index + 1) * size))
        }
        defer { batches.cancel() }
        var answers = Answers()
        while let readable = try batches.next() {
            guard let batch = readable else { continue }
            let logits = try logits(of: batch)
            answers.questionIDs.append(contentsOf: batch.questionIDs)
            answers.best.append(contentsOf: try best(logits))
            if let onLogits { try onLogits(logits.moved(to: .cpu)) }
            guard try onProgress(answers.questionIDs.count) else { throw InterruptedError() }
        }
        return answers
    }

    /// The logits of a batch's questions: float32 `[questions, answers]` on the device. The network is not training.
    ///
    /// - Throws: `TorchError` where the batch does not fit the network; `LogitsNotFiniteError`.
    func logits(of batch: Batch) throws -> Tensor {
        let logits = try withoutGradients {
            // What follows the batch's own questions only fills it up.
            try precision.autocast(on: device) { try model(batch.moved(to: device)) }
                .narrowed(axis: 0, start: 0, length: batch.count).converted(to: .float32)
        }
        guard try logits.isFinite().all().item() == 1 else {
            throw LogitsNotFiniteError(question: batch.questionIDs[0])
        }
        return logits
    }

    /// The answer with the highest logit to each question.
    func best(_ logits: Tensor) throws -> [AnswerIndex] {
        try logits.argmax(axis: 1).array(of: Int64.self).map { AnswerIndex(rawValue: Int32(clamping: $0)) }
    }
}

extension Predictor.Answers {
    /// The answers in words, as a result file holds them.
    package func predictions(_ answers: AnswerList) -> [Prediction] {
        zip(questionIDs, best).map { Prediction(questionID: $0, answer: answers[$1]) }
    }
}

/// A model whose answers mean nothing: its logits are infinite, or no numbers.
public struct LogitsNotFiniteError: Error, Sendable, CustomStringConvertible {
    /// The first question of the batch.
    public let question: QuestionID

    /// - Parameter question: The first question of the batch.
    package init(question: QuestionID) { self.question = question }

    /// One line.
    public var description: String {
        "expected finite logits, found others in the batch from question \(question) on: the checkpoint's "
            + "weights are no numbers, or the precision is too low for them"
    }
}

/// Somebody asked for an end before there was one.
public struct InterruptedError: Error, Sendable, CustomStringConvertible {
    /// The only one there is.
    package init() {}

    /// One line.
    public var description: String { "interrupted" }
}
