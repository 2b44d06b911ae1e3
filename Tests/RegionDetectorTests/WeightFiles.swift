import Foundation
import TestSupport
import Torch

/// Files of weights, written as the programs write them that published some.
enum WeightFiles {
    static let names = [
        "weights_milvlg.pth", "weights_hf.bin", "weights_airsplay.pkl", "weights.caffemodel",
    ]

    static func path(_ name: String) -> String { Fixtures.url("detector/" + name).path }
    static func bytes(_ name: String) throws -> [UInt8] {
        try [UInt8](Data(contentsOf: Fixtures.url("detector/" + name)))
    }

    /// The tensors of airsplay's file, under its own names.
    static func portedTensors() throws -> [String: Tensor] {
        let value = try loadPickle(path("weights_airsplay.pkl"))
        var tensors: [String: Tensor] = [:]
        for (name, pickled) in value["model"]?.dictionary?.tensors ?? [] {
            tensors[name] = try pickled.tensor()
        }
        return tensors
    }

    // MARK: - Pickles with numpy's arrays

    /// `{"model": {name: array, ...}}` in protocol 2 to 4.
    static func pickle(_ tensors: [String: Tensor]) throws -> [UInt8] {
        var pickle = latin1("\u{80}\u{2}}X\u{5}\0\0\0model}(")
        for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
            pickle += latin1("X") + little(Int32(name.utf8.count)) + Array(name.utf8)
            pickle += try array(tensor)
        }
        return pickle + latin1("us.")
    }

    private static func array(_ tensor: Tensor) throws -> [UInt8] {
        let type = tensor.dtype == .float32 ? "f4" : tensor.dtype == .float64 ? "f8" : "i8"
        let bytes = try tensor.contiguous().withUnsafeBytes { Array($0) }
        return latin1(
            "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\u{85}C\u{1}b\u{87}R(K\u{1}(")
            + tensor.shape.flatMap { latin1("J") + little(Int32($0)) }
            + latin1(
                "tcnumpy\ndtype\nX\u{2}\0\0\0\(type)\u{89}\u{88}\u{87}R(K\u{3}X\u{1}\0\0\0<NNNK\0K\0K\0tb\u{89}B"
            )
            + little(Int32(bytes.count)) + bytes + latin1("tb")
    }

    private static func latin1(_ text: String) -> [UInt8] {
        text.unicodeScalars.map { UInt8($0.value & 0xFF) }
    }

    private static func little(_ number: Int32) -> [UInt8] {
        withUnsafeBytes(of: number.littleEndian) { Array($0) }
    }
}

/// Writes messages of protobuf.
struct ProtobufWriter {
    private(set) var bytes: [UInt8] = []

    static func number(_ number: UInt64) -> [UInt8] {
        number < 0x80 ? [UInt8(number)] : [UInt8(number & 0x7F | 0x80)] + Self.number(number >> 7)
    }

    mutating func add(_ field: UInt64, _ number: Int) {
        bytes += Self.number(field << 3) + Self.number(UInt64(bitPattern: Int64(number)))
    }

    mutating func add(_ field: UInt64, _ contents: [UInt8]) {
        bytes += Self.number(field << 3 | 2) + Self.number(UInt64(contents.count)) + contents
    }

    mutating func addSingle(_ field: UInt64, _ value: Float) {
        bytes +=
            Self.number(field << 3 | 5) + withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) }
    }
}

/// Writes networks of Caffe.
struct CaffeWriter {
    /// How numbers and sizes are written.
    enum Form: CaseIterable, Sendable {
        /// As Caffe does.
        case new
        /// As Caffe did before 2014.
        case old
        /// In double precision.
        case double
        /// Number by number, and sizes one by one.
        case single
        /// In two parts.
        case parts
    }

    let form: Form
    private(set) var file = ProtobufWriter()

    init(_ form: Form = .new) { self.form = form }

    mutating func add(layer name: String, _ blobs: [Tensor]) throws {
        var layer = ProtobufWriter()
        // Behind the numbers where it is allowed and nobody does.
        if form == .single { for blob in blobs { layer.add(7, try message(blob)) } }
        layer.add(form == .old ? 4 : 1, Array(name.utf8))
        if form != .old { layer.add(2, Array("Some".utf8)) }
        if form != .single { for blob in blobs { layer.add(form == .old ? 6 : 7, try message(blob)) } }
        file.add(form == .old ? 2 : 100, layer.bytes)
    }

    private func message(_ blob: Tensor) throws -> [UInt8] {
        var message = ProtobufWriter()
        let values = try blob.contiguous().array(of: Float.self)
        let bytes = values.withUnsafeBytes { Array($0) }
        var sizes = ProtobufWriter()
        switch form {
        case .old:
            let sizes = Array(repeating: 1, count: 4 - blob.shape.count) + blob.shape
            for (axis, size) in sizes.enumerated() { message.add(UInt64(axis + 1), size) }
            message.add(5, bytes)
        case .new, .parts, .double:
            sizes.add(1, blob.shape.flatMap { ProtobufWriter.number(UInt64($0)) })
            let half = bytes.count / 8 * 4
            if form == .double { message.add(8, values.map(Double.init).withUnsafeBytes { Array($0) }) }
            if form == .new { message.add(5, bytes) }
            if form == .parts { message.add(5, Array(bytes[..<half])) }
            message.add(7, sizes.bytes)
            if form == .parts { message.add(5, Array(bytes[half...])) }
        case .single:
            for value in values { message.addSingle(5, value) }
            for size in blob.shape { sizes.add(1, size) }
            message.add(7, sizes.bytes)
        }
        return message.bytes
    }

    /// A network with these weights, named as in bottom-up-attention.pytorch.
    static func network(_ state: [String: Tensor], _ form: Form) throws -> [UInt8] {
        var writer = CaffeWriter(form)
        func parts(_ name: String, _ parts: [String]) throws -> [Tensor] {
            parts.compactMap { state["\(name).\($0)"] }
        }
        let factor = try Tensor([Float(2)])
        func addConvolution(_ name: String, _ layer: String, _ norm: String) throws {
            try writer.add(layer: layer, parts(name, ["weight"]))
            let statistics = try parts(name, ["norm.running_mean", "norm.running_var"]).map { try $0 * 2 }
            try writer.add(layer: "bn" + norm, statistics + [factor])
            try writer.add(layer: "scale" + norm, parts(name, ["norm.weight", "norm.bias"]))
        }
        try addConvolution("backbone.stem.conv1", "conv1", "_conv1")
        let branches = ["shortcut": "1", "conv1": "2a", "conv2": "2b", "conv3": "2c"]
        for name in state.keys.sorted()
        where name.contains(".res") && name.hasSuffix(".weight") && !name.contains("norm") {
            let words = name.split(separator: ".")
            guard let block = Int(words[2]), let branch = branches[String(words[3])],
                let stage = words[1].last
            else { continue }
            let letter =
                stage == "3" || stage == "4" ? (block == 0 ? "a" : "b\(block)") : ["a", "b", "c"][block]
            let layer = "\(stage)\(letter)_branch\(branch)"
            try addConvolution(String(name.dropLast(7)), "res" + layer, layer)
        }
        for (name, layer) in [
            ("proposal_generator.rpn_head.conv", "rpn_conv/3x3"),
            ("proposal_generator.rpn_head.objectness_logits", "rpn_cls_score"),
            ("proposal_generator.rpn_head.anchor_deltas", "rpn_bbox_pred"),
            ("roi_heads.box_predictor.cls_score", "cls_score"),
            ("roi_heads.box_predictor.cls_embed", "cls_embedding"),
            ("roi_heads.box_predictor.attr_linear1", "fc_attr"),
            ("roi_heads.box_predictor.attr_linear2", "attr_score"),
        ] { try writer.add(layer: layer, parts(name, ["weight", "bias"])) }
        return writer.file.bytes
    }
}
