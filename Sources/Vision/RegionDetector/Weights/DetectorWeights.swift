import Torch

/// The weights of a region detector, as one of its published files has them, under the names of
/// bottom-up-attention.pytorch.
public struct DetectorWeights {
    /// The programs that published weights, each in a form of its own.
    public enum Format: String, Sendable {
        /// bottom-up-attention.pytorch.
        case milvlg
    }

    /// Whose form the file has.
    public let format: Format
    /// Parameters and statistics by name: `backbone.res2.0.conv1.weight`.
    public let state: [String: Tensor]
    /// What tells these weights from others.
    public let fingerprint: String

    /// Reads a file of weights; nothing in it is executed.
    ///
    /// - Throws: `TorchSaveError`, `ArchiveError` or `FileAccessError` where it cannot be read.
    public init(contentsOf path: String) throws {
        let checkpoint = try loadTorchSave(path)
        var state: [String: Tensor] = [:]
        for (name, tensor) in (checkpoint["model"] ?? checkpoint).dictionary?.tensors ?? [] {
            state[name] = try tensor.tensor()
        }
        fingerprint = path
        self.format = .milvlg
        self.state = state
    }
}
