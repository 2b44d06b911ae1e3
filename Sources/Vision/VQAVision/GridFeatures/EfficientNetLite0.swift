import Torch

/// EfficientNet-Lite0, a small convolutional network that was trained on ImageNet.
///
/// A stem, 16 inverted-residual blocks and a head, without squeeze-and-excitation, with ReLU6 throughout:
/// EfficientNet-B0 (Tan & Le 2019) made fit for small devices. Its classifier is left out, since what
/// is wanted of it are its feature maps.
///
///     let network = try EfficientNetLite0(weights: "efficientnet-lite0-57934424.pth")
///     let maps = try network.featureMaps(of: input, after: [Stage(block: 7), .head])
///
/// Parameters have the names of the published weights, `_blocks.3._depthwise_conv.weight`.
public final class EfficientNetLite0: Module {
    /// The official names.
    public override class var checkpointNames: [String: String] {
        [
            "stem": "_conv_stem", "stemNorm": "_bn0", "blocks": "_blocks", "head": "_conv_head",
            "headNorm": "_bn1",
        ]
    }

    private static let stemKernel = 3
    fileprivate static let stemChannels = 32
    static let stemStride = 2

    private let stem: Convolution
    private let stemNorm: BatchNorm
    private let blocks: [InvertedResidualBlock]
    private let head: Convolution
    private let headNorm: BatchNorm

    /// A network of these blocks with random weights, in inference mode.
    init(_ shapes: [InvertedResidualBlock.Shape]) throws {
        stem = try Convolution(3, Self.stemChannels, kernel: Self.stemKernel, stride: Self.stemStride)
        stemNorm = try BatchNorm(Self.stemChannels, epsilon: batchNormEpsilon)
        blocks = try shapes.map(InvertedResidualBlock.init)
        let blockChannels = shapes.last?.outputChannels ?? Self.stemChannels
        head = try Convolution(blockChannels, Stage.head.channels, kernel: 1)
        headNorm = try BatchNorm(Stage.head.channels, epsilon: batchNormEpsilon)
        super.init()
        setTraining(false)
    }

    /// Where the network runs.
    public var device: Device { stem.weight.device }

    /// The feature maps after some of the network's stages, from one pass that ends at the last of them.
    ///
    /// Each call folds the norms into the convolutions anew; ``GridFeatures`` does so once.
    ///
    /// - Parameters:
    ///   - input: `[B, 3, height, width]`, as `normalized(_:)` gives it.
    ///   - stages: In any order.
    /// - Returns: `[B, channels, height / stride, width / stride]`, rounded up, in the order of `stages`.
    /// - Throws: `TorchError` where the input has another shape.
    public func featureMaps(of input: Tensor, after stages: [Stage]) throws(TorchError) -> [Tensor] {
        try folded(upTo: stages).featureMaps(of: input, after: stages)
    }

    /// The network as it is computed, with the weights as they are now, up to the last of some stages.
    func folded(upTo stages: [Stage]) throws(TorchError) -> FoldedEfficientNetLite0 {
        try withoutGradients { () throws(TorchError) in
            let last = stages.max()
            var used: [FoldedResidualBlock] = []
            for (stage, block) in zip(Stage.blocks, blocks) where last.map({ stage <= $0 }) ?? false {
                used.append(try block.folded())
            }
            return FoldedEfficientNetLite0(
                stem: try SamePaddedConvolution(stem, stemNorm), blocks: used,
                head: last == .head ? try SamePaddedConvolution(head, headNorm) : nil)
        }
    }

    /// Intensities as the network takes them: `(intensity - 127) / 128`.
    ///
    /// - Parameter pixels: uint8 or float, 0 to 255, of any shape.
    /// - Returns: float32 of the same shape.
    public static func normalized(_ pixels: Tensor) throws(TorchError) -> Tensor {
        try (pixels.converted(to: .float32) - 127) / 128
    }
}

private let batchNormEpsilon = 1e-3

/// Widens its input's channels, filters each by itself, and narrows them again; where input and output
/// have the same shape, their sum is the result (Sandler et al. 2018).
final class InvertedResidualBlock: Module {
    override class var checkpointNames: [String: String] {
        [
            "expansion": "_expand_conv", "expansionNorm": "_bn0", "depthwise": "_depthwise_conv",
            "depthwiseNorm": "_bn1", "projection": "_project_conv", "projectionNorm": "_bn2",
        ]
    }

    struct Shape {
        /// Height and width of the depthwise convolution's kernel.
        let kernel: Int
        let stride: Int
        /// How many times as many channels the depthwise convolution has as the input.
        let expansion: Int
        let inputChannels: Int
        let outputChannels: Int
    }

    private let shape: Shape
    private let expansion: Convolution?
    private let expansionNorm: BatchNorm?
    private let depthwise: Convolution
    private let depthwiseNorm: BatchNorm
    private let projection: Convolution
    private let projectionNorm: BatchNorm

    init(_ shape: Shape) throws {
        self.shape = shape
        let width = shape.inputChannels * shape.expansion
        let isExpanded = shape.expansion > 1
        expansion = isExpanded ? try Convolution(shape.inputChannels, width, kernel: 1) : nil
        expansionNorm = isExpanded ? try BatchNorm(width, epsilon: batchNormEpsilon) : nil
        depthwise = try Convolution(width, width, kernel: shape.kernel, stride: shape.stride, groups: width)
        depthwiseNorm = try BatchNorm(width, epsilon: batchNormEpsilon)
        projection = try Convolution(width, shape.outputChannels, kernel: 1)
        projectionNorm = try BatchNorm(shape.outputChannels, epsilon: batchNormEpsilon)
    }

    /// The block as it is computed.
    func folded() throws(TorchError) -> FoldedResidualBlock {
        var expanded: SamePaddedConvolution?
        if let expansion, let expansionNorm { expanded = try SamePaddedConvolution(expansion, expansionNorm) }
        return FoldedResidualBlock(
            expansion: expanded, depthwise: try SamePaddedConvolution(depthwise, depthwiseNorm),
            projection: try SamePaddedConvolution(projection, projectionNorm),
            isResidual: shape.stride == 1 && shape.inputChannels == shape.outputChannels)
    }
}

extension InvertedResidualBlock.Shape {
    /// The 16 blocks in their order.
    static let ofEfficientNetLite0: [Self] = {
        // kernel, stride of the first, expansion, output channels, how many blocks
        let groups = [
            (3, 1, 1, 16, 1), (3, 2, 6, 24, 2), (5, 2, 6, 40, 2), (3, 2, 6, 80, 3), (5, 1, 6, 112, 3),
            (5, 2, 6, 192, 4), (3, 1, 6, 320, 1),
        ]
        var inputChannels = EfficientNetLite0.stemChannels
        var shapes: [Self] = []
        for (kernel, stride, expansion, outputChannels, count) in groups {
            for index in 0..<count {
                shapes.append(
                    Self(
                        kernel: kernel, stride: index == 0 ? stride : 1, expansion: expansion,
                        inputChannels: inputChannels, outputChannels: outputChannels))
                inputChannels = outputChannels
            }
        }
        return shapes
    }()
}
