import Collectives
import Foundation
import Torch
import VQABatches
import VQADatasets
import VQASettings
import Workers

/// Trains a model: the loop, its schedule, evaluation after each epoch, checkpoints and the log.
///
/// The loss is the dataset's, summed over the batch; optimizer and schedule are those that the options name. Stopped at any moment and resumed, a run ends with the same
/// weights to the last bit as one that was never stopped, on the CPU with the same number of threads.
public final class Trainer {
    /// How a run ended.
    public enum Outcome: Sendable, Equatable {
        /// All epochs are done; the last checkpoint is this file.
        case finished(checkpoint: String)
        /// Somebody asked for an end; this file goes on from there.
        case interrupted(checkpoint: String)
    }

    /// Where the run stands.
    package internal(set) var state: TrainingState
    /// The epochs so far.
    package private(set) var records: [EpochRecord] = []
    /// Records some of the steps to come; nil for none.
    package var profile: StepProfile?

    /// Where it computes.
    package var devices: [Device] { setup.devices }

    private(set) var setup: Setup
    let options: TrainingOptions
    let optimizer: any Optimizer
    /// Made when the first step is, so that it starts from what was resumed.
    private(set) var steps: (any StepMaker)?
    /// How many of the epoch's steps ``state`` holds the results of.
    private var collectedInEpoch = 0
    /// The mean loss of a question, and the mean norm of all gradients, in the last steps whose results have been fetched.
    private(set) var latest: (loss: Double, gradientNorm: Double?)?
    let schedule: any LearningRateSchedule
    let stepsPerEpoch: Int

    /// A run from the start.
    ///
    /// - Parameters:
    ///   - setup: What the run is made of.
    ///   - seed: What the random numbers start from.
    /// - Throws: `TrainingError` where there are too few questions; `ConfigurationError` where settings do
    ///   not fit one another.
    package init(_ setup: Setup, seed: UInt64) throws {
        self.setup = setup
        options = setup.options
        try options.validate()
        stepsPerEpoch = setup.training.count / options.batchSize
        guard stepsPerEpoch > 0 else {
            throw TrainingError.tooFewQuestions(
                found: setup.training.count, batchSize: options.batchSize)
        }
        let part = options.batchSize / options.gradAccuSteps
        guard setup.helpers.count < part else {
            throw TrainingError.tooManyDevices(found: setup.helpers.count + 1, questions: part)
        }
        guard setup.share.processCount <= part else {
            throw TrainingError.tooManyProcesses(found: setup.share.processCount, questions: part)
        }
        schedule = try ScheduleChoice.schedule(options, exampleCount: setup.training.count)
        state = TrainingState(
            learningRateBase: options.lrBase, seed: seed, threadCount: TorchRuntime.threadCount)
        state.startedFrom = setup.startedFrom
        state.processCount = setup.share.group?.count
        if setup.precision == .float16 { state.lossScale = LossScale() }
        optimizer = try OptimizerChoice.optimizer(of: setup.model.namedParameters(), options)
    }

    /// Takes up the run that a checkpoint comes from: its weights, moments, random numbers and position.
    ///
    /// - Throws: `TrainingError` where the checkpoint is not one to go on from; `StateMismatch` where it does
    ///   not fit the model.
    package func resume(from checkpoint: Checkpoint) throws {
        if let reason = checkpoint.optimizerProblem {
            throw TrainingError.unusableOptimizerState(reason: reason)
        }
        // Before the first step there are no moments to lose.
        let isBeforeFirstStep = checkpoint.officialEpoch == 0 && checkpoint.optimizerState.isEmpty
        let hasMoments = !checkpoint.optimizerState.isEmpty
        guard isBeforeFirstStep || hasMoments && (checkpoint.stepCount > 0 || checkpoint.training != nil)
        else {
            throw TrainingError.noOptimizerState
        }
        try setup.model.load(checkpoint.weights)
        if hasMoments {
            try optimizer.restore(checkpoint.optimizerState, stepCount: checkpoint.stepCount)
        }
        if let training = checkpoint.training {
            if training.stepInEpoch > 0 { try requireSameEpoch(as: checkpoint.settings) }
            guard training.isPossible(stepsPerEpoch: stepsPerEpoch) else {
                throw TrainingError.impossibleState(training, stepsPerEpoch: stepsPerEpoch)
            }
            let (threads, processes, lossScale) = (state.threadCount, state.processCount, state.lossScale)
            state = training
            (state.threadCount, state.processCount) = (threads, processes)
            state.lossScale = lossScale == nil ? nil : training.lossScale ?? lossScale
        } else {
            state.step = checkpoint.stepCount
            state.epoch = try checkpoint.finishedEpochs(ofSteps: stepsPerEpoch)
            state.learningRateBase = checkpoint.officialLearningRateBase ?? options.lrBase
        }
        if let generator = checkpoint.generatorState { try TorchRuntime.setGeneratorState(generator) }
        for (device, generator) in zip(setup.gpus, checkpoint.deviceGeneratorStates) {
            try TorchRuntime.setGeneratorState(generator, of: device)
        }
    }

    /// Half an epoch can only be finished in the order it was begun in.
    private func requireSameEpoch(as earlier: [String: SettingValue]?) throws(TrainingError) {
        for key in ["batch_size", "split", "shuffle"] {
            guard let before = earlier?[key], let now = setup.settings[key], before != now else { continue }
            throw .changedInEpoch(key: key, from: "\(before)", to: "\(now)")
        }
    }

    /// Replaces the base learning rate by the options', with the decays so far.
    package func resetLearningRate() {
        let begun = state.epoch + (state.stepInEpoch > 0 ? 1 : 0)
        state.learningRateBase = (0..<begun).reduce(options.lrBase) {
            schedule.base($0, atStartOf: $1)
        }
    }

    /// Replaces what batches come from by what gives the same ones faster, such as regions on the device.
    ///
    /// - Parameter change: Changes builders, and nothing else of the setup.
    /// - Throws: What `change` throws.
    package func prepare(_ change: (inout Setup) throws -> Void) rethrows { try change(&setup) }

    /// Trains until the last epoch is done.
    ///
    /// - Parameters:
    ///   - onEvent: Called after each step, during evaluation and after each epoch.
    ///   - shouldStop: Asked after each step; where it says so, a checkpoint is written and the run ends.
    /// - Throws: `TrainingError.notFinite` where the loss is no number, `.gradientNotFinite` where a gradient is none; what reading features and writing
    ///   checkpoints throws.
    package func run(
        onEvent: (TrainingEvent) throws -> Void = { _ in }, shouldStop: () -> Bool = { false }
    ) throws -> Outcome {
        do {
            let outcome = try trainEpochs(onEvent, shouldStop)
            try profile?.finish()
            return outcome
        } catch {
            steps?.end()
            throw error
        }
    }

    private func stepMaker() throws -> any StepMaker {
        if let steps { return steps }
        let made = try setup.stepping.makeSteps(
            setup.model, copies: setup.copies(), optimizer, device: setup.device, precision: setup.precision,
            loss: setup.loss, lossScale: state.lossScale, share: setup.share, library: setup.deviceLibrary)
        steps = made
        return made
    }

    private func trainEpochs(_ onEvent: (TrainingEvent) throws -> Void, _ shouldStop: () -> Bool) throws
        -> Outcome
    {
        try prepareFolder()
        var last = setup.folder.checkpoint(epoch: state.epoch)
        while state.epoch < options.maxEpoch {
            if state.stepInEpoch == 0 {
                state.learningRateBase = schedule.base(state.learningRateBase, atStartOf: state.epoch)
            }
            guard try trainOrKeep(onEvent, shouldStop) else { return try interrupted() }
            try setup.share.requireSameState(checkpoint(), "after epoch \(state.epoch + 1)")
            try keepLearnedEpoch()
            guard let record = try evaluatedOrKept(onEvent, shouldStop) else { return try interrupted() }
            last = try finish(record)
            try onEvent(.epoch(record, checkpoint: last.path))
        }
        return .finished(checkpoint: last.path)
    }

    /// Makes the run's folder ready, with a checkpoint in it before the first step.
    private func prepareFolder() throws {
        guard setup.share.isWriting else { return }
        try setup.folder.create()
        records = try setup.folder.records(upTo: state.epoch)
        let first = setup.folder.checkpoint(epoch: state.epoch)
        // A run that is over already, and was resumed from elsewhere, still leaves its checkpoint.
        let isOver = state.epoch >= options.maxEpoch
        if state.step == 0 || isOver && !FileManager.default.fileExists(atPath: first.path) {
            // Before the first step there is nothing that a power cut could take.
            try checkpoint().write(to: first.path, durably: state.step > 0)
        }
    }

    private func interrupted() throws -> Outcome {
        if setup.share.isWriting { try checkpoint().write(to: setup.folder.interrupted.path) }
        return .interrupted(checkpoint: setup.folder.interrupted.path)
    }

    /// Writes the epoch's checkpoint before the val questions are answered, so that nothing that goes wrong there can
    /// take it; a run that goes on from it answers them first.
    private func keepLearnedEpoch() throws {
        guard setup.validation != nil, options.evalEveryEpoch, setup.share.isWriting else { return }
        try checkpoint().write(to: setup.folder.checkpoint(epoch: state.epoch + 1).path)
    }

    /// The epoch's record, with accuracies where they are asked for; nil where it was stopped.
    private func evaluatedOrKept(_ onEvent: (TrainingEvent) throws -> Void, _ shouldStop: () -> Bool) throws
        -> EpochRecord?
    {
        do {
            return try evaluated(onEvent, shouldStop)
        } catch let error where setup.validation != nil {
            throw TrainingError.unevaluated(
                cause: "\(error)", epoch: state.epoch + 1,
                checkpoint: setup.folder.checkpoint(epoch: state.epoch + 1).path)
        }
    }

    /// Does the epoch's steps that are left, and keeps those that were done where a batch cannot be made.
    private func trainOrKeep(_ onEvent: (TrainingEvent) throws -> Void, _ shouldStop: () -> Bool) throws
        -> Bool
    {
        do {
            return try trainEpoch(onEvent, shouldStop)
        } catch let failure as BatchFailure {
            guard case .interrupted(let file) = try interrupted() else { throw failure.cause }
            throw TrainingError.unreadableBatch(
                cause: "\(failure.cause)", epoch: state.epoch + 1, step: state.stepInEpoch, checkpoint: file)
        }
    }

    /// Does the epoch's steps that are left. Returns false where it was stopped before the last.
    private func trainEpoch(_ onEvent: (TrainingEvent) throws -> Void, _ shouldStop: () -> Bool) throws
        -> Bool
    {
        let order = EpochOrder(
            count: setup.training.count, seed: options.shuffle ? state.seed : nil, epoch: state.epoch)
        let epoch = EpochBatches(
            rows: order.rows, batchSize: options.batchSize, parts: options.gradAccuSteps, share: setup.share,
            areAlike: setup.share.group != nil && setup.training.isResident,
            builders: [setup.training] + setup.helpers.map(\.training))
        let count = epoch.batchesPerStep
        let batches = Prefetcher(
            state.stepInEpoch * count..<stepsPerEpoch * count, workers: options.numWorkers,
            make: epoch.batch)
        defer { batches.cancel() }
        // Copies are made in training, and nothing else is done with them.
        setup.model.setTraining(true)
        let clock = ContinuousClock()
        let (secondsBefore, waitingBefore) = (state.seconds, state.waitingSeconds ?? 0)
        let start = clock.now
        var waiting = Duration.zero
        collectedInEpoch = state.stepInEpoch
        while state.stepInEpoch < stepsPerEpoch {
            let maker = try stepMaker()
            let rate = schedule.rate(step: state.step + 1, base: state.learningRateBase)
            try profiled {
                let asked = clock.now
                let parts = try stepBatches(count, from: batches, maker)
                waiting += clock.now - asked
                setup.share.seedStep(state.step, of: state.seed)
                try finite(rate) { try maker.step(parts, learningRate: rate) }
            }
            state.step += 1
            state.stepInEpoch += 1
            let isDue = state.stepInEpoch % maker.figuresInterval == 0 || state.stepInEpoch == stepsPerEpoch
            // The first step of all, so that there is a loss to show.
            if isDue || latest == nil { try collect(maker, rate) }
            let elapsed = clock.now - start
            state.seconds = secondsBefore + elapsed / .seconds(1)
            state.waitingSeconds = waitingBefore + waiting / .seconds(1)
            try onEvent(.step(progress(rate)))
            if try setup.share.anyone(shouldStop()) {
                try collect(maker, rate)
                return false
            }
        }
        return true
    }

    /// The batches of a step, all of them before it begins: one that cannot be made leaves no half of a step behind.
    ///
    /// - Throws: `BatchFailure`, when what the steps before have come to is part of ``state``.
    private func stepBatches(_ count: Int, from batches: Prefetcher<Batch?>, _ maker: any StepMaker) throws
        -> [Batch]
    {
        do {
            return try Profiler.named("waiting for data") {
                try setup.share.together { try (0..<count).compactMap { _ in try batches.next() ?? nil } }
            }
        } catch let error where !(error is ThreadError || error is ProcessError) {
            try collect(maker, schedule.rate(step: state.step, base: state.learningRateBase))
            throw BatchFailure(cause: error)
        }
    }

    private func profiled<Result>(_ step: () throws -> Result) throws -> Result {
        try profile?.step(step) ?? step()
    }

    /// Adds to the run's state what the last steps have come to.
    private func collect(_ maker: any StepMaker, _ learningRate: Double) throws {
        guard collectedInEpoch < state.stepInEpoch else { return }
        let figures = try finite(learningRate) {
            let figures = try maker.figures()
            // Half precision leaves such steps out; at this scale it would leave out all that come.
            if figures.lossScale?.isExhausted ?? false { throw GradientNotFiniteError(norm: .infinity) }
            return figures
        }
        state.lossSum += figures.lossSum
        state.lossScale = figures.lossScale
        // An epoch begun by a version that did not measure it has no sum to add to.
        state.gradientNormSum = state.gradientNormSum.map { $0 + figures.gradientNormSum }
        if figures.skippedSteps > 0 { state.skippedSteps = (state.skippedSteps ?? 0) + figures.skippedSteps }
        let made = figures.stepCount - figures.skippedSteps
        latest = (
            figures.lossSum / Double(max(1, figures.stepCount) * options.batchSize),
            made > 0 ? figures.gradientNormSum / Double(made) : nil
        )
        collectedInEpoch = state.stepInEpoch
    }

    /// Says of a loss or a gradient that is not finite where it was found.
    private func finite<Result>(_ learningRate: Double, _ body: () throws -> Result) throws -> Result {
        var steps: ClosedRange<Int> {
            collectedInEpoch + 1...max(collectedInEpoch + 1, state.stepInEpoch)
        }
        do {
            return try body()
        } catch let error as LossNotFiniteError {
            throw TrainingError.notFinite(
                loss: error.loss, epoch: state.epoch + 1, steps: steps, learningRate: learningRate)
        } catch let error as GradientNotFiniteError {
            throw TrainingError.gradientNotFinite(
                norm: error.norm, epoch: state.epoch + 1, steps: steps, learningRate: learningRate)
        }
    }

    /// Ends the epoch: its record and its checkpoint.
    private func finish(_ record: EpochRecord) throws -> URL {
        records.append(record)
        try setup.share.shareUnreadable(of: setup.training)
        if setup.share.isWriting { try setup.folder.write(records) }
        state.epoch += 1
        state.stepInEpoch = 0
        state.lossSum = 0
        state.seconds = 0
        state.waitingSeconds = 0
        state.gradientNormSum = 0
        let file = setup.folder.checkpoint(epoch: state.epoch)
        guard setup.share.isWriting else { return file }
        try checkpoint().write(to: file.path)
        // The epoch's checkpoint is ahead of one from its middle.
        try? FileManager.default.removeItem(at: setup.folder.interrupted)
        return file
    }
}

/// A batch could not be made.
private struct BatchFailure: Error {
    let cause: any Error
}
