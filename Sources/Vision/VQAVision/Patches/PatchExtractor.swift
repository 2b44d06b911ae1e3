import VQAFeatures

/// Pictures cut into square patches of pixels, which are the regions that ViLT reads: no network is needed.
///
/// A picture is resized (`PatchSettings`), and each of its patches is a region, row by row from the top. Its features are
/// the pixels' numbers in the order of a convolution's weight, [3, patch size, patch size], so that ViLT's projection of
/// patches is one product of matrices. Its box is the patch's part of the picture as it was.
///
///     let extractor = try PatchExtractor(PatchRecipe(PatchSettings(contentsOf: "preprocessor_config.json"), patchSize: 32))
///     let regions = try extractor.regions(of: Picture(contentsOf: file, reading: .unblended))
public struct PatchExtractor: Sendable {
    private let settings: PatchSettings
    private let patchSize: Int
    /// What an intensity becomes: [3, 256].
    private let values: [[Float]]

    /// - Parameter recipe: How pictures become patches.
    public init(_ recipe: PatchRecipe) {
        settings = recipe.settings
        patchSize = recipe.patchSize
        values = recipe.settings.values
    }

    /// The length of a region's feature vector.
    public var width: Int { 3 * patchSize * patchSize }

    /// How many rows and columns of patches a picture has.
    ///
    /// - Parameters:
    ///   - width: The picture's, in pixels.
    ///   - height: The picture's, in pixels.
    public func grid(width: Int, height: Int) -> (rows: Int, columns: Int) {
        let size = settings.size(width: width, height: height)
        return (size.height / patchSize, size.width / patchSize)
    }

    /// A picture brought to its size. Any thread may make one.
    public struct Input: Sendable {
        /// The picture resized.
        let resized: Picture
        fileprivate let imageWidth: Int
        fileprivate let imageHeight: Int
    }

    private func regions(of input: Input) throws -> RegionFeatures {
        let (size, found) = (settings.size(width: input.imageWidth, height: input.imageHeight), input.resized)
        guard size == (found.width, found.height) else {
            throw PatchSettingsError(
                source: "patches",
                reason: "expected a picture of \(size.width) x \(size.height) pixels, found \(found.width) x "
                    + "\(found.height): it was made for other settings")
        }
        return try RegionFeatures(
            width: width, features: features(of: input.resized), boxes: boxes(of: input),
            imageHeight: input.imageHeight, imageWidth: input.imageWidth)
    }

    /// The patches' numbers: [rows, columns, 3, patch size, patch size].
    private func features(of picture: Picture) -> [Float] {
        let table = values.flatMap { $0 }
        let rowLength = 3 * picture.width
        return [Float](unsafeUninitializedCapacity: picture.pixels.count) { buffer, initializedCount in
            var place = 0
            table.withUnsafeBufferPointer { table in
                picture.pixels.withUnsafeBufferPointer { pixels in
                    for top in stride(from: 0, to: picture.height, by: patchSize) {
                        for left in stride(from: 0, to: picture.width, by: patchSize) {
                            for channel in 0..<3 {
                                for row in top..<(top + patchSize) {
                                    var pixel = row * rowLength + 3 * left + channel
                                    for _ in 0..<patchSize {
                                        buffer[place] = table[256 &* channel &+ Int(pixels[pixel])]
                                        place &+= 1
                                        pixel &+= 3
                                    }
                                }
                            }
                        }
                    }
                }
            }
            initializedCount = place
        }
    }

    /// The patches' corners x1, y1, x2, y2 in pixels of the picture as it was.
    private func boxes(of input: Input) -> [Float] {
        let (rows, columns) = (input.resized.height / patchSize, input.resized.width / patchSize)
        func edges(_ count: Int, _ length: Int) -> [Float] {
            (0...count).map { Float(Double($0) / Double(count) * Double(length)) }
        }
        let (x, y) = (edges(columns, input.imageWidth), edges(rows, input.imageHeight))
        var boxes: [Float] = []
        for row in 0..<rows {
            for column in 0..<columns { boxes += [x[column], y[row], x[column + 1], y[row + 1]] }
        }
        return boxes
    }
}

extension PatchExtractor: PictureFeatureExtractor {
    /// The settings and the size of patches.
    public var recipe: FeatureRecipe { .patches(PatchRecipe(checked: settings, patchSize: patchSize)) }

    /// Each picture is made on one thread.
    public var isConcurrent: Bool { true }

    /// The picture brought to its size.
    ///
    /// - Throws: `PictureError` where there is no picture of that size.
    public func input(of picture: Picture, named name: String) throws -> Input {
        let size = settings.size(width: picture.width, height: picture.height)
        return Input(
            resized: try picture.resizedBicubically(width: size.width, height: size.height),
            imageWidth: picture.width, imageHeight: picture.height)
    }

    /// The rows at their new width, and the picture at its new size.
    public func inputByteCount(width: Int, height: Int) -> Int {
        let size = settings.size(width: width, height: height)
        return 3 * size.width * (height + size.height)
    }

    /// The patches of pictures.
    ///
    /// - Throws: `PatchSettingsError` where an input was made for an extractor of other settings.
    public func extract(_ inputs: [Input]) throws -> [ExtractedFeatures] {
        try inputs.map { .regions(try regions(of: $0)) }
    }

    /// Whether there are as many regions as a picture of that size has patches, of this width.
    public func isComplete(_ features: RegionFeatures) -> Bool {
        let grid = grid(width: features.imageWidth, height: features.imageHeight)
        return features.width == width && features.count == grid.rows * grid.columns
    }
}
