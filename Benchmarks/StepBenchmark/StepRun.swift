import Collectives
import Torch
import VQABatches
import VQAModels
import VQASettings
import VQATraining

/// A network and a batch, and what is done with them in one step.
struct StepRun {
    let model: any VQAModel
    let options: any SettingsGroup
    let device: Device
    let precision: Precision
    var batch: Batch
    /// This process's share in training; the batch is its own share of the questions.
    var share = WorkShare()

    /// Training steps as the trainer makes them, and how many of them are made at once.
    ///
    /// - Parameter batches: Two batches of one shape, which come in turn.
    func trainingSteps(on batches: [Batch]) throws -> (count: Int, make: () throws -> Void) {
        let optimizer = try Adam(
            model.namedParameters(), learningRate: 1e-4, betas: (0.9, 0.98), epsilon: 1e-9)
        let steps = try Stepping.best(on: device).makeSteps(
            model, optimizer, device: device, precision: precision,
            lossScale: precision == .float16 ? LossScale() : nil, share: share)
        model.setTraining(true)
        return (
            steps.figuresInterval,
            {
                for step in 0..<steps.figuresInterval {
                    try steps.step([batches[step % batches.count]], learningRate: 1e-4)
                }
                _ = try steps.figures()
            }
        )
    }

    /// Adds up numbers of all processes, as gradients are.
    ///
    /// - Parameter count: How many; nil for as many as the network learns.
    func exchange(_ count: Int?) throws -> (byteCount: Int, make: () throws -> Void) {
        let numbers = try Tensor.zeros([
            max(1, count ?? model.parameters().reduce(0) { $0 + $1.count })
        ])
        return (
            numbers.count * MemoryLayout<Float>.size,
            {
                try numbers.withUnsafeMutableBytes { try share.group?.addUp($0.bindMemory(to: Float.self)) }
            }
        )
    }

    /// The logits `[questions, answers]`.
    func infer() throws -> Tensor {
        let logits = try withoutGradients { try precision.autocast(on: device) { try model(batch) } }
        try device.synchronize()
        return logits
    }

    /// The matrix products alone, in the step's precision.
    func products() throws -> ProductsAlone {
        let dtype: DType =
            switch precision {
            case .bfloat16: .bfloat16
            case .float16: .float16
            case .float32, .int8: .float32
            }
        let rows = LinearShapes(
            regions: batch.regionSegments.rowCount, words: batch.wordSegments.rowCount,
            questions: batch.count, answers: 3129)
        let shapes: [LinearShape]
        switch options {
        case let options as RWSANOptions: shapes = rows.shapes(of: options)
        case let options as MCANOptions: shapes = rows.shapes(of: options)
        case let options as ViLTOptions: shapes = rows.shapes(of: options)
        case let options as LXMERTOptions: shapes = rows.shapes(of: options)
        default: throw UnknownProductsError(model: "\(type(of: model))")
        }
        return try ProductsAlone(shapes, dtype: dtype, device: device)
    }
}

/// A network whose matrix products are not listed here.
struct UnknownProductsError: Error, CustomStringConvertible {
    let model: String

    var description: String {
        "--only: expected train or infer of \(model), whose products alone are not known"
    }
}
