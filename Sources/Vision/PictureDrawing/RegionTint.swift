import FileSystem
import Foundation

/// How strongly regions are tinted.
enum RegionTint {
    /// Where most weight lies, so much of the picture is covered: 1 - exp(-density), 63 %.
    private static let density = 1.0
    /// Weights are summed in so many cells on a side.
    private static let cells = 64

    /// Opacities of regions that may lie over one another.
    ///
    /// Laid over one another, they come to a map of the sum of the weights at each place, whatever their order: light goes
    /// through a region by a factor whose logarithm is its weight. So a hundred regions hide no more of the picture than one.
    ///
    /// - Parameters:
    ///   - weights: One a region; their magnitudes count.
    ///   - frames: Where the regions are.
    ///   - bounds: Where the picture is.
    /// - Returns: For each region, 0 to 1.
    static func opacities(
        of weights: [Double], _ frames: [DrawingRectangle], in bounds: DrawingRectangle
    ) -> [Double] {
        let most = largestSum(of: weights, frames, in: bounds)
        return weights.map { most > 0 ? 1 - exp(-density * abs($0) / most) : 0 }
    }

    /// The most that weights come to at a place.
    private static func largestSum(
        of weights: [Double], _ frames: [DrawingRectangle], in bounds: DrawingRectangle
    ) -> Double {
        var sums = [Double](repeating: 0, count: cells * cells)
        func range(_ start: Double, _ end: Double, _ length: Double) -> Range<Int> {
            // A cell counts where its centre is covered.
            let scale = Double(cells) / max(length, 1)
            let first = min(max(0, Int(clamping: (start * scale - 0.5).rounded(.up))), cells)
            return first..<min(max(first, Int(clamping: (end * scale - 0.5).rounded(.up))), cells)
        }
        for (weight, frame) in zip(weights, frames) {
            let columns = range(frame.x - bounds.x, frame.maxX - bounds.x, bounds.width)
            for row in range(frame.y - bounds.y, frame.maxY - bounds.y, bounds.height) {
                for column in columns { sums[row * cells + column] += abs(weight) }
            }
        }
        // A region between the centres is under none.
        return max(sums.max() ?? 0, weights.reduce(0) { max($0, abs($1)) })
    }
}
