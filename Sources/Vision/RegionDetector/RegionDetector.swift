import Torch
import VQAFeatures
import VQAVision

/// Bottom-up attention: finds what there is to see in a picture, as regions with a feature vector each.
///
/// A Faster R-CNN on ResNet-101, trained on Visual Genome for 1600 objects and 400 attributes; a network of other sizes
/// runs alike, for all sizes are read off the weights. Source: Anderson and others, CVPR 2018, arXiv 1707.07998.
///
///     let detector = try RegionDetector(DetectorWeights(contentsOf: "bua-caffe-frcn-r101-k10-100.pth"))
///     let regions = try detector.detect(in: Picture(contentsOf: photograph))
///
/// Nothing in it changes any more: threads may share it.
public final class RegionDetector: @unchecked Sendable {
    /// How it is run.
    public let settings: DetectorSettings
    /// The type that the convolutions compute in.
    public let precision: DType
    /// What tells the weights from others.
    let fingerprint: String
    private let featureMap: FeatureMap
    private let proposalNetwork: ProposalNetwork
    let heads: RegionHeads

    /// - Parameters:
    ///   - weights: As a published file has them.
    ///   - precision: In which type the convolutions compute: float32, or bfloat16.
    ///   - device: Where the network runs.
    /// - Throws: `DetectorError.missingTensor`, `TorchError` where memory is short or shapes do not fit.
    public init(
        _ weights: DetectorWeights, _ settings: DetectorSettings = DetectorSettings(),
        in precision: DType = .float32,
        on device: Device = .cpu
    ) throws {
        self.settings = settings
        self.precision = precision
        fingerprint = weights.fingerprint
        let tensors = NamedTensors(tensors: weights.state)
        featureMap = try FeatureMap(tensors, in: precision, on: device)
        proposalNetwork = try ProposalNetwork(tensors, in: precision, on: device)
        heads = try RegionHeads(tensors, in: precision, on: device)
    }

    /// The regions of a picture, with what each is thought to be.
    ///
    /// - Parameter name: What to call the picture in an error.
    /// - Throws: `PictureError` where the picture is too small, or too thin, for any; `TorchError` where memory is short.
    public func detect(in picture: Picture, named name: String = "the picture") throws -> DetectedRegions {
        let input = try input(of: picture, named: name)
        do {
            return try regions(of: input)
        } catch let error as DetectorError {
            throw PictureError(file: name, problem: .withoutRegions(reason: "\(error)"))
        }
    }

    func regions(of input: Input) throws -> DetectedRegions {
        try withoutGradients { try DetectedRegions(stages(of: input), of: input, settings.regions) }
    }

    /// What the stages of the network give, from the picture to the confidences of its proposals.
    struct Stages {
        let input: DetectorInput
        let map: Tensor
        let objectness: Tensor
        let deltas: Tensor
        let proposals: Proposals
        let output: RegionHeads.Output
        /// `[n, 4]`, in pixels of the picture as given
        let boxes: Tensor
        let confidences: [Float]
    }

    func stages(of picture: Input) throws -> Stages {
        let input = picture.input
        let map = try featureMap(input.tensor)
        let (objectness, deltas) = try proposalNetwork(map)
        let proposals = try Proposals(
            objectness: objectness, deltas: deltas, grid: (map.shape[2], map.shape[3]), of: input, settings)
        guard proposals.count > 0 else {
            throw DetectorError.noRegions(width: picture.imageWidth, height: picture.imageHeight)
        }
        let output = try heads(map, proposals.boxes)
        let boxes = try proposals.boxes / input.scale
        let confidences = try RegionChoice.bestConfidence(boxes, output.classProbabilities)
        return Stages(
            input: input, map: map, objectness: objectness, deltas: deltas, proposals: proposals,
            output: output,
            boxes: boxes, confidences: confidences)
    }
}

/// Why a detector cannot be made, or finds nothing in a picture.
public enum DetectorError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Weights without a tensor that the network needs.
    case missingTensor(String)
    /// A picture with a side that has no cell of the feature map.
    case tooThin(width: Int, height: Int)
    /// A picture in which no proposal is left.
    case noRegions(width: Int, height: Int)

    /// One line for the user.
    public var description: String {
        switch self {
        case .missingTensor(let name): "region detector: expected weights with \(name), found none"
        case .tooThin(let width, let height):
            "expected a picture that is at most 333 times as long as it is wide, found \(width) x \(height) pixels"
        case .noRegions(let width, let height):
            "expected a picture with more than 16 pixels a side, in which there can be a region, found "
                + "\(width) x \(height) pixels"
        }
    }
}
