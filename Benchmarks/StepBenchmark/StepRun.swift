import Torch
import VQAData
import VQAModels

/// A network and a batch, and what is done with them in one step.
struct StepRun {
    let model: RWSAN
    let device: Device
    let precision: Precision
    var batch: Batch

    /// A training step as the trainer makes it: forward, loss, backward, and Adam's update.
    func trainingStep() throws -> () throws -> Void {
        let optimizer = try Adam(
            model.namedParameters(), learningRate: 1e-4, betas: (0.9, 0.98), epsilon: 1e-9)
        var scale = precision == .float16 ? LossScale() : nil
        model.setTraining(true)
        return {
            try model.dropGradients()
            guard let targets = batch.targets else { return }
            let loss = try precision.autocast(on: device) {
                try Loss.binaryCrossEntropy(logits: model(batch), targets: targets)
            }
            try (scale?.scaled(loss) ?? loss).backward()
            let isFinite = try scale?.unscale(model.parameters().compactMap(\.gradient)) ?? true
            if isFinite { try optimizer.step() }
            _ = try loss.item()
        }
    }

    /// The logits `[questions, answers]`.
    func infer() throws -> Tensor {
        let logits = try withoutGradients { try precision.autocast(on: device) { try model(batch) } }
        try device.synchronize()
        return logits
    }

    /// The matrix products alone, in the step's precision.
    func products() throws -> ProductsAlone {
        let type: DType =
            switch precision {
            case .bfloat16: .bfloat16
            case .float16: .float16
            case .float32, .int8: .float32
            }
        return try ProductsAlone(
            Configuration(), regions: batch.regionSegments.rowCount, words: batch.wordSegments.rowCount,
            questions: batch.count, answers: 3129, dtype: type, device: device)
    }
}
