import Torch

/// What the network says of each region: its feature vector, and how probable each class and attribute is.
struct RegionHeads {
    private let stage: ResidualStage
    private let classes: DenseLayer
    private let attributes: AttributeHead?
    private let precision: DType
    private let device: Device

    /// How many regions go through the network at once: what it keeps for one of them takes 2 MB.
    private static let chunk = 16

    /// The features of regions and what they are thought to be, float32 on the CPU.
    struct Output {
        /// `[n, width]`
        let features: Tensor
        /// `[n, classes]`, class 0 the background
        let classProbabilities: Tensor
        /// `[n, attributes]`, 0 none; nil where the weights have no attributes
        let attributeProbabilities: Tensor?
    }

    init(_ weights: DetectorWeights, in precision: DetectorPrecision, on device: Device) throws {
        self.precision = precision.type
        self.device = device
        stage = try ResidualStage(
            weights, 3, stride: 1, of: precision == .int8 ? .smallPicturesInInt8 : .smallPictures,
            in: precision.type, on: device)
        classes = try DenseLayer(weights, DetectorTensorNames.classScores, on: device)
        attributes = weights.hasAttributes ? try AttributeHead(weights, on: device) : nil
    }

    /// - Parameters:
    ///   - map: `[1, C, h, w]`, channels last in memory.
    ///   - boxes: `[n, 4]` in pixels of the input, float32 on the CPU.
    func callAsFunction(_ map: Tensor, _ boxes: Tensor) throws(TorchError) -> Output {
        let cells = try map[0].permuted([1, 2, 0]).converted(to: .float32).moved(to: .cpu).contiguous()
        var features: [Tensor] = []
        let count = boxes.shape[0]
        for start in stride(from: 0, to: count, by: Self.chunk) {
            let part = try boxes.narrowed(axis: 0, start: start, length: min(Self.chunk, count - start))
            features.append(try self.features(of: pooledRegions(cells, part, interleaved: true)))
        }
        return try output(Tensor.concatenate(features))
    }

    /// The stage's convolutions are dilated by 2, so that bins of even and odd rows and columns never meet: they are plain
    /// convolutions of four smaller pictures, which libraries compute faster.
    ///
    /// - Parameter pooled: `[n * 4, C, 7, 7]`
    /// - Returns: `[n, width]`, float32
    private func features(of pooled: Tensor) throws(TorchError) -> Tensor {
        let x = try stage(pooled.converted(to: precision).moved(to: device))
        let sums = try x.converted(to: .float32).mean(axes: [2, 3])
        return try sums.reshaped([-1, 4, sums.shape[1]]).mean(axes: [1])
    }

    /// What is said of features `[n, width]`.
    func output(_ features: Tensor) throws(TorchError) -> Output {
        let logits = try classes(features)
        return Output(
            features: try features.moved(to: .cpu),
            classProbabilities: try logits.softmax(axis: 1).moved(to: .cpu),
            attributeProbabilities: try attributes?(features, logits).moved(to: .cpu))
    }
}

/// A fully connected layer of the detector's head.
private struct DenseLayer {
    private let weight: Tensor
    private let bias: Tensor
    private static let linear = Operator("rwsan::linear")

    init(_ weights: DetectorWeights, _ name: String, on device: Device) throws {
        let parameters = try weights.layer(name)
        weight = try parameters.weight.moved(to: device)
        bias = try parameters.bias.moved(to: device)
    }

    func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        try Self.linear.tensor(.tensor(x), .tensor(weight), .tensor(bias))
    }
}

/// How probable each attribute is, given the most probable class, which may be the background.
private struct AttributeHead {
    private let classEmbedding: Tensor
    private let hidden: DenseLayer
    private let scores: DenseLayer
    private static let embedding = Operator("aten::embedding")

    init(_ weights: DetectorWeights, on device: Device) throws {
        classEmbedding = try weights.tensor(DetectorTensorNames.classEmbedding + ".weight").moved(to: device)
        hidden = try DenseLayer(weights, DetectorTensorNames.attributeHidden, on: device)
        scores = try DenseLayer(weights, DetectorTensorNames.attributeScores, on: device)
    }

    func callAsFunction(_ features: Tensor, _ logits: Tensor) throws(TorchError) -> Tensor {
        let names = try Self.embedding.tensor(.tensor(classEmbedding), .tensor(logits.argmax(axis: 1)))
        let both = try Tensor.concatenate([features, names], axis: 1)
        return try scores(hidden(both).relu()).softmax(axis: 1)
    }
}

/// The cells of a map under each region, as 14 x 14 maxima.
///
/// - Parameters:
///   - cells: `[h, w, C]`, float32 on the CPU.
///   - boxes: `[n, 4]` in pixels of the input.
///   - isInterleaved: Whether even and odd rows and columns are apart.
/// - Returns: `[n, C, 14, 14]`, or `[n * 4, C, 7, 7]` where they are apart; channels last in memory.
func pooledRegions(_ cells: Tensor, _ boxes: Tensor, interleaved isInterleaved: Bool) throws(TorchError)
    -> Tensor
{
    try regionMaxima.tensor(
        .tensor(cells), .tensor(boxes), .double(Double(DetectorSettings.stride)),
        .int(DetectorSettings.pooledSize),
        .bool(isInterleaved))
}

private let regionMaxima = Operator("rwsan::region_maxima")
