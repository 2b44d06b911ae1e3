import Torch
import VQADatasets

/// What a run says of itself: how far it is, what an epoch came to, and all that it goes on from.
extension Trainer {
    /// Which share of the epoch's time was spent waiting for data.
    var waitingShare: Double { (state.waitingSeconds ?? 0) / max(state.seconds, 1e-9) }

    /// The norm of all gradients together, on average over the epoch's steps; nil where a part of them was made by
    /// a version that did not measure it.
    var meanGradientNorm: Double? {
        state.gradientNormSum.map { $0 / Double(max(1, state.stepInEpoch)) }
    }

    /// How far the epoch is.
    func progress(_ learningRate: Double) -> StepProgress {
        let speed = Double(state.stepInEpoch * options.batchSize) / max(state.seconds, 1e-9)
        let questionsLeft = (stepsPerEpoch - state.stepInEpoch) * options.batchSize
        return StepProgress(
            epoch: state.epoch + 1, epochCount: options.maxEpoch, step: state.stepInEpoch,
            stepCount: stepsPerEpoch, loss: latest?.loss ?? 0,
            learningRate: learningRate, gradientNorm: latest?.gradientNorm, questionsPerSecond: speed,
            secondsLeft: Double(questionsLeft) / max(speed, 1e-9), waitingShare: waitingShare)
    }

    /// The epoch's record, with accuracies where val is answered; nil where that was stopped.
    func evaluated(_ onEvent: (TrainingEvent) throws -> Void, _ shouldStop: () -> Bool) throws
        -> EpochRecord?
    {
        var record = EpochRecord(
            epoch: state.epoch + 1, loss: state.lossSum / Double(setup.training.count),
            lr: schedule.rate(step: state.step, base: state.learningRateBase),
            questionsPerSecond: Double(stepsPerEpoch * options.batchSize) / max(state.seconds, 1e-9),
            seconds: state.seconds, waitingShare: waitingShare, gradientNorm: meanGradientNorm)
        guard let validation = setup.validation, options.evalEveryEpoch else { return record }
        let count = validation.questions.count
        do {
            let answers = try Predictor(
                setup.model, device: setup.device, precision: setup.precision, options
            )
            .answer(
                validation.questions, share: setup.share,
                onProgress: {
                    try onEvent(.evaluating(answered: $0, of: count))
                    return !shouldStop()
                })
            let predictions = answers.predictions(setup.answers)
            if setup.share.isWriting { try ResultFile.write(predictions, to: setup.folder.validationResult) }
            let leftOut = Set(validation.questions.leftOut)
            record.leftOut = leftOut.isEmpty ? nil : leftOut.count
            // Where no val question is left, the run goes on without accuracies.
            guard !predictions.isEmpty || leftOut.isEmpty else { return record }
            let report = try validation.metric.evaluate(predictions, leavingOut: leftOut)
            record.overall = report.overall
            (record.perAnswerType, record.metric) = (report.perAnswerType, report.metric)
        } catch is InterruptedError {
            return nil
        }
        return record
    }

    /// The run as it stands.
    package func checkpoint() throws -> Checkpoint {
        var checkpoint = Checkpoint(weights: try setup.model.state())
        checkpoint.settings = setup.settings
        checkpoint.vocabulary = setup.vocabulary
        checkpoint.answers = setup.answers
        checkpoint.training = state
        checkpoint.featureRecipe = setup.featureRecipe
        checkpoint.optimizerState = optimizer.state
        checkpoint.stepCount = state.optimizerSteps
        checkpoint.generatorState = try TorchRuntime.generatorState()
        checkpoint.deviceGeneratorStates = try setup.gpus.map { try TorchRuntime.generatorState(of: $0) }
        return checkpoint
    }
}
