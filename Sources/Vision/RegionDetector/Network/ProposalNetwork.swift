import Torch

/// What of each cell and anchor is thought to be an object, and how the anchor is to be moved.
///
/// Source: Ren and others 2015, section 3.1.
struct ProposalNetwork {
    private let hidden: FoldedConvolution
    private let objectness: FoldedConvolution
    private let deltas: FoldedConvolution

    init(_ weights: DetectorWeights, in precision: DType, on device: Device) throws {
        func layer(_ name: String, padding: Int = 0) throws -> FoldedConvolution {
            try FoldedConvolution(
                weights.layer(name), padding: padding, in: precision,
                on: device)
        }
        hidden = try layer(DetectorTensorNames.proposals, padding: 1)
        objectness = try layer(DetectorTensorNames.objectness)
        deltas = try layer(DetectorTensorNames.deltas)
    }

    /// - Parameter map: `[1, C, h, w]`
    /// - Returns: On the CPU, float32, in the order y, x, anchor: the probabilities of an object `[h * w * 12]`, and
    ///   dx, dy, dw, dh `[h * w * 12, 4]`.
    func callAsFunction(_ map: Tensor) throws(TorchError) -> (objectness: Tensor, deltas: Tensor) {
        let x = try hidden(map, rectified: true)
        let (height, width) = (map.shape[2], map.shape[3])
        func rows(_ layer: FoldedConvolution) throws(TorchError) -> Tensor {
            // Channels last in memory: the order of the rows is that of the cells.
            try layer(x, rectified: false).permuted([0, 2, 3, 1]).reshaped([height * width, -1])
                .converted(to: .float32).moved(to: .cpu)
        }
        // Half of the channels are the background's.
        let logits = try rows(objectness).reshaped([height * width, 2, -1])
        let probabilities = try logits.softmax(axis: 1).narrowed(axis: 1, start: 1, length: 1)
        return (try probabilities.contiguous().flattened(), try rows(deltas).contiguous().reshaped([-1, 4]))
    }
}
