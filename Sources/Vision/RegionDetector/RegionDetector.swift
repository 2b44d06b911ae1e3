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
    /// What the convolutions compute in.
    public let precision: DetectorPrecision
    /// What tells the weights from others.
    let fingerprint: String
    let shape: DetectorShape
    private let featureMap: FeatureMap
    private let proposalNetwork: ProposalNetwork
    private let heads: RegionHeads

    /// - Parameters:
    ///   - weights: As a published file has them.
    ///   - settings: How many regions there may be, and how sure it has to be of one.
    ///   - precision: What the convolutions compute in.
    ///   - device: Where the network runs.
    /// - Throws: `TorchError` where memory is short, or the processor has no instructions for 8 bits, or they are asked for
    ///   on a GPU.
    public init(
        _ weights: DetectorWeights, _ settings: DetectorSettings = DetectorSettings(),
        in precision: DetectorPrecision = .float32,
        on device: Device = .cpu
    ) throws {
        self.settings = settings
        self.precision = precision
        fingerprint = weights.fingerprint
        shape = weights.shape
        featureMap = try FeatureMap(weights, in: precision.type, on: device)
        proposalNetwork = try ProposalNetwork(weights, in: precision.type, on: device)
        heads = try RegionHeads(weights, in: precision, on: device)
    }

    /// The regions of a picture, with what each is thought to be.
    ///
    /// - Parameters:
    ///   - picture: The picture, of any size.
    ///   - name: What to call the picture in an error.
    /// - Throws: `PictureError` where the picture is too small, or too thin, for any; `TorchError` where memory is short.
    public func detect(in picture: Picture, named name: String = "the picture") throws -> DetectedRegions {
        try regions(of: input(of: picture, named: name))
    }

    /// - Throws: `PictureError` where no proposal is left.
    func regions(of input: DetectorInput) throws -> DetectedRegions {
        try withoutGradients { try DetectedRegions(stages(of: input), settings.regions) }
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

    func stages(of input: DetectorInput) throws -> Stages {
        let map = try featureMap(input.tensor)
        let (objectness, deltas) = try proposalNetwork(map)
        let proposals = try Proposals(
            objectness: objectness, deltas: deltas, grid: (map.shape[2], map.shape[3]), of: input, settings)
        guard proposals.count > 0 else {
            throw PictureError.noRegions(input.name, width: input.picture.width, height: input.picture.height)
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
