import FileSystem
import Torch

/// The weights in a `.caffemodel` of bottom-up attention, under their final names.
///
/// Layers are named as in the network's definition of peteanderson80/bottom-up-attention. What the network does not
/// need, such as a head for relations, is passed over.
struct CaffeWeights {
    private typealias Problem = DetectorWeightsError.Problem

    /// Parameters and statistics by their final names, in single precision.
    private(set) var tensors: [String: Tensor] = [:]

    /// - Parameters:
    ///   - bytes: The file's; they are copied.
    ///   - kind: What it is taken for where it is no network.
    /// - Throws: `DetectorWeightsError.Problem`; `TorchError` where memory is short.
    init(_ bytes: UnsafeRawBufferPointer, kind: FileKind) throws {
        let (model, problem) = CaffeModel.read(bytes) { CaffeLayer(name: $0) != nil }
        guard model.layerCount > 0 else { throw Problem.otherFile(found: "\(kind)") }
        if let problem { throw problem }
        guard !model.layers.isEmpty else {
            let names = model.otherNames.map(\.quoted).joined(separator: ", ")
            throw Problem.otherFile(found: "a network of Caffe with the layers \(names)")
        }
        for (name, blobs) in model.layers.sorted(by: { $0.key < $1.key }) {
            guard let layer = CaffeLayer(name: name) else { continue }
            guard blobs.count == layer.blobCount else {
                throw Problem.damaged(
                    reason: "layer \(name.quoted) should have \(layer.blobCount) arrays of numbers, found "
                        + "\(blobs.count)")
            }
            for (target, tensor) in try layer.tensors(blobs) {
                guard tensors.updateValue(tensor, forKey: target) == nil else {
                    throw Problem.damaged(reason: "layer \(name.quoted) is there under another name, too")
                }
            }
        }
    }
}

/// What a layer of Caffe is for, by its name.
private struct CaffeLayer {
    enum Role {
        /// A convolution without a bias.
        case convolution
        /// Mean and variance of what a convolution gives.
        case statistics
        /// What is made of it then.
        case scaling
        /// Weights of so many axes, and a bias.
        case biased(rank: Int)
        /// A row for each class.
        case embedding
    }

    private let role: Role
    /// The final name of the layer, or of the convolution that it follows.
    private let target: String

    /// Nil for a layer that the network does without.
    init?(name: String) {
        if let head = Self.heads[name] {
            (role, target) = head
            return
        }
        let roles: [(prefix: String, stem: String, role: Role)] = [
            ("scale", "scale_conv1", .scaling), ("bn", "bn_conv1", .statistics),
            ("res", "conv1", .convolution),
        ]
        for (prefix, stem, role) in roles {
            if name == stem {
                (self.role, target) = (role, DetectorTensorNames.stem)
                return
            }
            if name.hasPrefix(prefix), let target = Self.convolution(name.dropFirst(prefix.count)) {
                (self.role, self.target) = (role, target)
                return
            }
        }
        return nil
    }

    private static let heads: [String: (Role, String)] = [
        "rpn_conv/3x3": (.biased(rank: 4), DetectorTensorNames.proposals),
        "rpn_cls_score": (.biased(rank: 4), DetectorTensorNames.objectness),
        "rpn_bbox_pred": (.biased(rank: 4), DetectorTensorNames.deltas),
        "cls_score": (.biased(rank: 2), DetectorTensorNames.classScores),
        "cls_embedding": (.embedding, DetectorTensorNames.classEmbedding),
        "fc_attr": (.biased(rank: 2), DetectorTensorNames.attributeHidden),
        "attr_score": (.biased(rank: 2), DetectorTensorNames.attributeScores),
    ]

    private static let branches: [Substring: String] = [
        "1": "shortcut", "2a": "conv1", "2b": "conv2", "2c": "conv3",
    ]

    /// The final name of a convolution such as `4b22_branch2a`.
    private static func convolution(_ name: Substring) -> String? {
        let parts = name.split(separator: "_branch", omittingEmptySubsequences: false)
        guard parts.count == 2, let branch = branches[parts[1]], let stage = parts[0].first,
            let number = stage.wholeNumberValue, (2...5).contains(number),
            let block = block(parts[0].dropFirst())
        else { return nil }
        return "\(DetectorTensorNames.stages[number - 2])\(block).\(branch)"
    }

    /// The number of a block: of `a`, `b`, `c`, or of `a`, `b1`, `b2` and so on.
    private static func block(_ name: Substring) -> Int? {
        guard let letter = name.utf8.first, (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(letter) else {
            return nil
        }
        if name.utf8.count == 1 { return Int(letter - UInt8(ascii: "a")) }
        guard letter == UInt8(ascii: "b"), let number = Int(name.dropFirst()), "b\(number)" == name,
            (1..<DetectorShape.mostBlocks).contains(number)
        else { return nil }
        return number
    }

    /// How many arrays of numbers the layer has.
    var blobCount: Int {
        switch role {
        case .convolution, .embedding: 1
        case .scaling, .biased: 2
        case .statistics: 3
        }
    }

    /// The tensors that the layer's arrays of numbers become.
    ///
    /// - Parameter blobs: ``blobCount`` of them.
    func tensors(_ blobs: [CaffeBlob]) throws -> [String: Tensor] {
        switch role {
        case .convolution: return ["\(target).weight": try blobs[0].tensor(rank: 4)]
        case .embedding: return ["\(target).weight": try blobs[0].tensor(rank: 2)]
        case .scaling:
            return [
                "\(target).norm.weight": try blobs[0].tensor(rank: 1),
                "\(target).norm.bias": try blobs[1].tensor(rank: 1),
            ]
        case .biased(let rank):
            return [
                "\(target).weight": try blobs[0].tensor(rank: rank),
                "\(target).bias": try blobs[1].tensor(rank: 1),
            ]
        case .statistics:
            // Caffe keeps sums that fade, and how much has gone into them.
            let factor = try blobs[2].number()
            let share = factor == 0 ? 0 : 1 / factor
            return [
                "\(target).norm.running_mean": try blobs[0].tensor(rank: 1) * share,
                "\(target).norm.running_var": try blobs[1].tensor(rank: 1) * share,
            ]
        }
    }
}
