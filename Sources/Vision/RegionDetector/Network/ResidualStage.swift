import Torch

/// Bottleneck blocks in a row: 1x1, 3x3, 1x1, and the input or its projection added.
///
/// The stride sits in the first block's first layer, as in Caffe's ResNet. Source: He and others 2016, figure 5.
struct ResidualStage {
    private let blocks: [Block]

    private struct Block {
        let shortcut: FoldedConvolution?
        let reduction: FoldedConvolution
        let spatial: FoldedConvolution
        let expansion: FoldedConvolution
    }

    /// - Parameters:
    ///   - number: 0 for res2, to 3 for res5.
    ///   - stride: Of the first block.
    ///   - input: What it is given.
    /// - Throws: `TorchError` where memory is short, or there are no products of 8 bits.
    init(
        _ weights: DetectorWeights, _ number: Int, stride: Int,
        of input: FoldedConvolution.Input = .pictures,
        in precision: DType, on device: Device
    ) throws {
        let name = DetectorTensorNames.stages[number]
        blocks = try (0..<weights.shape.blocks[number]).map { index in
            let stride = index == 0 ? stride : 1
            func layer(_ part: String, stride: Int = 1, padding: Int = 0) throws -> FoldedConvolution {
                try FoldedConvolution(
                    weights.foldedConvolution("\(name)\(index).\(part)"), stride: stride, padding: padding,
                    of: input, in: precision, on: device)
            }
            return Block(
                shortcut: index == 0 ? try layer("shortcut", stride: stride) : nil,
                reduction: try layer("conv1", stride: stride), spatial: try layer("conv2", padding: 1),
                expansion: try layer("conv3"))
        }
    }

    /// `[n, in, h, w]` gives `[n, out, h', w']`.
    func callAsFunction(_ input: Tensor) throws(TorchError) -> Tensor {
        var x = input
        for block in blocks {
            let inner = try block.spatial(block.reduction(x, rectified: true), rectified: true)
            let kept = try block.shortcut?(x, rectified: false) ?? x
            x = try block.expansion(inner, rectified: true, adding: kept)
        }
        return x
    }
}
