import Archives
import Foundation

/// Writes `tensors` as a safetensors file, in the order that the reference implementation gives them:
/// by element type, the widest first so that all are aligned, then by name.
///
/// The bytes go from the tensors' own memory to the file; a tensor that is not contiguous or not on the
/// CPU is copied for its turn. A kill at any moment leaves the old file or the new one; an error leaves
/// the old one. Format: https://github.com/huggingface/safetensors#format
///
/// - Parameters:
///   - tensors: the tensors by name. `__metadata__` is no possible name.
///   - metadata: free text to store beside the tensors.
///   - path: the file to write or to replace.
///   - durably: as in `AtomicFile.commit(durably:)`.
/// - Throws: `SafetensorsError` where a name is reserved, `ArchiveError` where the file cannot be
///   written (a full disk, say), `TorchError` where memory is short.
public func saveSafetensors(
    _ tensors: [String: Tensor], metadata: [String: String] = [:], to path: String, durably: Bool = true
) throws {
    let layout: SafetensorsLayout
    do {
        layout = try SafetensorsLayout(tensors)
    } catch {
        throw SafetensorsError(path: path, problem: error)
    }
    let header = try layout.header(metadata: metadata)

    let file = try AtomicFile(path: path)
    try withUnsafeBytes(of: UInt64(header.count).littleEndian) { try file.write($0) }
    try file.write(header)
    for (_, tensor) in layout.entries {
        try tensor.detached().moved(to: .cpu).contiguous().withUnsafeBytes { try file.write($0) }
    }
    try file.commit(durably: durably)
}

/// Where each tensor goes in a file.
private struct SafetensorsLayout {
    let entries: [(info: SafetensorsTensorInfo, tensor: Tensor)]

    init(_ tensors: [String: Tensor]) throws(SafetensorsError.Problem) {
        let ordered = tensors.sorted {
            ($0.value.dtype.safetensorsRank, $1.key) > ($1.value.dtype.safetensorsRank, $0.key)
        }
        var entries: [(SafetensorsTensorInfo, Tensor)] = []
        var offset = 0
        for (name, tensor) in ordered {
            guard name != SafetensorsHeader.metadataKey else { throw .reservedName }
            guard let byteCount = tensor.dtype.byteCount(ofShape: tensor.shape),
                case let (end, overflows) = offset.addingReportingOverflow(byteCount), !overflows
            else { throw .impossibleShape(tensor: name, shape: tensor.shape) }
            let info = SafetensorsTensorInfo(
                name: name, dtype: tensor.dtype, shape: tensor.shape, byteRange: offset..<end)
            entries.append((info, tensor))
            offset = end
        }
        self.entries = entries
    }

    /// The JSON header, with spaces after it so that the data begins at a multiple of 8 bytes.
    ///
    /// Members are put together by hand, since `JSONEncoder` keeps no order.
    func header(metadata: [String: String]) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        func encode(_ value: some Encodable) throws -> String {
            String(decoding: try encoder.encode(value), as: UTF8.self)
        }

        var members: [String] = []
        if !metadata.isEmpty {
            members.append("\(try encode(SafetensorsHeader.metadataKey)):\(try encode(metadata))")
        }
        for (info, _) in entries {
            let (shape, range) = (try encode(info.shape), info.byteRange)
            members.append(
                "\(try encode(info.name)):{\"dtype\":\"\(info.dtype.safetensorsName)\",\"shape\":\(shape),"
                    + "\"data_offsets\":[\(range.lowerBound),\(range.upperBound)]}")
        }

        var header = Array("{\(members.joined(separator: ","))}".utf8)
        while header.count % 8 != 0 { header.append(UInt8(ascii: " ")) }
        return header
    }
}

extension DType {
    /// The place of the type among those that the reference implementation knows: the narrowest first.
    fileprivate var safetensorsRank: Int {
        switch self {
        case .bool: 0
        case .uint8: 1
        case .int8: 2
        case .int16: 3
        case .float16: 4
        case .bfloat16: 5
        case .int32: 6
        case .float32: 7
        case .float64: 8
        case .int64: 9
        }
    }
}
