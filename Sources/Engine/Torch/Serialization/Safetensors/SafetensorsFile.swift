/// A safetensors file, open for reading.
///
/// The file is mapped, not read: opening one of many gigabytes takes as long as reading its header, and
/// its pages are shared with every other process that reads it. The header is checked in full on opening,
/// as strictly as the reference implementation does. Format:
/// https://github.com/huggingface/safetensors#format
public final class SafetensorsFile: Sendable {
    /// The file, as the caller named it.
    public let path: String
    /// Free text stored beside the tensors.
    public let metadata: [String: String]
    /// The tensors, in the order of their bytes in the file.
    public let tensors: [SafetensorsTensorInfo]

    private let file: MappedFile
    private let dataOffset: Int
    private let indices: [String: Int]

    /// Opens the file at `path`.
    ///
    /// - Throws: `FileAccessError` where the file cannot be read, `SafetensorsError` where it is not valid.
    public init(path: String) throws {
        file = try MappedFile(path: path)
        let header: SafetensorsHeader
        do {
            (header, dataOffset) = try Self.readHeader(of: file.bytes)
        } catch {
            throw SafetensorsError(path: path, problem: error)
        }
        self.path = path
        metadata = header.metadata
        tensors = header.tensors
        indices = Dictionary(uniqueKeysWithValues: tensors.indices.map { (header.tensors[$0].name, $0) })
    }

    /// What the file says about the tensor `name`.
    ///
    /// - Throws: `SafetensorsError` where there is none.
    public func info(of name: String) throws -> SafetensorsTensorInfo {
        guard let index = indices[name] else {
            throw SafetensorsError(path: path, problem: .noSuchTensor(name: name))
        }
        return tensors[index]
    }

    /// The elements of the tensor `name`: row-major, little-endian. The address is a multiple of the
    /// element size in every file that the reference implementation or `writeSafetensors` wrote, but the
    /// format does not promise it.
    ///
    /// The bytes are valid while this object lives, and must not be used after.
    ///
    /// - Throws: `SafetensorsError` where there is no such tensor.
    public func bytes(of name: String) throws -> UnsafeRawBufferPointer {
        let range = try info(of: name).byteRange
        return UnsafeRawBufferPointer(
            rebasing: file.bytes[dataOffset + range.lowerBound..<dataOffset + range.upperBound])
    }

    /// Gives back the memory of what was read through ``bytes(of:)`` by now, and of tensors on the file, which are read again
    /// when they are used next. What was written to such tensors is lost.
    package func forgetPages() { file.forgetPages() }

    /// Copies a part of the bytes of the tensor `name`, through the system's cache of files and not through the
    /// mapping: for rows of large files, which would otherwise become part of the process's memory by and by.
    ///
    /// - Parameters:
    ///   - name: The tensor's name.
    ///   - offset: Where the part begins in the tensor, in bytes.
    ///   - buffer: Where it goes; it is filled.
    /// - Throws: `SafetensorsError` where there is no such tensor or the part does not lie in it,
    ///   `FileAccessError` where it cannot be read.
    public func read(
        _ name: String, at offset: Int, into buffer: UnsafeMutableRawBufferPointer
    ) throws {
        let range = try info(of: name).byteRange
        guard offset >= 0, offset <= range.count, buffer.count <= range.count - offset else {
            throw SafetensorsError(
                path: path,
                problem: .wrongByteCount(tensor: name, expected: range.count, found: offset &+ buffer.count))
        }
        try file.read(at: dataOffset + range.lowerBound + offset, into: buffer)
    }

    /// The tensor `name`, on the file's own pages where they are aligned: nothing is read before it is used.
    ///
    /// Tensors of the same name share their elements. Changing them changes the memory of this process,
    /// never the file.
    ///
    /// - Throws: `SafetensorsError` where there is no such tensor or its elements are no booleans,
    ///   `TorchError` where memory is short.
    public func tensor(_ name: String) throws -> Tensor {
        let (info, bytes) = (try info(of: name), try validBytes(of: name))
        let isAligned = Int(bitPattern: bytes.baseAddress).isMultiple(of: info.dtype.byteCount)
        return isAligned
            ? try Tensor(borrowing: bytes, shape: info.shape, dtype: info.dtype, owner: file)
            : try Tensor(bytes: bytes, shape: info.shape, dtype: info.dtype)
    }

    /// The tensor `name`, with a copy of its elements: later changes to the file cannot reach it.
    ///
    /// - Throws: as `tensor(_:)`.
    public func copiedTensor(_ name: String) throws -> Tensor {
        let info = try info(of: name)
        return try Tensor(bytes: validBytes(of: name), shape: info.shape, dtype: info.dtype)
    }

    /// The bytes of a tensor whose elements are values of its type.
    private func validBytes(of name: String) throws -> UnsafeRawBufferPointer {
        let bytes = try bytes(of: name)
        // A Swift Bool that is neither 0 nor 1 is undefined; every other type takes all bytes.
        if try info(of: name).dtype == .bool, bytes.contains(where: { $0 > 1 }) {
            throw SafetensorsError(path: path, problem: .invalidBool(tensor: name))
        }
        return bytes
    }

    private static func readHeader(
        of file: UnsafeRawBufferPointer
    ) throws(SafetensorsError.Problem) -> (SafetensorsHeader, dataOffset: Int) {
        let prefixByteCount = MemoryLayout<UInt64>.size
        guard file.count >= prefixByteCount else {
            throw .truncatedHeader(expectedByteCount: UInt64(prefixByteCount), foundByteCount: file.count)
        }
        let claimed = UInt64(littleEndian: file.loadUnaligned(as: UInt64.self))
        guard claimed <= UInt64(SafetensorsHeader.maximumByteCount) else {
            throw .headerTooLarge(byteCount: claimed, limit: SafetensorsHeader.maximumByteCount)
        }
        let dataOffset = prefixByteCount + Int(claimed)
        guard file.count >= dataOffset else {
            throw .truncatedHeader(expectedByteCount: claimed, foundByteCount: file.count)
        }
        let header = try SafetensorsHeader(
            json: UnsafeRawBufferPointer(rebasing: file[prefixByteCount..<dataOffset]),
            dataByteCount: file.count - dataOffset)
        return (header, dataOffset)
    }
}

/// Reads all tensors of a safetensors file, by name, and the free text stored beside them.
///
/// The elements are copied. To have a large file's tensors on its own pages, use `SafetensorsFile`.
///
/// - Throws: `FileAccessError` where the file cannot be read, `SafetensorsError` where it is not valid,
///   `TorchError` where memory is short.
public func loadSafetensors(_ path: String) throws -> (tensors: [String: Tensor], metadata: [String: String])
{
    let file = try SafetensorsFile(path: path)
    let tensors = try file.tensors.map { ($0.name, try file.copiedTensor($0.name)) }
    return (Dictionary(uniqueKeysWithValues: tensors), file.metadata)
}
