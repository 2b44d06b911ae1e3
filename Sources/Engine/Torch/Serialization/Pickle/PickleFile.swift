/// Reads a plain pickle of protocol 2 to 5, as Python's `pickle.dump` writes it: any plain values, and numpy's arrays
/// of numbers, which come as tensors.
///
/// Nothing in the file is executed. Of Python's classes only those that arrays need are known, and a file that asks for
/// another one is refused. Time and memory grow with the file's length and no faster.
///
///     let checkpoint = try loadPickle("faster_rcnn_from_caffe_attr.pkl")
///     for (name, pickled) in checkpoint["model"]?.dictionary?.tensors ?? [] {
///         let tensor = try pickled.tensor()
///     }
///
/// - Throws: `TorchSaveError` where the file is no such pickle or asks for what is refused, `FileAccessError` where it
///   cannot be read.
public func loadPickle(_ path: String) throws -> PickleValue {
    let file = try MappedFile(path: path)
    defer { withExtendedLifetime(file) {} }
    return try unpickle(file.bytes, name: path)
}

/// Reads a plain pickle from memory.
///
/// - Parameters:
///   - bytes: All of them.
///   - name: What to call the bytes in an error.
/// - Throws: As `loadPickle(_:)`.
public func loadPickle(bytes: [UInt8], name: String) throws -> PickleValue {
    try bytes.withUnsafeBytes { try unpickle($0, name: name) }
}

private func unpickle(_ bytes: UnsafeRawBufferPointer, name: String) throws(TorchSaveError) -> PickleValue {
    do throws(TorchSaveError.Problem) {
        guard bytes.first == PickleOpcode.proto.rawValue else { throw .noPickle }
        var cursor = ByteCursor(bytes)
        let (root, heap) = try PickleMachine.run(&cursor, of: .numpy)
        guard cursor.offset == bytes.count else {
            throw .malformed(reason: "\(bytes.count - cursor.offset) bytes follow its end")
        }
        var conversion = PickleConversion(heap: heap, storages: [])
        return try conversion.value(of: root)
    } catch {
        throw TorchSaveError(path: name, problem: error)
    }
}

/// Whether a file is one of `torch.save`, in either form, and no plain pickle.
///
/// - Parameter bytes: The file's first 64 bytes, or more.
package func isTorchSave(startingWith bytes: UnsafeRawBufferPointer) -> Bool {
    if bytes.starts(with: Array("PK\u{3}\u{4}".utf8)) { return true }
    return beginsOlderTorchSave(UnsafeRawBufferPointer(rebasing: bytes.prefix(64)))
}
