extension Picture {
    /// The picture at another size, by bicubic interpolation, to the bit as Pillow's `resize` makes it (before Pillow 13,
    /// which goes down the columns first where a picture is tall).
    ///
    /// Rows are brought to the new width and rounded to 8 bits, then columns to the new height. Where a side shrinks, all
    /// pixels that fall on one of the result count (antialiasing). It needs nothing of libtorch, so any thread may do it.
    ///
    /// - Parameters:
    ///   - width: The new width in pixels.
    ///   - height: The new height in pixels.
    /// - Throws: `PictureError` when a picture of that size has no pixels, or too many.
    func resizedBicubically(width: Int, height: Int) throws -> Picture {
        _ = try Self.byteCount(width: width, height: height, of: "resized picture")
        var pixels = self.pixels
        if width != self.width {
            let taps = BicubicTaps(from: self.width, to: width)
            pixels = taps.resizedRows(of: pixels, rowCount: self.height)
        }
        if height != self.height {
            let taps = BicubicTaps(from: self.height, to: height)
            pixels = taps.resizedColumns(of: pixels, rowLength: 3 * width)
        }
        return Picture(width: width, height: height, checkedPixels: pixels)
    }
}

/// Which positions of one axis make up each position of the resized one, and how much of each, in whole numbers.
///
/// The weights of a position add up to 2^22, and their magnitudes to less than one and a half times that, so that 255 times
/// them fits 32 bits: sums cannot overflow, and are not looked at for it.
private struct BicubicTaps {
    private struct Window {
        /// The first position that counts.
        let start: Int
        /// Where its weight is among the weights of all.
        let offset: Int
        /// How many count.
        let count: Int
    }

    private let sourceLength: Int
    private let windows: [Window]
    private let weights: [Int32]

    /// How many bits of a weight stand behind the point.
    private static let precision = 22
    private static let half = Int32(1) << (precision - 1)

    /// - Parameters:
    ///   - sourceLength: The length of the axis, at least 1 and at most `Picture.maximumSide`.
    ///   - length: Its new length, within the same.
    init(from sourceLength: Int, to length: Int) {
        let scale = Double(sourceLength) / Double(length)
        // The curve is as wide as the pixels to be merged, and never narrower than plain interpolation's.
        let stretch = max(scale, 1)
        var (windows, weights) = ([Window](), [Int32]())
        windows.reserveCapacity(length)
        for position in 0..<length {
            let center = (Double(position) + 0.5) * scale
            let start = max(0, Int(clamping: center - 2 * stretch + 0.5))
            let end = min(sourceLength, Int(clamping: center + 2 * stretch + 0.5))
            let heights = (start..<end).map {
                Self.height(at: (Double($0) - center + 0.5) * (1 / stretch))
            }
            let sum = heights.reduce(0, +)
            windows.append(Window(start: start, offset: weights.count, count: heights.count))
            for height in heights {
                let weight = height / sum * Double(1 << Self.precision)
                weights.append(Int32(clamping: weight < 0 ? weight - 0.5 : weight + 0.5))
            }
        }
        self.sourceLength = sourceLength
        self.windows = windows
        self.weights = weights
    }

    /// Keys' curve with a = -0.5: 1 in the middle, 0 two positions away from it.
    private static func height(at position: Double) -> Double {
        let x = abs(position)
        if x < 1 { return (1.5 * x - 2.5) * x * x + 1 }
        return x < 2 ? ((x - 5) * x + 8) * x * -0.5 + 2 : 0
    }

    /// Pixels whose rows have the new length: [rows, length, 3].
    ///
    /// - Parameter pixels: [rows, source length, 3].
    func resizedRows(of pixels: [UInt8], rowCount: Int) -> [UInt8] {
        let (sourceRow, row) = (3 * sourceLength, 3 * windows.count)
        return made(count: rowCount * row, of: pixels) { source, weights, target in
            for number in 0..<rowCount {
                var place = number * row
                for window in windows {
                    var (red, green, blue) = (Self.half, Self.half, Self.half)
                    var pixel = number * sourceRow + 3 * window.start
                    for index in window.offset..<(window.offset + window.count) {
                        let weight = weights[index]
                        red &+= weight &* Int32(source[pixel])
                        green &+= weight &* Int32(source[pixel + 1])
                        blue &+= weight &* Int32(source[pixel + 2])
                        pixel &+= 3
                    }
                    target[place] = Self.rounded(red)
                    target[place + 1] = Self.rounded(green)
                    target[place + 2] = Self.rounded(blue)
                    place += 3
                }
            }
        }
    }

    /// Pixels whose columns have the new length: [length, row length].
    ///
    /// - Parameter pixels: [source length, row length].
    func resizedColumns(of pixels: [UInt8], rowLength: Int) -> [UInt8] {
        var sums = [Int32](repeating: 0, count: rowLength)
        return made(count: windows.count * rowLength, of: pixels) { source, weights, target in
            sums.withUnsafeMutableBufferPointer { sums in
                for (number, window) in windows.enumerated() {
                    sums.update(repeating: Self.half)
                    for tap in 0..<window.count {
                        let weight = weights[window.offset + tap]
                        let start = (window.start + tap) * rowLength
                        for column in 0..<rowLength {
                            sums[column] &+= weight &* Int32(source[start &+ column])
                        }
                    }
                    let start = number * rowLength
                    for column in 0..<rowLength { target[start &+ column] = Self.rounded(sums[column]) }
                }
            }
        }
    }

    private static func rounded(_ sum: Int32) -> UInt8 { UInt8(clamping: sum >> precision) }

    /// Bytes that are made of pixels.
    private func made(
        count: Int, of pixels: [UInt8],
        _ fill: (
            UnsafeBufferPointer<UInt8>, _ weights: UnsafeBufferPointer<Int32>,
            UnsafeMutableBufferPointer<UInt8>
        ) -> Void
    ) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { target, initializedCount in
            pixels.withUnsafeBufferPointer { source in
                weights.withUnsafeBufferPointer { fill(source, $0, target) }
            }
            initializedCount = count
        }
    }
}
