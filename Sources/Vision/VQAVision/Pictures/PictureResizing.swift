extension Picture {
    /// The picture at another size, by bilinear interpolation.
    ///
    /// Where it shrinks, every pixel that falls on one of the result counts, by its distance (antialiasing,
    /// as in Pillow and in torchvision). The sides are scaled independently. It needs nothing of libtorch,
    /// so any thread may do it.
    ///
    /// - Parameters:
    ///   - width: The new width in pixels.
    ///   - height: The new height in pixels.
    /// - Throws: `PictureError` when a picture of that size has no pixels, or too many.
    public func resized(width: Int, height: Int) throws -> Picture {
        guard width != self.width || height != self.height else { return self }
        let byteCount = try Self.byteCount(width: width, height: height, of: "resized picture")
        let rows = ResampledRows(of: self, width: width)
        let pixels = [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, initializedCount in
            rows.blend(Interpolation(from: self.height, to: height), into: buffer)
            initializedCount = byteCount
        }
        return Picture(width: width, height: height, checkedPixels: pixels)
    }
}

/// Which positions of one axis make up each position of the resized one.
private struct Interpolation {
    struct Window {
        /// The first position that counts.
        let start: Int
        /// How much it and those after it count; they add up to 1.
        let weights: [Float]
    }

    let windows: [Window]

    /// - Parameters:
    ///   - sourceLength: The length of the axis, at least 1.
    ///   - length: Its new length, at least 1.
    init(from sourceLength: Int, to length: Int) {
        let scale = Double(sourceLength) / Double(length)
        // A triangle as wide as the pixels to be merged, and never narrower than plain interpolation's.
        let radius = max(scale, 1)
        windows = (0..<length).map { position in
            let center = (Double(position) + 0.5) * scale
            let start = max(0, Int(center - radius + 0.5))
            let end = min(sourceLength, Int(center + radius + 0.5))
            let heights = (start..<end).map { max(0, 1 - abs(Double($0) + 0.5 - center) / radius) }
            let sum = heights.reduce(0, +)
            return Window(start: start, weights: heights.map { Float($0 / sum) })
        }
    }
}

/// A picture whose rows have their new width already, and whose columns are still to be resized.
private struct ResampledRows {
    /// How many numbers make up a row: 3 for each pixel.
    private let rowLength: Int
    /// [source height, width, 3]
    private let values: [Float]

    init(of picture: Picture, width: Int) {
        let interpolation = Interpolation(from: picture.width, to: width)
        let rowLength = width * 3
        self.rowLength = rowLength
        let count = picture.height * rowLength
        values = [Float](unsafeUninitializedCapacity: count) { buffer, initializedCount in
            picture.pixels.withUnsafeBufferPointer { pixels in
                for row in 0..<picture.height {
                    let source = pixels[(row * picture.width * 3)...]
                    let target = UnsafeMutableBufferPointer(rebasing: buffer[(row * rowLength)...])
                    Self.resample(UnsafeBufferPointer(rebasing: source), interpolation, into: target)
                }
            }
            initializedCount = count
        }
    }

    /// Resizes one row of pixels.
    private static func resample(
        _ source: UnsafeBufferPointer<UInt8>, _ interpolation: Interpolation,
        into target: UnsafeMutableBufferPointer<Float>
    ) {
        for (position, window) in interpolation.windows.enumerated() {
            var sum = SIMD3<Float>.zero
            var offset = window.start * 3
            for weight in window.weights {
                let pixel = SIMD3(Float(source[offset]), Float(source[offset + 1]), Float(source[offset + 2]))
                sum += weight * pixel
                offset += 3
            }
            for channel in 0..<3 { target.initializeElement(at: position * 3 + channel, to: sum[channel]) }
        }
    }

    /// Merges the rows into those of the result, and rounds.
    func blend(_ interpolation: Interpolation, into target: UnsafeMutableBufferPointer<UInt8>) {
        var sums = [Float](repeating: 0, count: rowLength)
        values.withUnsafeBufferPointer { values in
            for (row, window) in interpolation.windows.enumerated() {
                for index in sums.indices { sums[index] = 0 }
                for (sourceRow, weight) in zip(window.start..., window.weights) {
                    let source = values[(sourceRow * rowLength)..<((sourceRow + 1) * rowLength)]
                    for (index, value) in zip(sums.indices, source) { sums[index] += weight * value }
                }
                for (index, sum) in sums.enumerated() {
                    let rounded = min(max(sum.rounded(), 0), 255)
                    target.initializeElement(at: row * rowLength + index, to: UInt8(rounded))
                }
            }
        }
    }
}
