import FileSystem
import Foundation
import Torch

/// A file with tensors in it, in one of the containers that weights of a detector come in.
struct WeightsFile {
    private typealias Problem = DetectorWeightsError.Problem

    /// A tensor as the file has it, not yet copied.
    enum StoredTensor {
        case pickled(PickledTensor)
        case safetensors(SafetensorsFile, SafetensorsTensorInfo)
        case made(Tensor)

        var shape: [Int] {
            switch self {
            case .pickled(let tensor): tensor.shape
            case .safetensors(_, let info): info.shape
            case .made(let tensor): tensor.shape
            }
        }

        func tensor() throws -> Tensor {
            switch self {
            case .pickled(let tensor): try tensor.tensor()
            case .safetensors(let file, let info): try file.copiedTensor(info.name)
            case .made(let tensor): tensor
            }
        }
    }

    /// Whose form tensors have that are named as the ports name them; nil for a file of Caffe.
    private let portedFormat: DetectorWeights.Format?
    /// By the file's own names; those of Caffe by the final ones.
    private let tensors: [String: StoredTensor]

    /// Tells what a file is by its content, and reads the names of its tensors.
    ///
    /// - Throws: `DetectorWeightsError` where it holds no weights of a detector; what the reader of its container
    ///   throws.
    init(_ path: String) throws {
        // What cannot be opened is an error of the system's here.
        let file = try MappedFile(path: path)
        defer { withExtendedLifetime(file) {} }
        let kind = FileKind(startingWith: Array(file.bytes.prefix(FileKind.prefixByteCount)))
        do {
            switch kind {
            case .zip, .pickle:
                let isSaved = kind == .zip || isTorchSave(startingWith: file.bytes)
                tensors = try Self.tensors(in: isSaved ? loadTorchSave(path) : loadPickle(path))
                portedFormat = isSaved ? .huggingFace : .airsplay
            case .safetensors:
                let stored = try SafetensorsFile(path: path)
                guard stored.metadata["configuration"] == nil else {
                    throw Problem.otherFile(found: "a checkpoint of a model that answers questions")
                }
                let pairs = stored.tensors.map { ($0.name, StoredTensor.safetensors(stored, $0)) }
                tensors = Dictionary(uniqueKeysWithValues: pairs)
                portedFormat = .huggingFace
            case .unknown:
                tensors = try CaffeWeights(file.bytes, kind: kind).tensors.mapValues { .made($0) }
                portedFormat = nil
            default: throw Problem.otherFile(found: "\(kind)")
            }
            try checkNames()
        } catch let problem as Problem {
            throw DetectorWeightsError(path: path, problem: problem)
        }
    }

    /// The tensors of a state dictionary, by itself or under "model".
    private static func tensors(in value: PickleValue) throws(Problem) -> [String: StoredTensor] {
        guard let dictionary = (value["model"] ?? value).dictionary else {
            throw .otherFile(found: "a pickle of something else than a dictionary")
        }
        let tensors = dictionary.tensors
        guard !tensors.isEmpty else {
            let keys = dictionary.keys.prefix(3).map { key in
                if case .string(let text) = key { text.quoted } else { "\(key)".shortened }
            }
            throw .otherFile(found: "a dictionary with \(keys.joined(separator: ", ")) and no weights in it")
        }
        return Dictionary(tensors.map { ($0.name, .pickled($0.tensor)) }) { $1 }
    }

    /// Refuses tensors of which none is named as one of a detector.
    private func checkNames() throws(Problem) {
        typealias Names = DetectorTensorNames
        let some = [Names.stem, Names.proposals, Names.classScores].map { $0 + ".weight" }
        guard !some.contains(where: { tensors[$0] != nil }) else { return }
        throw .otherFile(found: Self.otherNetwork(tensors.keys.sorted()))
    }

    /// What weights are of, by their names.
    private static func otherNetwork(_ names: [String]) -> String {
        let known = [
            ("_blocks.", "the weights of an EfficientNet"),
            ("layer1.0.", "the weights of a ResNet by itself"),
            ("backbone.bottom_up.", "the weights of a detector with a feature pyramid"),
        ]
        if let kind = known.first(where: { kind in names.contains { $0.hasPrefix(kind.0) } }) {
            return kind.1
        }
        return "tensors named \(names.prefix(3).map(\.quoted).joined(separator: ", "))"
    }

    /// The tensors that a detector uses, and perhaps some more, under their final names and in their final order.
    ///
    /// - Throws: `DetectorWeightsError.Problem` where they are not those of a detector; `TorchError` where memory is
    ///   short.
    func detectorState() throws -> (format: DetectorWeights.Format, state: [String: Tensor]) {
        typealias Names = DetectorTensorNames
        var state: [String: Tensor] = [:]
        for (name, stored) in tensors where Names.isUsed(name) && name != Names.anchors {
            state[name] = try Self.checked(stored.tensor(), name)
        }
        guard let portedFormat else { return (.caffe, state) }
        let stored = try anchors()
        // The ports have one channel for each anchor, object or not; the original two.
        let isPorted = tensors[Names.objectness + ".weight"]?.shape.first == Anchors.ofFirstCell.count
        guard isPorted else {
            if let stored, !AnchorOrder.isOriginal(stored) { throw Problem.otherAnchors }
            return (.milvlg, state)
        }
        let order = try stored.map { boxes throws(Problem) in try AnchorOrder(matching: boxes) } ?? .byScale
        return (portedFormat, try PortedWeights(state, order).state)
    }

    /// The anchors that the file has, if it has any.
    private func anchors() throws -> [[Float]]? {
        guard let stored = tensors[DetectorTensorNames.anchors] else { return nil }
        guard stored.shape == [Anchors.ofFirstCell.count, 4] else { throw Problem.otherAnchors }
        let numbers = try stored.tensor().converted(to: .float32).contiguous().array(of: Float.self)
        return stride(from: 0, to: numbers.count, by: 4).map { Array(numbers[$0..<$0 + 4]) }
    }

    /// A tensor in single precision, whose elements are those of weights.
    private static func checked(_ tensor: Tensor, _ name: String) throws -> Tensor {
        guard tensor.dtype.isFloatingPoint else { throw Problem.wrongElementType(name: name) }
        let numbers = try tensor.converted(to: .float32).contiguous()
        guard try numbers.isFinite().all().item() == 1 else { throw Problem.notFinite(name: name) }
        if name.hasSuffix(".running_var"), numbers.count > 0, try numbers.minimum().item() < 0 {
            throw Problem.negativeVariance(name: name)
        }
        return numbers
    }
}
