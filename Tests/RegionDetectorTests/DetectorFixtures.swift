import Foundation
import TestSupport
import Testing
import Torch
import VQAVision

@testable import RegionDetector

/// What bottom-up-attention.pytorch gave for a narrow network, stage by stage.
struct RecordedCase: Decodable, Sendable, CustomTestStringConvertible {
    let name: String
    let picture: String
    let file: String
    let settings: Sizes
    let options: [Option]
    /// By how much scores differ at least that decide an order; nil where they may differ by nothing.
    let orderGuardedTo: Double?
    /// Which places of an axis were recorded, by tensor and axis.
    let picks: [String: [String: [Int64]]]

    var testDescription: String { name }

    struct Sizes: Decodable {
        let minSize: Int?
        let maxSize: Int?
        let preNms: Int?
        let postNms: Int?
    }

    struct Option: Decodable {
        let name: String
        let settings: Count

        struct Count: Decodable {
            let minBoxes: Int
            let maxBoxes: Int
        }
    }

    static let all: [RecordedCase] = {
        struct Cases: Decodable { let cases: [RecordedCase] }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let data = try? Data(contentsOf: Fixtures.url("detector/cases.json"))
        return data.flatMap { try? decoder.decode(Cases.self, from: $0) }?.cases ?? []
    }()

    /// Those whose order no rounding decides.
    static let guarded = all.filter { $0.orderGuardedTo != nil }
    static let fullSize = all.filter { $0.orderGuardedTo == nil }

    var detectorSettings: DetectorSettings {
        var result = DetectorSettings()
        if let minSize = settings.minSize { result.minimumSide = minSize }
        if let maxSize = settings.maxSize { result.maximumSide = maxSize }
        if let preNms = settings.preNms { result.proposalsBeforeSuppression = preNms }
        if let postNms = settings.postNms { result.proposalsAfterSuppression = postNms }
        return result
    }

    func loadPicture() throws -> Picture { try Picture(contentsOf: Fixtures.url("detector/" + picture)) }

    /// What the narrow network gives for the picture, with the weights in a file.
    func stages(with weights: String = "weights_milvlg.pth", in precision: DetectorPrecision = .float32)
        throws
        -> RegionDetector.Stages
    {
        let detector = try RegionDetector(Detectors.weights(weights), detectorSettings, in: precision)
        return try withoutGradients {
            try detector.stages(of: detector.input(of: loadPicture(), named: name))
        }
    }

    func tensors() throws -> SafetensorsFile {
        try SafetensorsFile(path: Fixtures.url("detector/" + file).path)
    }

    /// Holds that a tensor is the one that was recorded, where it was.
    func expect(
        _ found: Tensor, is name: String, within bound: Double,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        var found = found
        for (axis, places) in picks[name] ?? [:] {
            let places = try Tensor(places, shape: [places.count])
            found = try found.gathered(places, axis: try #require(Int(axis)))
        }
        try expectClose(found, tensors().tensor(name), within: bound, "\(self.name): \(name)", sourceLocation)
    }
}

/// Holds that no number of a tensor is farther from the other's than this.
func expectClose(
    _ found: Tensor, _ expected: Tensor, within bound: Double, _ name: String,
    _ sourceLocation: SourceLocation = #_sourceLocation
) throws {
    #expect(found.shape == expected.shape, Comment(rawValue: name), sourceLocation: sourceLocation)
    guard found.shape == expected.shape, !found.shape.contains(0) else { return }
    let gap = try (found.converted(to: .float64) - expected.converted(to: .float64)).absolute().maximum()
        .item()
    #expect(gap <= bound, "\(name)", sourceLocation: sourceLocation)
}

enum Detectors {
    /// The narrow network of the fixtures.
    static func weights(_ file: String = "weights_milvlg.pth") throws -> DetectorWeights {
        try DetectorWeights(contentsOf: Fixtures.url("detector/" + file).path)
    }
}
