import Torch
import VQAFeatures
import VQAVision

extension RegionDetector: PictureFeatureExtractor {
    /// The weights, how many regions there are, and the type that the network computes in.
    public var recipe: FeatureRecipe {
        .regions(
            DetectorRecipe(
                weights: fingerprint, regions: "\(settings.regions)", precision: precision.rawValue))
    }

    /// A picture is enough work for all cores.
    public var isConcurrent: Bool { false }

    /// The picture resized, less the mean.
    ///
    /// - Throws: `PictureError` where a side would have no cell; `TorchError` where memory is short.
    public func input(of picture: Picture, named name: String) throws -> DetectorInput {
        try DetectorInput(picture, named: name, settings)
    }

    /// The network's input.
    public func inputByteCount(width: Int, height: Int) -> Int {
        12 * settings.minimumSide * settings.maximumSide
    }

    /// The regions of pictures, with what each is thought to be.
    ///
    /// - Throws: `TorchError` where memory is short.
    public func extract(_ inputs: [DetectorInput]) throws -> [ExtractedFeatures] {
        try inputs.map { input in
            do {
                let found = try regions(of: input)
                return .regions(found.features, labels: found.labels)
            } catch let error as PictureError {
                return .unfit(error)
            }
        }
    }

    /// Whether there are features of this width, of no more regions than are wanted.
    public func isComplete(_ features: RegionFeatures) -> Bool {
        features.width == shape.features && (1...settings.regions.maximum).contains(features.count)
    }
}

extension DetectedRegions {
    /// What the regions are thought to be.
    var labels: RegionLabels? {
        func guesses(_ guesses: [Guess]) -> RegionLabels.Guesses? {
            RegionLabels.Guesses(
                ids: guesses.map { Int32(clamping: $0.index) }, confidences: guesses.map(\.confidence))
        }
        return guesses(objects).flatMap {
            RegionLabels(objects: $0, attributes: attributes.isEmpty ? nil : guesses(attributes))
        }
    }
}
