import FileSystem
import Torch

/// Reads the checkpoints of the official PyTorch releases: RWSAN's, mcan-vqa's and openvqa's.
///
/// `torch.save` of `{'state_dict', 'optimizer', 'lr_base'}`, with openvqa `'epoch'` too.
enum OfficialCheckpoint {
    static func read(_ path: String) throws -> Checkpoint {
        let root = try loadTorchSave(path)
        guard let parameters = root["state_dict"]?.dictionary?.tensors, !parameters.isEmpty else {
            throw CheckpointError(
                path: path,
                reason: "expected a dictionary with tensors under 'state_dict', as the official "
                    + "release writes it")
        }
        var weights: [String: Tensor] = [:]
        let names = parameters.map { plainName($0.name) }
        for (name, parameter) in zip(names, parameters) { weights[name] = try parameter.tensor.tensor() }
        var checkpoint = Checkpoint(weights: weights)
        if let base = root["lr_base"]?.double {
            guard base.isFinite, base >= 0 else {
                throw CheckpointError(
                    path: path, reason: "expected a learning rate in lr_base, found \(base)")
            }
            checkpoint.officialLearningRateBase = base
        }
        if let epoch = root["epoch"]?.int {
            guard (0...TrainingState.mostEpochs).contains(epoch) else {
                throw CheckpointError(
                    path: path, reason: "expected a number of epochs in epoch, found \(epoch)")
            }
            checkpoint.officialEpoch = epoch
        }
        checkpoint.namedEpoch = epoch(inNameOf: path)
        guard let optimizer = root["optimizer"] else { return checkpoint }
        do {
            let shapes = parameters.map(\.tensor.shape)
            let state = try OfficialOptimizerState(optimizer, names: names, shapes: shapes)
            (checkpoint.optimizerState, checkpoint.stepCount) = (state.tensors, state.stepCount)
        } catch let problem as OfficialOptimizerState.Problem {
            // What cannot be gone on from can still answer.
            checkpoint.optimizerProblem = problem.reason
        }
        return checkpoint
    }

    /// The epoch that the name says, as the official releases write and read it: `epoch<E>.pkl`; nil for other names.
    static func epoch(inNameOf path: String) -> Int? {
        let name = path.pathName
        guard name.hasPrefix("epoch"), name.hasSuffix(".pkl"), let epoch = Int(name.dropFirst(5).dropLast(4)),
            (0...TrainingState.mostSteps).contains(epoch)
        else { return nil }
        return epoch
    }

    /// torch.nn.DataParallel, which the official releases use for several GPUs, adds a prefix.
    private static func plainName(_ name: String) -> String {
        name.hasPrefix("module.") ? String(name.dropFirst("module.".count)) : name
    }
}

extension Checkpoint {
    /// How many epochs were finished. Official checkpoints are written between epochs. openvqa's say after which; the
    /// others have no more than Adam's step, and their name.
    ///
    /// - Throws: `TrainingError` where the step is not the end of an epoch, or of another one than the name says.
    func finishedEpochs(ofSteps stepsPerEpoch: Int) throws(TrainingError) -> Int {
        if let officialEpoch { return officialEpoch }
        guard stepCount % stepsPerEpoch == 0 else {
            throw .notBetweenEpochs(step: stepCount, stepsPerEpoch: stepsPerEpoch)
        }
        let epoch = stepCount / stepsPerEpoch
        if let namedEpoch, namedEpoch != epoch {
            throw .otherEpochs(named: namedEpoch, step: stepCount, stepsPerEpoch: stepsPerEpoch)
        }
        return epoch
    }
}

/// What an optimizer of PyTorch keeps of each parameter, as its `state_dict` has it.
///
/// The parameters' keys are listed in the order of the network's state dictionary: numbers, or before PyTorch 1.6
/// memory addresses. A parameter that never had a gradient is listed and has no state.
struct OfficialOptimizerState {
    /// Why the state cannot be matched with the parameters.
    struct Problem: Error {
        let reason: String
    }

    private(set) var tensors: OptimizerState = [:]
    /// How many steps have been made.
    private(set) var stepCount = 0

    /// What our optimizers call what PyTorch's keep: `exp_inf` is Adamax's.
    private static let words = ["exp_avg": "mean", "exp_avg_sq": "square", "exp_inf": "infinity"]
    private static let step = "step"

    /// - Parameters:
    ///   - optimizer: The optimizer's `state_dict`.
    ///   - names: The names of the network's parameters, in order.
    ///   - shapes: Their shapes.
    /// - Throws: ``Problem``; `TorchError` where memory is short.
    init(_ optimizer: PickleValue, names: [String], shapes: [[Int]]) throws {
        guard let states = optimizer["state"]?.dictionary, states.count > 0 else { return }
        let keys = try Self.keys(optimizer, count: names.count)
        let unlisted = Set(states.keys).subtracting(keys)
        guard unlisted.isEmpty else {
            throw Problem(
                reason: "\(unlisted.count) of its \(states.count) entries are not those of listed parameters")
        }
        for (key, (name, shape)) in zip(keys, zip(names, shapes)) {
            guard let state = states[key] else { continue }
            tensors[name] = try Self.tensors(state, name, shape)
            stepCount = max(stepCount, try Self.stepCount(state, name))
        }
    }

    /// The keys of all parameters' states, in the parameters' order.
    private static func keys(_ optimizer: PickleValue, count: Int) throws -> [PickleKey] {
        let groups = optimizer["param_groups"]?.elements ?? []
        let listed = groups.flatMap { $0["params"]?.elements ?? [] }.map(\.int)
        let keys = listed.compactMap { $0 }.map(PickleKey.int)
        guard keys.count == listed.count, keys.count == count, Set(keys).count == count else {
            throw Problem(
                reason:
                    "expected \(count) different parameters in its param_groups, as many as state_dict has, found "
                    + "\(Set(keys).count)")
        }
        return keys
    }

    private static func tensors(_ state: PickleValue, _ name: String, _ shape: [Int]) throws -> [String:
        Tensor]
    {
        var tensors: [String: Tensor] = [:]
        for (key, value) in zip(state.dictionary?.keys ?? [], state.dictionary?.values ?? []) {
            guard key != .string(step) else { continue }
            guard case .string(let kind) = key, let word = words[kind], let tensor = value.tensor else {
                let found = if case .string(let kind) = key { kind } else { "\(key)" }
                throw Problem(
                    reason:
                        "expected exp_avg, exp_avg_sq or exp_inf of \(name), found \(found), which no optimizer "
                        + "here keeps")
            }
            guard tensor.shape == shape else {
                throw Problem(reason: "expected \(kind) of \(name) of shape \(shape), found \(tensor.shape)")
            }
            tensors[word] = try tensor.tensor()
        }
        guard !tensors.isEmpty else { throw Problem(reason: "there is nothing in that of \(name)") }
        return tensors
    }

    /// How many steps have been made: a whole number, since PyTorch 1.12 as a tensor of one float.
    private static func stepCount(_ state: PickleValue, _ name: String) throws -> Int {
        let found =
            try state[step]?.int
            ?? state[step]?.tensor.flatMap { step in
                step.shape.isEmpty ? Int(exactly: try step.tensor().item()) : nil
            }
        guard let found, (0...TrainingState.mostSteps).contains(found) else {
            throw Problem(reason: "expected a number of steps in that of \(name)")
        }
        return found
    }
}
