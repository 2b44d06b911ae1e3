import Torch

/// The boxes that the detector moves into place: 12 shapes around each cell.
enum Anchors {
    /// Those of the first cell, x1, y1, x2, y2: three ratios of the sides, each at four scales. Both end pixels count.
    static let ofFirstCell: [[Float]] = [
        [-38, -16, 53, 31], [-84, -40, 99, 55], [-176, -88, 191, 103], [-360, -184, 375, 199],
        [-24, -24, 39, 39], [-56, -56, 71, 71], [-120, -120, 135, 135], [-248, -248, 263, 263],
        [-14, -36, 29, 51], [-36, -80, 51, 95], [-80, -168, 95, 183], [-168, -344, 183, 359],
    ]

    /// Of all cells of a grid, in the order y, x, shape: `[height * width * 12, 4]`.
    static func all(height: Int, width: Int) throws -> Tensor {
        let stride = Float(DetectorSettings.stride)
        return try Tensor(uninitialized: [height * width * ofFirstCell.count, 4], of: Float.self) { boxes in
            var next = 0
            for row in 0..<height {
                for column in 0..<width {
                    let (x, y) = (Float(column) * stride, Float(row) * stride)
                    for anchor in ofFirstCell {
                        for (corner, shift) in zip(anchor, [x, y, x, y]) {
                            boxes[next] = corner + shift
                            next += 1
                        }
                    }
                }
            }
        }
    }

    /// Boxes moved and grown by dx, dy, dw, dh, all `[n, 4]` in single precision.
    ///
    /// Sizes count both end pixels, but the result has none taken off again: a box of zero deltas grows by a pixel.
    /// Growth is limited to 62.5 times.
    static func moved(_ boxes: Tensor, by deltas: Tensor) throws -> Tensor {
        func pair(_ tensor: Tensor, _ start: Int) throws -> Tensor {
            try tensor.narrowed(axis: 1, start: start, length: 2)
        }
        let sizes = try pair(boxes, 2) - pair(boxes, 0) + 1
        let centers = try pair(boxes, 0) + sizes * 0.5
        let middle = try pair(deltas, 0) * sizes + centers
        let growth = try pair(deltas, 2).clamped(to: -.infinity...mostGrowth).exp()
        let half = try growth * sizes * 0.5
        return try Tensor.concatenate([middle - half, middle + half], axis: 1)
    }

    /// The logarithm of 1000 / 16.
    private static let mostGrowth = 4.135166556742356
}
