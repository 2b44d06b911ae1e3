import FileSystem
import Torch

/// The weights of a region detector, as any of its published files has them, under the names of
/// bottom-up-attention.pytorch.
///
/// What a file holds is told by its content. Nothing in it is executed.
///
///     let weights = try DetectorWeights(contentsOf: "bua-caffe-frcn-r101-k10-100.pth")
///     let first = weights.state["backbone.stem.conv1.weight"]  // [64, 3, 7, 7]
public struct DetectorWeights {
    /// The programs that published weights, each in a form of its own.
    public enum Format: String, Sendable, CaseIterable {
        /// bottom-up-attention.pytorch by MILVLG: `bua-caffe-frcn-r101-k10-100.pth`.
        case milvlg
        /// Hugging Face: `pytorch_model.bin` of `unc-nlp/frcnn-vg-finetuned`.
        case huggingFace
        /// py-bottom-up-attention by airsplay: `faster_rcnn_from_caffe_attr.pkl`.
        case airsplay
        /// Caffe, the original: `resnet101_faster_rcnn_final.caffemodel`.
        case caffe
    }

    /// Whose form the file has.
    public let format: Format
    /// Parameters and statistics by name, as `backbone.res2.0.conv1.weight`: float32, contiguous, finite, on the CPU,
    /// and of the shapes that ``DetectorShape/tensors`` says. Background is the first class, and the channels of the
    /// region proposals are in the order of the anchors of the original.
    public let state: [String: Tensor]
    /// The sizes of the network.
    public let shape: DetectorShape
    /// Tells these weights from others: the checksum of all values in the order of their names, in 16 hexadecimal
    /// digits. Two files of one network in different forms may differ in the last digits of values, and so in this.
    public let fingerprint: String

    /// Whether attributes can be told, for which one published file has no weights.
    public var hasAttributes: Bool { shape.hasAttributes }

    /// Reads a file of weights; nothing in it is executed.
    ///
    /// - Throws: `DetectorWeightsError` where it holds other weights, or none; `TorchSaveError`, `SafetensorsError`,
    ///   `ArchiveError` or `FileAccessError` where it is damaged or cannot be read; `TorchError` where memory is short.
    public init(contentsOf path: String) throws {
        let file = try WeightsFile(path)
        do {
            let (format, state) = try file.detectorState()
            try self.init(state, format: format)
        } catch let problem as DetectorWeightsError.Problem {
            throw DetectorWeightsError(path: path, problem: problem)
        }
    }

    /// Takes weights under their final names, and leaves out what the network does not use.
    ///
    /// - Throws: `DetectorWeightsError.Problem` where they are not those of a whole network.
    init(_ tensors: [String: Tensor], format: Format) throws {
        let shape = try DetectorShape(of: tensors.mapValues(\.shape))
        let used = shape.tensors
        let strange = tensors.keys.filter { DetectorTensorNames.isOfTrunk($0) && used[$0] == nil }
        guard strange.isEmpty else { throw DetectorWeightsError.Problem.unknown(names: strange.sorted()) }
        state = tensors.filter { used[$0.key] != nil }
        var checksum = Checksum()
        for (_, tensor) in state.sorted(by: { $0.key < $1.key }) {
            try tensor.withUnsafeBytes { checksum.add($0) }
        }
        fingerprint = checksum.text
        self.shape = shape
        self.format = format
    }
}
