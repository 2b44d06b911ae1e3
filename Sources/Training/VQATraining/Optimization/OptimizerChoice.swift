import Torch
import VQASettings

/// An optimizer that a configuration can name.
package struct OptimizerChoice: Sendable {
    /// The optimizers that there are: a new one is one line here.
    package static let standard = [adam, adamW]

    /// Adam with the bias corrections of PyTorch (``Torch/Adam``).
    package static let adam = OptimizerChoice("adam") { parameters, options in
        try Adam(
            parameters, learningRate: 0, betas: (options.optBetas[0], options.optBetas[1]),
            epsilon: options.optEps)
    }

    /// Adam with decoupled weight decay, except of biases and norms (``Torch/AdamW``).
    package static let adamW = OptimizerChoice("adamw") { parameters, options in
        try AdamW(
            parameters, learningRate: 0, betas: (options.optBetas[0], options.optBetas[1]),
            epsilon: options.optEps, weightDecay: options.weightDecay)
    }

    /// The name.
    package let name: String
    private let make: @Sendable ([(name: String, tensor: Tensor)], TrainingOptions) throws -> any Optimizer

    /// - Parameters:
    ///   - name: The name.
    ///   - make: Makes one for a network's parameters; the rate is set before each step.
    package init(
        _ name: String,
        make: @escaping @Sendable ([(name: String, tensor: Tensor)], TrainingOptions) throws -> any Optimizer
    ) {
        self.name = name
        self.make = make
    }

    /// Makes the optimizer that the options name.
    ///
    /// - Throws: `ConfigurationError` where there is none of that name; `TorchError` where memory is short.
    static func optimizer(
        of parameters: [(name: String, tensor: Tensor)], _ options: TrainingOptions
    ) throws -> any Optimizer {
        guard let choice = standard.first(where: { $0.name == options.optimizer }) else {
            throw ConfigurationError(
                key: "optimizer",
                reason: "expected \(standard.map(\.name).joined(separator: ", ")), found \(options.optimizer)"
            )
        }
        return try choice.make(parameters, options)
    }
}
