import VQAFeatures

/// What makes region features of pictures, always in the same way.
public protocol PictureFeatureExtractor: Sendable {
    /// A picture as the network is given it. Any thread may make one.
    associatedtype Input: Sendable

    /// How features are made, as `extraction.json` and a checkpoint note it.
    var recipe: FeatureRecipe { get }
    /// Whether several threads may make features at once; else a picture's are made on all cores, one picture after
    /// another.
    var isConcurrent: Bool { get }

    /// - Throws: `PictureError` where there is no picture of the size that the network is given.
    func input(of picture: Picture, named name: String) throws -> Input
    /// How many bytes making an input takes, besides those of the file and the picture.
    func inputByteCount(width: Int, height: Int) -> Int
    /// The features of pictures, in their order.
    ///
    /// - Throws: `TorchError` where memory is short.
    func extract(_ inputs: [Input]) throws -> [ExtractedFeatures]
    /// Whether features in a file can be those of a picture.
    func isComplete(_ features: RegionFeatures) -> Bool
}

extension PictureFeatureExtractor {
    /// The regions of one picture.
    ///
    /// - Parameter name: What to call the picture in an error.
    /// - Throws: `PictureError` where there are none to be had; `TorchError` where memory is short.
    package func regions(of picture: Picture, named name: String = "the picture") throws -> RegionFeatures {
        try labelledRegions(of: picture, named: name).regions
    }

    /// The regions of one picture, and what they are thought to be where that is known.
    ///
    /// - Parameter name: What to call the picture in an error.
    /// - Throws: As ``regions(of:named:)``.
    package func labelledRegions(of picture: Picture, named name: String) throws -> LabelledRegions {
        guard let made = try extract([input(of: picture, named: name)]).first else {
            throw PictureError(file: name, problem: .withoutRegions(reason: "expected regions, found none"))
        }
        switch made {
        case .regions(let regions, let labels): return LabelledRegions(regions: regions, labels: labels)
        case .unfit(let error): throw error
        }
    }
}

/// What became of a picture.
public enum ExtractedFeatures: Sendable {
    /// Its regions, and what they are thought to be where that is known.
    case regions(RegionFeatures, labels: RegionLabels? = nil)
    /// There are none to be had of it.
    case unfit(PictureError)
}

extension GridFeatures: PictureFeatureExtractor {
    /// The network's blocks, and the size of its input.
    public var recipe: FeatureRecipe { .grid(GridRecipe(of: self)) }

    /// One thread a group of pictures: see `features(of:)`.
    public var isConcurrent: Bool { true }

    /// The picture brought to `inputSize`.
    ///
    /// - Throws: `PictureError` where there is no picture of that size.
    public func input(of picture: Picture, named name: String) throws -> Input {
        try Input(picture, size: inputSize)
    }

    /// The rows at their new width.
    public func inputByteCount(width: Int, height: Int) -> Int { 12 * height * inputSize }

    /// The features of some pictures, in their order.
    ///
    /// - Throws: As `features(of:)`.
    public func extract(_ inputs: [Input]) throws -> [ExtractedFeatures] {
        try features(of: inputs).map { .regions($0) }
    }

    /// Whether there are as many regions as cells, of this width.
    public func isComplete(_ features: RegionFeatures) -> Bool {
        features.width == width && features.count == regionCount
    }
}
