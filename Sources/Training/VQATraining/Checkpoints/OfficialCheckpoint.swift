import Torch

/// Reads the checkpoints of the official PyTorch release.
///
/// `torch.save` of `{'state_dict', 'optimizer', 'lr_base'}`, as RWSAN's release, openvqa and mcan-vqa write it.
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
        for (name, tensor) in parameters {
            // torch.nn.DataParallel, which the official release uses for several GPUs, adds a prefix.
            weights[plainName(name)] = try tensor.tensor()
        }
        var checkpoint = Checkpoint(weights: weights)
        if let base = root["lr_base"]?.double {
            guard base.isFinite, base >= 0 else {
                throw CheckpointError(
                    path: path, reason: "expected a learning rate in lr_base, found \(base)")
            }
            checkpoint.officialLearningRateBase = base
        }
        try addOptimizerState(root, parameters, to: &checkpoint, path)
        return checkpoint
    }

    /// Adds Adam's state of every parameter that has one.
    ///
    /// It is keyed by what `param_groups` lists in the order of the parameters: their numbers, or, before PyTorch 1.5,
    /// their addresses in memory.
    private static func addOptimizerState(
        _ root: PickleValue, _ parameters: [(name: String, tensor: PickledTensor)],
        to checkpoint: inout Checkpoint, _ path: String
    ) throws {
        guard let states = root["optimizer"]?["state"]?.dictionary, states.count > 0 else { return }
        let groups = root["optimizer"]?["param_groups"]?.elements ?? []
        let listed = groups.flatMap { $0["params"]?.elements ?? [] }.map(\.int)
        let keys = listed.isEmpty ? Array(parameters.indices) : listed
        guard keys.count == parameters.count else {
            throw CheckpointError(
                path: path,
                reason: "expected an optimizer of \(parameters.count) parameters, found one of \(keys.count)")
        }
        for (key, (name, weight)) in zip(keys, parameters) {
            // A parameter that never had a gradient has none.
            guard let key, let state = states[.int(key)] else { continue }
            guard let mean = state["exp_avg"]?.tensor, let square = state["exp_avg_sq"]?.tensor,
                mean.shape == weight.shape, square.shape == weight.shape
            else {
                throw CheckpointError(
                    path: path,
                    reason: "expected Adam's exp_avg and exp_avg_sq for \(name) \(weight.shape), found "
                        + "\(kinds(state))")
            }
            checkpoint.optimizerState[plainName(name)] = [
                "mean": try mean.tensor(), "square": try square.tensor(),
            ]
            checkpoint.stepCount = max(checkpoint.stepCount, try stepCount(state, path))
        }
        guard checkpoint.optimizerState.count == states.count else {
            throw CheckpointError(
                path: path,
                reason: "its optimizer has the state of \(states.count) parameters, of which "
                    + "\(checkpoint.optimizerState.count) are those of the network")
        }
    }

    /// What an optimizer keeps of a parameter, in words.
    private static func kinds(_ state: PickleValue) -> String {
        ["exp_avg", "exp_avg_sq", "exp_inf"].compactMap { key in
            state[key]?.tensor.map { "\(key) \($0.shape)" }
        }.joined(separator: ", ")
    }

    /// How many steps Adam has made: a whole number, since PyTorch 1.12 as a tensor of one float.
    private static func stepCount(_ state: PickleValue, _ path: String) throws -> Int {
        let found =
            try state["step"]?.int
            ?? state["step"]?.tensor.flatMap { step in
                step.shape.isEmpty ? Int(exactly: try step.tensor().item()) : nil
            }
        guard let found, (0...TrainingState.mostSteps).contains(found) else {
            throw CheckpointError(path: path, reason: "expected a number of steps in the optimizer's state")
        }
        return found
    }

    private static func plainName(_ name: String) -> String {
        name.hasPrefix("module.") ? String(name.dropFirst("module.".count)) : name
    }
}
