import TestSupport
import Testing
import Torch

@testable import RegionDetector

/// Networks of Caffe, as it writes them and as it once did.
@Suite struct CaffeModelTests {
    private typealias Problem = DetectorWeightsError.Problem
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test("every form that numbers and sizes are written in is read", arguments: CaffeWriter.Form.allCases)
    func forms(form: CaffeWriter.Form) throws {
        let expected = try Detectors.weights()
        let weights = try read(CaffeWriter.network(expected.state, form))
        #expect(weights.format == .caffe)
        try expectSame(weights, as: expected)
    }

    @Test("a factor of zero makes mean and variance zero, as in Caffe")
    func zeroFactor() throws {
        var writer = CaffeWriter()
        let (ones, zero) = (try Tensor.ones([8]), try Tensor.zeros([1]))
        try writer.add(layer: "bn_conv1", [ones, ones, zero])
        let tensors = try tensors(of: writer.file.bytes)
        for part in ["mean", "var"] {
            let found = try #require(tensors["backbone.stem.conv1.norm.running_\(part)"]).array(
                of: Float.self)
            #expect(found == Array(repeating: 0, count: 8))
        }
    }

    @Test("a layer's name says what it is for")
    func layerNames() throws {
        let weight = try Tensor.ones([1, 1, 1, 1])
        let names = [
            "res2a_branch1": "backbone.res2.0.shortcut", "res2c_branch2a": "backbone.res2.2.conv1",
            "res4b22_branch2b": "backbone.res4.22.conv2", "res4f_branch2c": "backbone.res4.5.conv3",
            "res5b_branch2c": "roi_heads.res5.1.conv3", "conv1": "backbone.stem.conv1",
        ]
        for (layer, name) in names {
            var writer = CaffeWriter()
            try writer.add(layer: layer, [weight])
            #expect(try tensors(of: writer.file.bytes).keys.map { $0 } == [name + ".weight"])
        }
        for layer in [
            "res1a_branch1", "res6a_branch1", "res2a_branch3", "res2_branch1", "res2a", "res2b0_branch1",
            "res2b01_branch1",
            "res2b256_branch1", "res2b+1_branch1", "res2a1_branch1", "resxa_branch1", "res2a_branch1_relu",
            "conv2", "",
        ] {
            var writer = CaffeWriter()
            try writer.add(layer: layer, [weight])
            #expect(throws: Problem.self, "\(layer)") { try tensors(of: writer.file.bytes) }
        }
    }

    @Test("layers that do not have the arrays they should are errors that name them")
    func arrays() throws {
        let (matrix, vector) = (try Tensor.ones([2, 2]), try Tensor.ones([2]))
        let cases: [(String, [Tensor])] = [
            ("cls_score", [matrix]), ("cls_score", [matrix, vector, vector]), ("conv1", [matrix]),
            ("bn_conv1", [vector, vector]),
            ("bn_conv1", [vector, vector, vector]), ("scale_conv1", [matrix, vector]),
            ("cls_embedding", Array(repeating: matrix, count: 9)),
        ]
        for (layer, blobs) in cases {
            var writer = CaffeWriter()
            try writer.add(layer: layer, blobs)
            expectDamaged(writer.file.bytes)
        }
        var twice = CaffeWriter()
        for _ in 0..<2 { try twice.add(layer: "cls_embedding", [matrix]) }
        expectDamaged(twice.file.bytes)
        var aliases = CaffeWriter()
        for layer in ["res4b_branch2a", "res4b1_branch2a"] {
            try aliases.add(layer: layer, [Tensor.ones([1, 1, 1, 1])])
        }
        expectDamaged(aliases.file.bytes)
    }

    @Test("sizes that do not fit the numbers, or could not be counted, are errors before memory is taken")
    func sizes() {
        let huge = Int(1) << 40
        for sizes in [[3], [2, 2], [huge, huge], [-1], [0], Array(repeating: 1, count: 33) + [2]] as [[Int]] {
            expectDamaged(embedding(sizes: sizes, bytes: [UInt8](repeating: 0, count: 8)))
        }
        expectDamaged(embedding(sizes: [1, 2], bytes: [UInt8](repeating: 0, count: 7)))
    }

    @Test(
        "bytes that are no message are errors",
        arguments: [
            [0x0A], [0x0A, 5, 1], [0x0B], [0x0C], [0x0F], [0x00, 0], [0x80], [0x0D, 1, 2], [0x09, 1, 2, 3],
            [UInt8](repeating: 0xFF, count: 12), [0x0A] + [UInt8](repeating: 0xFF, count: 9) + [1],
            [0x08] + [UInt8](repeating: 0xFF, count: 9) + [2],
        ] as [[UInt8]])
    func noMessages(bytes: [UInt8]) {
        // In a layer behind a good one, and in place of numbers.
        var file = ProtobufWriter()
        file.add(100, [0x0A, 1, 0x61])
        file.add(100, bytes)
        expectDamaged(file.bytes)
        expectDamaged(file.bytes.prefix(6) + bytes)
        var layer = ProtobufWriter()
        layer.add(1, Array("cls_embedding".utf8))
        layer.add(7, bytes)
        var outer = ProtobufWriter()
        outer.add(100, layer.bytes)
        expectDamaged(outer.bytes)
    }

    @Test("fields that are not known are passed over, whatever their type")
    func otherFields() throws {
        let state = try Detectors.weights()
        var extra = ProtobufWriter()
        extra.add(1, Array("a network".utf8))
        extra.add(77, -1)
        extra.addSingle(78, 1)
        extra.add(536_870_911, [1, 2, 3])
        let bytes = try extra.bytes + CaffeWriter.network(state.state, .new) + extra.bytes
        try expectSame(read(bytes), as: state)
    }

    // MARK: - Files

    /// The layer of the classes' embedding, with these sizes and bytes of numbers.
    private func embedding(sizes: [Int], bytes: [UInt8]) -> [UInt8] {
        var (shape, blob, layer, file) = (
            ProtobufWriter(), ProtobufWriter(), ProtobufWriter(), ProtobufWriter()
        )
        shape.add(1, sizes.flatMap { ProtobufWriter.number(UInt64(bitPattern: Int64($0))) })
        blob.add(7, shape.bytes)
        blob.add(5, bytes)
        layer.add(1, Array("cls_embedding".utf8))
        layer.add(7, blob.bytes)
        file.add(100, layer.bytes)
        return file.bytes
    }

    private func tensors(of bytes: [UInt8]) throws -> [String: Tensor] {
        try bytes.withUnsafeBytes { try CaffeWeights($0, kind: .unknown([])).tensors }
    }

    private func read(_ bytes: [UInt8]) throws -> DetectorWeights {
        try DetectorWeights(contentsOf: folder.write("weights.caffemodel", bytes))
    }

    private func expectDamaged(
        _ bytes: some Sequence<UInt8>, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let problem = #expect(throws: Problem.self, sourceLocation: sourceLocation) {
            try tensors(of: Array(bytes))
        }
        guard case .damaged = problem else {
            Issue.record("\(String(describing: problem))", sourceLocation: sourceLocation)
            return
        }
    }
}
