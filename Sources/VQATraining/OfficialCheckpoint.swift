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
        checkpoint.officialLearningRateBase = root["lr_base"]?.double
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
            checkpoint.moments[plainName(name)] = Adam.Moments(
                mean: try mean.tensor(), square: try square.tensor())
            let step =
                try state["step"]?.int ?? state["step"]?.tensor.map { Int(try $0.tensor().item()) } ?? 0
            checkpoint.stepCount = max(checkpoint.stepCount, step)
        }
        return checkpoint
    }

    private static func plainName(_ name: String) -> String {
        name.hasPrefix("module.") ? String(name.dropFirst("module.".count)) : name
    }
}
