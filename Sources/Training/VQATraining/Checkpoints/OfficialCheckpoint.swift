import Torch

/// Reads the checkpoints of the official PyTorch release.
///
/// `torch.save` of `{'state_dict', 'optimizer', 'lr_base'}`. Adam's state is keyed by the number of the
/// parameter, in the order of the state dictionary; a parameter that never had a gradient has none.
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
        guard let states = root["optimizer"]?["state"] else { return checkpoint }
        for (number, (name, weight)) in parameters.enumerated() {
            guard let state = states[number] else { continue }
            guard let mean = state["exp_avg"]?.tensor, let square = state["exp_avg_sq"]?.tensor,
                mean.shape == weight.shape, square.shape == weight.shape
            else {
                throw CheckpointError(
                    path: path, reason: "the optimizer's state \(number) does not fit \(name) \(weight.shape)"
                )
            }
            checkpoint.optimizerState[plainName(name)] = [
                "mean": try mean.tensor(), "square": try square.tensor(),
            ]
            checkpoint.stepCount = max(checkpoint.stepCount, try stepCount(state, path))
        }
        return checkpoint
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
