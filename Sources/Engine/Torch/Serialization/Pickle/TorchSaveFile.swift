import Archives

/// Reads a file that `torch.save` wrote: a checkpoint, a state dictionary, any plain values and tensors.
///
/// Nothing in the file is executed. Of Python's classes only those that tensors need are known, and a file
/// that asks for another one is refused. Both forms are read: the zip file of PyTorch 1.6 and later, and
/// the older one of pickles and storages in a row. Tensors that lay on a GPU come to the CPU.
///
///     let checkpoint = try loadTorchSave("epoch13.pkl")
///     for (name, pickled) in checkpoint["state_dict"]?.dictionary?.tensors ?? [] {
///         let tensor = try pickled.tensor()
///     }
///
/// - Throws: `TorchSaveError` where the file is not valid or asks for what is refused, `ArchiveError` where
///   its zip form is damaged, `FileAccessError` where it cannot be read.
public func loadTorchSave(_ path: String) throws -> PickleValue {
    let file = try MappedFile(path: path)
    defer { withExtendedLifetime(file) {} }
    return try read(TorchSaveSource(name: path, bytes: file.bytes) { try ArchiveReader(path: path) })
}

/// Reads what `torch.save` wrote from memory, such as an entry of an archive.
///
/// - Parameters:
///   - bytes: All of them.
///   - name: What to call the bytes in an error.
/// - Throws: As `loadTorchSave(_:)`.
public func loadTorchSave(bytes: [UInt8], name: String) throws -> PickleValue {
    try bytes.withUnsafeBytes { buffer in
        try read(TorchSaveSource(name: name, bytes: buffer) { try ArchiveReader(bytes: bytes, name: name) })
    }
}

/// Where the bytes that `torch.save` wrote are.
private struct TorchSaveSource {
    /// The file's path, or what stands for it in errors.
    let name: String
    /// Valid for as long as the reading takes.
    let bytes: UnsafeRawBufferPointer
    /// The same bytes as an archive, from its start.
    let openArchive: () throws -> ArchiveReader
}

private func read(_ source: TorchSaveSource) throws -> PickleValue {
    do {
        if source.bytes.starts(with: Array("PK\u{3}\u{4}".utf8)) { return try TorchSaveZip(source).read() }
        if source.bytes.first == PickleOpcode.proto.rawValue { return try readOlderForm(source.bytes) }
        throw TorchSaveError.Problem.unknownForm
    } catch let problem as TorchSaveError.Problem {
        throw TorchSaveError(path: source.name, problem: problem)
    }
}

/// The zip form: in one folder `data.pkl`, `byteorder`, and the storages as `data/<key>`.
private struct TorchSaveZip {
    private let source: TorchSaveSource

    /// A checkpoint's pickle has some 150 bytes a tensor.
    private static let maximumPickleByteCount = 64 << 20
    private static let maximumByteOrderByteCount = 16

    init(_ source: TorchSaveSource) {
        self.source = source
    }

    func read() throws -> PickleValue {
        let (folder, pickle) = try readPickle()
        let (root, heap) = try pickle.withUnsafeBytes { bytes in
            var cursor = ByteCursor(bytes)
            return try PickleMachine.run(&cursor)
        }
        let storages = try readStorages(heap.storages, folder: folder)
        var conversion = PickleConversion(heap: heap, storages: storages)
        return try conversion.value(of: root)
    }

    /// Finds `<folder>/data.pkl`, and checks the byte order that PyTorch 2.1 and later writes beside it.
    private func readPickle() throws -> (folder: String, pickle: [UInt8]) {
        let reader = try source.openArchive()
        // `torch.save` compresses nothing, so that no pickle is longer than its file.
        let byteLimit = min(Self.maximumPickleByteCount, max(source.bytes.count, 1 << 20))
        var found: (folder: String, pickle: [UInt8])?
        while let entry = try reader.nextEntry() {
            let parts = entry.path.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count == 2 else { continue }
            if parts[1] == "data.pkl", found == nil {
                let pickle = try reader.readContents(byteLimit: byteLimit)
                found = (String(parts[0]), pickle)
            } else if parts[1] == "byteorder" {
                let order = try reader.readContents(byteLimit: Self.maximumByteOrderByteCount)
                guard order == Array("little".utf8) else { throw TorchSaveError.Problem.bigEndian }
            }
        }
        guard let found else { throw TorchSaveError.Problem.missingEntry(name: "data.pkl") }
        return found
    }

    private func readStorages(_ storages: [PickleHeap.Storage], folder: String) throws -> [[UInt8]] {
        try checkTotal(of: storages)
        var indices: [String: Int] = [:]
        for (index, storage) in storages.enumerated() { indices["\(folder)/data/\(storage.key)"] = index }

        var contents = [[UInt8]?](repeating: nil, count: storages.count)
        let reader = try source.openArchive()
        while let entry = try reader.nextEntry() {
            guard let index = indices[entry.path], contents[index] == nil else { continue }
            let bytes = try reader.readContents(byteLimit: source.bytes.count)
            try storages[index].check(bytes)
            contents[index] = bytes
        }
        return try zip(storages, contents).map { storage, bytes in
            guard let bytes else {
                throw TorchSaveError.Problem.missingEntry(name: "\(folder)/data/\(storage.key)")
            }
            return bytes
        }
    }

    /// Refuses a small file that unpacks to a large one, since `torch.save` compresses nothing.
    private func checkTotal(of storages: [PickleHeap.Storage]) throws(TorchSaveError.Problem) {
        var rest = source.bytes.count
        for storage in storages {
            guard storage.byteCount <= rest else {
                throw .tooLarge(
                    reason: "its storages take more bytes than the \(source.bytes.count) of the file")
            }
            rest -= storage.byteCount
        }
    }
}

/// The form before PyTorch 1.6: pickles of a magic number, a version, facts about the machine, the object and
/// the storages' keys; then for each key the number of elements and the elements.
private func readOlderForm(_ bytes: UnsafeRawBufferPointer) throws(TorchSaveError.Problem) -> PickleValue {
    var cursor = ByteCursor(bytes)
    guard case .longInt(olderFormMagicNumber) = try PickleMachine.run(&cursor).root else {
        throw .unknownForm
    }
    let version = try readValue(&cursor).int
    guard version == olderFormVersion else {
        let found = version.map(String.init) ?? "no number"
        throw .malformed(reason: "version \(olderFormVersion) was expected, found \(found)")
    }
    guard case .bool(true) = try readValue(&cursor)["little_endian"] else { throw .bigEndian }

    let (root, heap) = try PickleMachine.run(&cursor)
    let storages = try readStorages(of: heap, &cursor)
    var conversion = PickleConversion(heap: heap, storages: storages)
    return try conversion.value(of: root)
}

/// Whether bytes begin with the first of those pickles.
func beginsOlderTorchSave(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var cursor = ByteCursor(bytes)
    guard case .longInt(olderFormMagicNumber) = try? PickleMachine.run(&cursor).root else { return false }
    return true
}

private let olderFormMagicNumber: [UInt8] = [0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]
private let olderFormVersion = 1001

private func readStorages(
    of heap: PickleHeap, _ cursor: inout ByteCursor
) throws(TorchSaveError.Problem) -> [[UInt8]] {
    guard let keys = try readValue(&cursor).elements else {
        throw .malformed(reason: "a list of the storages was expected")
    }
    var contents = [[UInt8]?](repeating: nil, count: heap.storages.count)
    for key in keys {
        guard let key = key.string, let index = heap.storageIndex(of: key), contents[index] == nil else {
            throw .malformed(reason: "the list of the storages has one that no tensor has, or has one twice")
        }
        contents[index] = try readStorage(heap.storages[index], &cursor)
    }

    var storages: [[UInt8]] = []
    for (storage, bytes) in zip(heap.storages, contents) {
        guard let bytes else { throw .malformed(reason: "there is no storage \(storage.key.quoted)") }
        storages.append(bytes)
    }
    return storages
}

/// Reads a pickle that stands for itself, without storages.
private func readValue(_ cursor: inout ByteCursor) throws(TorchSaveError.Problem) -> PickleValue {
    let (root, heap) = try PickleMachine.run(&cursor)
    guard heap.storages.isEmpty else {
        throw .malformed(reason: "a plain value was expected, found a storage")
    }
    var conversion = PickleConversion(heap: heap, storages: [])
    return try conversion.value(of: root)
}

private func readStorage(
    _ storage: PickleHeap.Storage, _ cursor: inout ByteCursor
) throws(TorchSaveError.Problem) -> [UInt8] {
    let elementCount = try cursor.integer(Int64.self)
    guard elementCount == storage.byteCount / storage.dtype.byteCount else {
        throw .malformed(
            reason: "storage \(storage.key.quoted) should have "
                + "\(storage.byteCount / storage.dtype.byteCount) elements, found \(elementCount)")
    }
    let bytes = Array(try cursor.take(storage.byteCount))
    try storage.check(bytes)
    return bytes
}

extension PickleHeap.Storage {
    /// Checks that these can be the bytes of the storage.
    fileprivate func check(_ bytes: [UInt8]) throws(TorchSaveError.Problem) {
        guard bytes.count == byteCount else {
            throw .wrongStorageByteCount(storage: key, expected: byteCount, found: bytes.count)
        }
        // A Swift Bool that is neither 0 nor 1 is undefined; every other type takes all bytes.
        guard dtype != .bool || bytes.allSatisfy({ $0 <= 1 }) else {
            throw .malformed(
                reason: "storage \(key.quoted) should have booleans of 0 and 1, found other bytes")
        }
    }
}
