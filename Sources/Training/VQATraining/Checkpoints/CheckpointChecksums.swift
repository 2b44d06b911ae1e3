import Archives
import Foundation
import Torch
import Workers

/// The checksums in the metadata of a checkpoint: one of every tensor's bytes, and one of all else in the metadata.
///
/// Without them, a bit that a disk or a copy has changed in a weight would go unnoticed. docs/formats.md says what is
/// where.
enum CheckpointChecksums {
    /// Where the metadata have the tensors' checksums, by name.
    static let tensorsKey = "checksums"
    /// Where they have their own checksum.
    static let metadataKey = "checksum"

    // MARK: - Writing

    /// Metadata with the checksums of these tensors and of itself.
    ///
    /// - Throws: `TorchError` where memory is short.
    static func added(to metadata: [String: String], of tensors: [String: Tensor]) throws -> [String: String]
    {
        let work = tensors.map { name, tensor in
            ParallelWork(cost: tensor.count) { (name, try text(of: tensor)) }
        }
        let checksums = Dictionary(uniqueKeysWithValues: try ParallelWork.results(of: work))
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        var metadata = metadata
        metadata[tensorsKey] = String(decoding: try encoder.encode(checksums), as: UTF8.self)
        metadata[metadataKey] = text(of: metadata)
        return metadata
    }

    private static func text(of tensor: Tensor) throws -> String {
        try tensor.detached().moved(to: .cpu).contiguous().withUnsafeBytes { CRC32(of: $0).text }
    }

    /// The checksum of keys and values, each behind its length, in the order of the keys.
    private static func text(of metadata: [String: String]) -> String {
        var checksum = CRC32()
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) where key != metadataKey {
            for text in [key, value] {
                let bytes = Array(text.utf8)
                withUnsafeBytes(of: UInt64(bytes.count).littleEndian) { checksum.add($0) }
                bytes.withUnsafeBytes { checksum.add($0) }
            }
        }
        return checksum.text
    }

    // MARK: - Reading

    /// The checksums that a file has of its tensors; nil where it is from before there were any.
    ///
    /// - Throws: `CheckpointError` where the metadata are not as their checksum says.
    static func stated(in metadata: [String: String], of path: String) throws -> [String: String]? {
        guard metadata[tensorsKey] != nil || metadata[metadataKey] != nil else { return nil }
        let expected = metadata[metadataKey] ?? "none"
        let found = text(of: metadata)
        guard found == expected else {
            throw damage(path, "its metadata", expected: expected, found: found)
        }
        let text = metadata[tensorsKey] ?? ""
        guard let checksums = try? JSONDecoder().decode([String: String].self, from: Data(text.utf8)) else {
            throw CheckpointError(path: path, reason: "its \(tensorsKey) cannot be read")
        }
        return checksums
    }

    /// Reads all tensors of a file, on all cores, and holds them against the checksums that it has of them.
    ///
    /// - Throws: `CheckpointError` where one is not as its checksum says; `SafetensorsError` and `TorchError` as
    ///   `loadSafetensors(_:)`.
    static func tensors(of file: SafetensorsFile) throws -> [String: Tensor] {
        let stated = try stated(in: file.metadata, of: file.path)
        if let missing = Set(stated?.keys ?? [:].keys).subtracting(file.tensors.map(\.name)).min() {
            throw CheckpointError(path: file.path, reason: "it lacks \(missing), of which it has a checksum")
        }
        // Memory is taken on this thread, which keeps what is freed for its next tensors.
        let targets = try file.tensors.map { ($0, try Tensor.uninitialized($0.shape, dtype: $0.dtype)) }
        let work = targets.map { info, tensor in
            ParallelWork(cost: info.byteRange.count) {
                let found = try copy(info.name, of: file, to: tensor)
                guard let stated else { return }
                let expected = stated[info.name] ?? "none"
                guard found == expected else {
                    throw damage(file.path, info.name, expected: expected, found: found)
                }
            }
        }
        _ = try ParallelWork.results(of: work)
        return Dictionary(uniqueKeysWithValues: targets.map { ($0.name, $1) })
    }

    /// How many bytes are copied at a time: few enough to be in the processor's cache still for their checksum.
    private static let partLength = 256 << 10

    /// Copies a tensor's bytes out of a file and gives their checksum.
    private static func copy(_ name: String, of file: SafetensorsFile, to tensor: Tensor) throws -> String {
        // Which looks at the bytes of booleans, for not all of them are any.
        if tensor.dtype == .bool { _ = try file.tensor(name) }
        let source = try file.bytes(of: name)
        var checksum = CRC32()
        try tensor.withUnsafeMutableBytes { target in
            for start in stride(from: 0, to: source.count, by: partLength) {
                let range = start..<min(source.count, start + partLength)
                let part = UnsafeMutableRawBufferPointer(rebasing: target[range])
                part.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[range]))
                checksum.add(UnsafeRawBufferPointer(part))
            }
        }
        return checksum.text
    }

    private static func damage(
        _ path: String, _ what: String, expected: String, found: String
    ) -> CheckpointError {
        CheckpointError(
            path: path,
            reason:
                "expected \(what) with the checksum \(expected), found \(found): the file is damaged; copy it anew "
                + "from where it is whole, or go on from another checkpoint of the run")
    }
}
