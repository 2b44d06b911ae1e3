import Torch

/// Boxes that may hold an object, best first.
struct Proposals {
    /// `[n, 4]` in pixels of the input, float32
    let boxes: Tensor
    /// `[n]`, how probable an object is
    let scores: Tensor

    var count: Int { boxes.shape[0] }

    /// Chooses among anchors moved by the network: within the picture, not too small, the best, without those that a
    /// better one overlaps.
    ///
    /// - Parameters:
    ///   - objectness: `[h * w * 12]`
    ///   - deltas: `[h * w * 12, 4]`
    ///   - grid: How many cells there are, h and w.
    init(
        objectness: Tensor, deltas: Tensor, grid: (height: Int, width: Int), of input: DetectorInput,
        _ settings: DetectorSettings
    ) throws {
        let all = try Anchors.moved(Anchors.all(height: grid.height, width: grid.width), by: deltas)
        let boxes = try Self.clipped(all, height: input.height, width: input.width)
        let large = try Self.placesOfLarge(boxes, scale: input.scale)
        let (candidates, chances) = (try boxes.gathered(large), try objectness.gathered(large))
        let order = try Self.descending(chances)
        let best = try order.narrowed(
            axis: 0, start: 0, length: min(order.shape[0], settings.proposalsBeforeSuppression))
        let sorted = try candidates.gathered(best)
        let kept = try Self.suppress.tensor(
            .tensor(sorted), .double(DetectorSettings.proposalOverlap),
            .int(settings.proposalsAfterSuppression))
        self.boxes = try sorted.gathered(kept)
        scores = try chances.gathered(best).gathered(kept)
    }

    /// Boxes brought into the picture.
    static func clipped(_ boxes: Tensor, height: Int, width: Int) throws -> Tensor {
        let corner = [Float(width - 1), Float(height - 1)]
        let ends = try Tensor(corner + corner, shape: [4])
        return try minimum.tensor(.tensor(boxes.clamped(to: 0 ... .infinity)), .tensor(ends))
    }

    /// The places of boxes whose sides are longer than 16 pixels of the picture as given.
    static func placesOfLarge(_ boxes: Tensor, scale: Double) throws -> Tensor {
        let sides =
            try boxes.narrowed(axis: 1, start: 2, length: 2) - boxes.narrowed(axis: 1, start: 0, length: 2)
        let isLarge = try (sides + 1).isGreater(than: DetectorSettings.minimumProposalSide * scale)
        let isBox = try sides.isGreater(than: 0)
        let both = try (isLarge.not().or(isBox.not())).not()
        let all = try Self.all.tensor(.tensor(both), 1)
        return try nonZero.tensor(.tensor(all)).flattened()
    }

    /// The places of numbers, largest first; of equal ones the first.
    static func descending(_ numbers: Tensor) throws -> Tensor {
        try sort.tensors(.tensor(numbers), true, 0, true)[1]
    }

    private static let minimum = Operator("aten::minimum")
    private static let all = Operator("aten::all.dim")
    private static let nonZero = Operator("aten::nonzero")
    private static let sort = Operator("aten::sort.stable")
    private static let suppress = Operator("rwsan::suppress_overlaps")
}
