/// A one-layer long short-term memory over sequences, starting from zero.
///
/// The four gates lie one below the other in each weight: input, forget, cell, output. Start values are
/// uniform in ±1/√hiddenWidth. Source: Hochreiter & Schmidhuber 1997, in PyTorch's form.
public final class LSTM: Module {
    private static let lstm = Operator("aten::lstm.input")
    private static let cudnnLSTM = Operator("aten::_cudnn_rnn")

    /// PyTorch's names.
    public override class var checkpointNames: [String: String] {
        [
            "inputWeight": "weight_ih_l0", "hiddenWeight": "weight_hh_l0", "inputBias": "bias_ih_l0",
            "hiddenBias": "bias_hh_l0",
        ]
    }

    /// `[4 hiddenWidth, inputWidth]`
    public let inputWeight: Tensor
    /// `[4 hiddenWidth, hiddenWidth]`
    public let hiddenWeight: Tensor
    /// `[4 hiddenWidth]`
    public let inputBias: Tensor
    /// `[4 hiddenWidth]`
    public let hiddenBias: Tensor
    private let hiddenWidth: Int

    /// - Parameters:
    ///   - inputWidth: How many numbers each position of the input has.
    ///   - hiddenWidth: How many numbers each position of the output has.
    /// - Throws: `TorchError` where memory is short.
    public init(inputWidth: Int, hiddenWidth: Int) throws {
        self.hiddenWidth = hiddenWidth
        let bound = 1 / Double(max(hiddenWidth, 1)).squareRoot()
        func start(_ shape: [Int]) throws -> Tensor {
            try Tensor.uniform(shape, in: -bound...bound).requiringGradient()
        }
        inputWeight = try start([4 * hiddenWidth, inputWidth])
        hiddenWeight = try start([4 * hiddenWidth, hiddenWidth])
        inputBias = try start([4 * hiddenWidth])
        hiddenBias = try start([4 * hiddenWidth])
    }

    /// `[B, T, inputWidth]` gives the hidden states `[B, T, hiddenWidth]`.
    ///
    /// Always in the weights' precision: a CPU has no LSTM in half precision that can be trained, and a GPU's would be
    /// in float16 under bfloat16 too, without a scaled loss.
    public func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        try Precision.withoutAutocast(on: x.device) { () throws(TorchError) in
            try hiddenStates(x.converted(to: inputWeight.dtype))
        }
    }

    private func hiddenStates(_ x: Tensor) throws(TorchError) -> Tensor {
        guard x.device == .cpu else { return try hiddenStatesOnGPU(x) }
        let start = try startState(x)
        return try Self.lstm.tensor(
            .tensor(x), .tensors([start, start]), .tensors(weights), true, 1, 0.0, .bool(isTraining), false,
            true)
    }

    /// What the same operator comes to on a GPU, without its warning at each call that the weights are not in one
    /// piece.
    func hiddenStatesOnGPU(_ x: Tensor) throws(TorchError) -> Tensor {
        let start = try startState(x)
        return try Self.cudnnLSTM.tensor(
            .tensor(x), .tensors(weights), .int(weights.count), .none, .tensor(start), .tensor(start),
            .int(Self.cudnnMode), .int(hiddenWidth), 0, 1, true, 0.0, .bool(isTraining), false, .ints([]),
            .none)
    }

    /// CUDNN_LSTM
    private static let cudnnMode = 2

    private var weights: [Tensor] { [inputWeight, hiddenWeight, inputBias, hiddenBias] }

    private func startState(_ x: Tensor) throws(TorchError) -> Tensor {
        try Tensor.zeros([1, x.size(0), hiddenWidth], dtype: x.dtype, device: x.device)
    }
}
