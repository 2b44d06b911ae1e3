import Foundation
import TestSupport
import Testing
import Torch

@testable import RegionDetector

/// Files that are not the weights of a detector, or not whole.
@Suite struct RefusedWeightsTests {
    private typealias Problem = DetectorWeightsError.Problem
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test(
        "files of other kinds are told as what they are",
        arguments: [
            ("detector/a_landscape.png", "a PNG picture"), ("detector/cases.json", "JSON"),
            ("vision/efficientnet_lite0_easy_vqa.safetensors", "tensors named"),
            ("zoo/models/mcan_release/checkpoint.pkl", "a dictionary with 'state_dict'"),
            ("mini/ckpts/epoch5.pkl", "a dictionary with 'state_dict'"),
            ("torch/older_form.pt", "tensors named"),
        ])
    func otherKinds(file: String, found: String) {
        expectOther(Fixtures.url(file).path, found)
    }

    @Test("an empty file, a page of HTML and bytes of nothing are told as what they are")
    func otherContents() throws {
        expectOther(try folder.write("empty", ""), "an empty file")
        expectOther(try folder.write("page", "<!DOCTYPE html><html><p>404</p></html>"), "a page of HTML")
        expectOther(try folder.write("bytes", [1, 2, 3, 0xFF, 0, 0, 0]), "bytes that start with 01 02 03")
        expectOther(try folder.write("pickle", [0x80, 2, 0x4B, 1, 0x2E]), "something else than a dictionary")
    }

    @Test("the weights of other networks are told by their names")
    func otherNetworks() throws {
        for (name, found) in [
            ("_blocks.0.weight", "EfficientNet"), ("layer1.0.conv1.weight", "a ResNet by itself"),
            ("backbone.bottom_up.res2.0.conv1.weight", "feature pyramid"),
            ("proj\n.weight", "tensors named 'proj"),
        ] {
            let pickle = try WeightFiles.pickle([name: Tensor.zeros([2])])
            expectOther(try folder.write("weights", pickle), found)
        }
        var writer = CaffeWriter()
        try writer.add(layer: "conv1_1", [Tensor.zeros([2, 3, 3, 3])])
        expectOther(
            try folder.write("vgg.caffemodel", writer.file.bytes),
            "a network of Caffe with the layers 'conv1_1'")
    }

    @Test("a file that is not there, and a folder, are errors of the system's")
    func unreadable() {
        for path in [folder.file("none"), folder.path] {
            #expect(throws: FileAccessError.self) { try DetectorWeights(contentsOf: path) }
        }
    }

    @Test("a file cut short is an error of one line, wherever it is cut", arguments: WeightFiles.names)
    func cut(file: String) throws {
        let bytes = try WeightFiles.bytes(file)
        let counts = Array(0..<40) + (1..<40).map { bytes.count * $0 / 40 } + (1..<4).map { bytes.count - $0 }
        for count in counts {
            let path = try folder.write("cut", bytes.prefix(count))
            let error = #expect(throws: (any Error).self, "\(count)") {
                try DetectorWeights(contentsOf: path)
            }
            let text = "\(error.map { "\($0)" } ?? "")"
            #expect(text.hasPrefix(path) && !text.contains("\n"), "\(text)")
        }
    }

    @Test("a pickle that asks for another class is refused by its name")
    func otherClass() throws {
        let path = try folder.write(
            "weights", "\u{80}\u{2}cos\nsystem\nX\u{1}\0\0\0a\u{85}R.".unicodeScalars.map { UInt8($0.value) })
        let error = #expect(throws: TorchSaveError.self) { try DetectorWeights(contentsOf: path) }
        #expect(error?.problem == .refusedClass(name: "os.system"))
    }

    @Test("other anchors are refused, in the original's form and the ports'")
    func otherAnchors() throws {
        let anchors = DetectorTensorNames.anchors
        let ported = try WeightFiles.portedTensors()
        let stored = try #require(ported[anchors])
        // Half as large, one that is no number, two that are the same, and 15.
        let twice = try Tensor.concatenate([
            stored.narrowed(axis: 0, start: 0, length: 11), stored.narrowed(axis: 0, start: 0, length: 1),
        ])
        for other in [
            try stored * 0.5, try stored * Double.nan, twice, try Tensor.zeros([15, 4]),
            try Tensor.zeros([48]),
        ] {
            expect(.otherAnchors, of: ported.merging([anchors: other]) { $1 })
        }
        // In the original's form they are in the original's order, with both ends counted.
        let own = try Detectors.weights().state
        expect(.otherAnchors, of: own.merging([anchors: stored]) { $1 })
        let original = try Tensor(Anchors.ofFirstCell.flatMap { $0 }, shape: [12, 4])
        let path = try folder.write("good", WeightFiles.pickle(own.merging([anchors: original]) { $1 }))
        #expect(try DetectorWeights(contentsOf: path).format == .milvlg)
    }

    @Test("weights that are not finite, whole numbers and negative variances are refused by name")
    func values() throws {
        let state = try Detectors.weights().state
        let name = "backbone.res2.1.conv2.weight"
        let tensor = try #require(state[name])
        for value in [Double.nan, .infinity, 1e300] {
            let changed = try tensor.converted(to: .float64) * 0 + value
            expect(.notFinite(name: name), of: state.merging([name: changed]) { $1 })
        }
        expect(
            .wrongElementType(name: name), of: state.merging([name: try tensor.converted(to: .int64)]) { $1 })
        let variance = "roi_heads.res5.0.conv1.norm.running_var"
        expect(
            .negativeVariance(name: variance), of: state.merging([variance: try Tensor.full([32], -1)]) { $1 }
        )
    }

    @Test("tensors that are missing are named")
    func missing() throws {
        let state = try Detectors.weights().state
        for name in [
            "backbone.stem.conv1.norm.bias", "backbone.res2.0.conv3.weight",
            "backbone.res4.3.conv2.norm.running_var",
            "roi_heads.res5.0.shortcut.weight", "proposal_generator.rpn_head.anchor_deltas.bias",
            "roi_heads.box_predictor.attr_linear2.bias",
        ] {
            expect(.missing(names: [name]), of: state.filter { $0.key != name })
        }
    }

    @Test("tensors of another network are named, and so are those of both forms at once")
    func unknown() throws {
        let state = try Detectors.weights().state
        for name in [
            "backbone.res2.0.conv4.weight", "backbone.stem.conv1.bias", "roi_heads.res5.1.shortcut.weight",
        ] {
            expect(.unknown(names: [name]), of: state.merging([name: try Tensor.zeros([1])]) { $1 })
        }
        let name = "roi_heads.box_predictor.cls_embed.weight"
        expect(
            .unknown(names: [name]),
            of: try WeightFiles.portedTensors().merging([name: try Tensor.zeros([1])]) { $1 })
    }

    @Test("tensors that do not fit one another are named with the shape that they should have")
    func shapes() throws {
        let state = try Detectors.weights().state
        for (name, shape) in [
            ("backbone.stem.conv1.weight", [8, 4, 7, 7]), ("backbone.res3.0.conv1.weight", [8, 16]),
            ("proposal_generator.rpn_head.objectness_logits.weight", [30, 32, 1, 1]),
            ("backbone.res2.2.conv3.norm.bias", []),
            ("roi_heads.box_predictor.attr_linear1.weight", [32, 128]),
        ] {
            let expected = try #require(state[name]).shape
            expect(
                .wrongShape(name: name, expected: expected, found: shape),
                of: state.merging([name: try Tensor.zeros(shape)]) { $1 })
        }
    }

    @Test("sizes that no network has are refused")
    func sizes() throws {
        let state = try Detectors.weights().state
        for (name, shape) in [
            ("backbone.stem.conv1.weight", [0, 3, 7, 7]), ("backbone.res2.0.conv1.weight", []),
            ("proposal_generator.rpn_head.conv.weight", [65537, 1]),
            ("roi_heads.box_predictor.cls_score.weight", [1, 128]),
            ("roi_heads.box_predictor.cls_embed.weight", [41]),
        ] {
            let problem = problem(of: state.merging([name: try Tensor.zeros(shape)]) { $1 })
            guard case .impossibleSize = problem else {
                Issue.record("\(name): \(String(describing: problem))")
                continue
            }
        }
        let blocks = try (0..<300).map { ("backbone.res4.\($0).conv1.weight", try Tensor.zeros([1])) }
        guard case .impossibleSize = problem(of: state.merging(blocks) { $1 }) else {
            Issue.record("300 blocks are accepted")
            return
        }
    }

    // MARK: - What comes of files

    private func problem(of tensors: [String: Tensor]) -> Problem? {
        let error = #expect(throws: DetectorWeightsError.self) {
            try DetectorWeights(contentsOf: folder.write("weights", WeightFiles.pickle(tensors)))
        }
        #expect(error.map { "\($0)".contains("\n") } == false)
        return error?.problem
    }

    private func expect(
        _ expected: Problem, of tensors: [String: Tensor], sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(problem(of: tensors) == expected, sourceLocation: sourceLocation)
    }

    private func expectOther(
        _ path: String, _ found: String, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let error = #expect(throws: DetectorWeightsError.self, sourceLocation: sourceLocation) {
            try DetectorWeights(contentsOf: path)
        }
        guard case .otherFile(let text) = error?.problem else {
            Issue.record("\(String(describing: error))", sourceLocation: sourceLocation)
            return
        }
        #expect(text.contains(found), "\(text)", sourceLocation: sourceLocation)
        #expect(error.map { "\($0)".contains("\n") } == false, sourceLocation: sourceLocation)
    }
}
