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
    try SafetensorsOutput(tensors, rows: nil, metadata: metadata, path: path).commit(durably: durably)
}

/// A tensor that is written before all of it is there.
package struct SafetensorsRows: Sendable {
    /// Its name in the file.
    package let name: String
    /// Its shape in the end; the elements are float32.
    package let shape: [Int]

    /// - Parameters: as the properties.
    package init(name: String, shape: [Int]) {
        self.name = name
        self.shape = shape
    }
}

/// Writes a safetensors file of which one tensor comes part by part, so that it is never in memory as a whole.
///
/// - Parameters:
///   - tensors: The other tensors.
///   - rows: The tensor that comes in parts.
///   - path: The file to write or to replace.
///   - body: Makes the parts, and hands them over in order.
/// - Returns: What `body` does.
/// - Throws: As ``saveSafetensors(_:metadata:to:durably:)``; `SafetensorsError` where the parts are not what `rows`
///   said; what `body` throws. The file is not written then.
package func saveSafetensors<Result>(
    _ tensors: [String: Tensor], rows: SafetensorsRows, to path: String,
    _ body: (_ append: (Tensor) throws -> Void) throws -> Result
) throws -> Result {
    let output = try SafetensorsOutput(tensors, rows: rows, metadata: [:], path: path)
    let result = try body(output.append)
    try output.commit(durably: true)
    return result
}

/// A safetensors file that is being written.
private final class SafetensorsOutput {
    private let file: AtomicFile
    /// The tensor that comes in parts, and how many bytes of it have come.
    private var rows: SafetensorsTensorInfo?
    private var writtenByteCount = 0
    /// What lies behind it.
    private var following: [Tensor] = []

    /// Writes everything in front of the tensor that comes in parts.
    init(_ tensors: [String: Tensor], rows: SafetensorsRows?, metadata: [String: String], path: String) throws
    {
        let layout: SafetensorsLayout
        do {
            layout = try SafetensorsLayout(tensors, rows: rows)
        } catch {
            throw SafetensorsError(path: path, problem: error)
        }
        let header = try layout.header(metadata: metadata)
        file = try AtomicFile(path: path)
        try withUnsafeBytes(of: UInt64(header.count).littleEndian) { try file.write($0) }
        try file.write(header)
        for (info, tensor) in layout.entries {
            guard let tensor else {
                self.rows = info
                continue
            }
            if self.rows == nil { try write(tensor) } else { following.append(tensor) }
        }
    }

    private func write(_ tensor: Tensor) throws {
        try tensor.detached().moved(to: .cpu).contiguous().withUnsafeBytes { try file.write($0) }
    }

    func append(_ part: Tensor) throws {
        writtenByteCount += part.count * part.dtype.byteCount
        guard let rows, part.dtype == rows.dtype, writtenByteCount <= rows.byteRange.count else {
            throw wrongByteCount
        }
        try write(part)
    }

    func commit(durably: Bool) throws {
        guard writtenByteCount == rows?.byteRange.count ?? 0 else { throw wrongByteCount }
        for tensor in following { try write(tensor) }
        try file.commit(durably: durably)
    }

    private var wrongByteCount: SafetensorsError {
        SafetensorsError(
            path: file.path,
            problem: .wrongByteCount(
                tensor: rows?.name ?? "", expected: rows?.byteRange.count ?? 0, found: writtenByteCount))
    }
}

/// Where each tensor goes in a file.
private struct SafetensorsLayout {
    /// In the order of the file; one that comes in parts has no tensor yet.
    let entries: [(info: SafetensorsTensorInfo, tensor: Tensor?)]

    init(_ tensors: [String: Tensor], rows: SafetensorsRows?) throws(SafetensorsError.Problem) {
        var ordered = tensors.map {
            (name: $0.key, dtype: $0.value.dtype, shape: $0.value.shape, tensor: Tensor?($0.value))
        }
        if let rows { ordered.append((rows.name, .float32, rows.shape, nil)) }
        ordered.sort { ($0.dtype.safetensorsRank, $1.name) > ($1.dtype.safetensorsRank, $0.name) }
        var entries: [(SafetensorsTensorInfo, Tensor?)] = []
        var offset = 0
        for (name, dtype, shape, tensor) in ordered {
            guard name != SafetensorsHeader.metadataKey else { throw .reservedName }
            guard let byteCount = dtype.byteCount(ofShape: shape),
                case let (end, overflows) = offset.addingReportingOverflow(byteCount), !overflows
            else { throw .impossibleShape(tensor: name, shape: shape) }
            let info = SafetensorsTensorInfo(
                name: name, dtype: dtype, shape: shape, byteRange: offset..<end)
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
