import Torch

/// The network before the regions: a picture to a map of cells, one for every 16 pixels. ResNet up to its fourth stage.
struct FeatureMap {
    private let stem: FoldedConvolution
    private let stages: [ResidualStage]
    private let precision: DType
    private let device: Device

    init(_ weights: DetectorWeights, in precision: DType, on device: Device) throws {
        self.precision = precision
        self.device = device
        stem = try FoldedConvolution(
            weights.foldedConvolution(DetectorTensorNames.stem), stride: 2, padding: 3, in: precision,
            on: device
        )
        stages = try [1, 2, 2].enumerated().map { number, stride in
            try ResidualStage(weights, number, stride: stride, in: precision, on: device)
        }
    }

    /// - Parameter input: float32 `[1, 3, height, width]`.
    /// - Returns: `[1, C, height / 16, width / 16]`, about.
    /// - Throws: `TorchError` where a side is under 3 pixels.
    func callAsFunction(_ input: Tensor) throws(TorchError) -> Tensor {
        let x = try stem(input.converted(to: precision).moved(to: device), rectified: true)
        // The last window may hang over the edge.
        var map = try Self.pool.tensor(
            .tensor(x), .ints([3, 3]), .ints([2, 2]), .ints([0, 0]), .ints([1, 1]), true)
        for stage in stages { map = try stage(map) }
        return map
    }

    private static let pool = Operator("aten::max_pool2d")
}
