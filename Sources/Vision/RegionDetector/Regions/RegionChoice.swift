import Torch

/// Which of the proposals become regions of the picture.
enum RegionChoice {
    /// For each box the highest probability among the classes in which no better box overlaps it; 0 where there is none.
    ///
    /// - Parameters:
    ///   - boxes: `[n, 4]` in pixels of the picture as given.
    ///   - probabilities: `[n, classes]`
    static func bestConfidence(_ boxes: Tensor, _ probabilities: Tensor) throws(TorchError) -> [Float] {
        try best.tensor(.tensor(boxes), .tensor(probabilities), .double(DetectorSettings.classOverlap))
            .array()
    }

    /// Rows of the chosen: in the order of the proposals where as many are sure as are wanted, else the best ones, best
    /// first.
    static func rows(_ confidences: [Float], _ count: RegionCount) -> [Int] {
        let sure = confidences.indices.filter { confidences[$0] >= DetectorSettings.confidence }
        if (count.minimum...count.maximum).contains(sure.count) { return sure }
        let wanted = sure.count < count.minimum ? count.minimum : count.maximum
        let order = confidences.indices.sorted { (confidences[$1], $0) < (confidences[$0], $1) }
        return Array(order.prefix(wanted))
    }

    private static let best = Operator("rwsan::best_confidence")
}
