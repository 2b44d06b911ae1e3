/// Why training cannot start or go on.
public enum TrainingError: Error, Sendable, CustomStringConvertible {
    case tooFewQuestions(found: Int, batchSize: Int)
    case tooManyDevices(found: Int, questions: Int)
    case tooManyProcesses(found: Int, questions: Int)
    case noOptimizerState
    case unusableOptimizerState(reason: String)
    case notBetweenEpochs(step: Int, stepsPerEpoch: Int)
    case otherEpochs(named: Int, step: Int, stepsPerEpoch: Int)
    case impossibleState(TrainingState, stepsPerEpoch: Int)
    case changedInEpoch(key: String, from: String, to: String)
    case unreadableBatch(cause: String, epoch: Int, step: Int, checkpoint: String)
    case unevaluated(cause: String, epoch: Int, checkpoint: String)
    case notFinite(loss: Double, epoch: Int, steps: ClosedRange<Int>, learningRate: Double)
    case gradientNotFinite(norm: Double, epoch: Int, steps: ClosedRange<Int>, learningRate: Double)

    /// One line.
    public var description: String {
        switch self {
        case .tooFewQuestions(let found, let batchSize):
            "expected at least batch_size = \(batchSize) questions to train on, found \(found)"
        case .tooManyDevices(let found, let questions):
            "expected at most as many devices as there are questions in a part of a batch, \(questions), found \(found)"
        case .tooManyProcesses(let found, let questions):
            "expected at most as many processes as there are questions in a part of a batch, \(questions), found \(found): "
                + "start fewer (mpirun -np), or raise batch_size"
        case .noOptimizerState:
            "the checkpoint has no optimizer state to go on from; it can evaluate, predict and answer"
        case .unusableOptimizerState(let reason):
            "it cannot be gone on from, only evaluate, predict and answer, since the optimizer's state is of no use: "
                + reason
        case .notBetweenEpochs(let step, let stepsPerEpoch):
            "the checkpoint stands after step \(step), which is not the end of an epoch of \(stepsPerEpoch) "
                + "steps: it was trained on other data or with another batch_size"
        case .otherEpochs(let named, let step, let stepsPerEpoch):
            "the checkpoint's name says \(named) epochs, and its \(step) steps are \(step / stepsPerEpoch) epochs of "
                + "\(stepsPerEpoch) steps here: expected the data and the batch_size that it was trained with"
        case .impossibleState(let state, let stepsPerEpoch):
            "expected the state of a run whose epochs have \(stepsPerEpoch) steps, found one after "
                + "\(state.epoch) epochs and \(state.stepInEpoch) steps, \(state.step) steps in all, with a base "
                + "learning rate of \(state.learningRateBase)"
        case .changedInEpoch(let key, let from, let to):
            "it stands in the middle of an epoch with \(key) = \(from), which cannot go on with \(to): go on "
                + "from the checkpoint of an epoch"
        case .unreadableBatch(let cause, let epoch, let step, let checkpoint):
            "\(cause); the run stopped after step \(step) of epoch \(epoch) and is kept in \(checkpoint): mend the "
                + "file and go on from there with --resume, or leave such questions out with --skip-damaged"
        case .unevaluated(let cause, let epoch, let checkpoint):
            "\(cause); epoch \(epoch) is learned and kept in \(checkpoint): --resume answers the val questions first, and "
                + "--set eval_every_epoch=false goes on without; --skip-damaged leaves out questions whose features cannot be read"
        case .notFinite(let loss, let epoch, let steps, let learningRate):
            "the loss became " + Self.text(loss, epoch, steps, learningRate)
        case .gradientNotFinite(let norm, let epoch, let steps, let learningRate):
            "the norm of the gradients became " + Self.text(norm, epoch, steps, learningRate)
        }
    }

    private static func text(_ value: Double, _ epoch: Int, _ steps: ClosedRange<Int>, _ learningRate: Double)
        -> String
    {
        "\(value.isNaN ? "not a number" : "\(value)") in step \(text(steps)) of epoch \(epoch), at a rate of "
            + "\(learningRate): try a lower rate (--set lr_base=...), or go on from an earlier checkpoint with --resume"
    }

    private static func text(_ steps: ClosedRange<Int>) -> String {
        steps.count == 1 ? "\(steps.lowerBound)" : "\(steps.lowerBound) to \(steps.upperBound)"
    }
}
