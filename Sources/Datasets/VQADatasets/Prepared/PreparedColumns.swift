import FileSystem
import Foundation
import Torch
import VQAFeatures

/// Columns on their way into a ``PreparedCache``.
struct PreparedColumns {
    private var tensors: [String: Tensor] = [:]
    private var checksums: [String: String] = [:]

    /// Adds a column.
    ///
    /// - Throws: `TorchError` where memory is short.
    mutating func add<Element: BitwiseCopyable>(_ name: String, _ values: [Element]) throws {
        try values.withUnsafeBytes { bytes in
            checksums[name] = Checksum.text(of: bytes)
            tensors[name] = try Tensor(
                bytes: bytes, shape: [values.count], dtype: StoredColumns.dtype(of: Element.self))
        }
    }

    /// Adds a column of ids: as numbers, or where one is a text, as strings, which mean the same in every process.
    mutating func add<ID: DatasetIdentifier>(_ name: String, _ ids: [ID]) throws {
        guard ids.contains(where: \.isText) else { return try add(name, ids.map(\.rawValue)) }
        try add(name, ids.reduce(into: StringColumn()) { $0.append($1.description.utf8) })
    }

    /// Adds a column of strings.
    mutating func add(_ name: String, _ strings: StringColumn) throws {
        try add(name + ".bytes", strings.bytes)
        try add(name + ".offsets", strings.offsets)
    }

    /// Writes the columns, whole or not at all. A power cut may damage them, which their checksums show.
    func write(to path: String, key: String) throws {
        let sums = checksums.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        try saveSafetensors(
            tensors, metadata: ["key": key, "checksums": sums.joined(separator: "\n")], to: path,
            durably: false)
    }
}

/// The columns of an entry of a ``PreparedCache``, on the file's own pages.
struct StoredColumns {
    /// What is wrong with an entry.
    struct Damage: Error, CustomStringConvertible {
        let description: String
        init(_ description: String) { self.description = description }
    }

    private let file: SafetensorsFile

    /// Opens an entry and compares every column with its checksum.
    ///
    /// - Throws: `Damage` where it is not what was written for this key; what `SafetensorsFile` throws.
    init(_ path: String, key: String) throws {
        file = try SafetensorsFile(path: path)
        guard file.metadata["key"] == key else { throw Damage("it was made from something else") }
        let sums = try file.tensors.map { $0.name }.sorted().map {
            "\($0) \(Checksum.text(of: try file.bytes(of: $0)))"
        }
        guard file.metadata["checksums"] == sums.joined(separator: "\n") else {
            throw Damage("its checksums do not fit")
        }
    }

    /// A copy of a column.
    ///
    /// - Throws: `Damage` where it is of another type; `SafetensorsError` where there is none.
    func column<Element: BitwiseCopyable>(_ name: String, of type: Element.Type = Element.self) throws
        -> [Element]
    {
        let info = try file.info(of: name)
        guard info.dtype == Self.dtype(of: type), info.shape.count == 1 else {
            throw Damage("the column \(name) is of another type")
        }
        let bytes = try file.bytes(of: name)
        return Array(unsafeUninitializedCapacity: info.shape[0]) { values, count in
            UnsafeMutableRawBufferPointer(values).copyMemory(from: bytes)
            count = info.shape[0]
        }
    }

    /// A column of ids, as numbers or as strings.
    ///
    /// - Throws: `Damage` where a number stands for no id.
    func identifiers<ID: DatasetIdentifier>(_ name: String, of type: ID.Type = ID.self) throws -> [ID] {
        guard has(name) else {
            let strings = try strings(name)
            return strings.bytes.withUnsafeBytes { bytes in
                IdentifierPool.shared.rawValues(of: bytes, offsets: strings.offsets.map(Int64.init))
            }.map(ID.init(rawValue:))
        }
        let ids = try column(name, of: Int64.self).map(ID.init(rawValue:))
        guard !ids.contains(where: \.isText) else { throw Damage("\(name) has numbers of texts") }
        return ids
    }

    /// A column of offsets into another one.
    ///
    /// - Throws: `Damage` where they do not begin with 0, fall, or do not end with `count`.
    func offsets(_ name: String, into count: Int) throws -> [Int] {
        let offsets = try column(name, of: Int.self)
        var previous = 0
        let areOrdered = offsets.allSatisfy { offset in
            defer { previous = offset }
            return offset >= previous
        }
        guard offsets.first == 0, offsets.last == count, areOrdered else {
            throw Damage("\(name) are no offsets into \(count) values")
        }
        return offsets
    }

    /// A column of numbers below a limit.
    func numbers(_ name: String, below limit: Int) throws -> [Int32] {
        let numbers = try column(name, of: Int32.self)
        guard numbers.allSatisfy({ $0 >= 0 && $0 < limit }) else {
            throw Damage("\(name) are no numbers below \(limit)")
        }
        return numbers
    }

    /// A column of strings.
    func strings(_ name: String) throws -> StringColumn {
        let bytes = try column(name + ".bytes", of: UInt8.self)
        return StringColumn(bytes: bytes, offsets: try offsets(name + ".offsets", into: bytes.count))
    }

    /// A column of strings that differ.
    func stringIndex(_ name: String) throws -> StringIndex {
        guard let index = StringIndex(try strings(name)) else { throw Damage("\(name) has a string twice") }
        return index
    }

    /// Whether the entry has a column.
    func has(_ name: String) -> Bool { (try? file.info(of: name)) != nil }

    /// The type of tensor that holds values of a type.
    static func dtype<Element: BitwiseCopyable>(of type: Element.Type) -> DType {
        switch MemoryLayout<Element>.size {
        case 1: .uint8
        case 4: type is Float.Type ? .float32 : .int32
        default: type is Double.Type ? .float64 : .int64
        }
    }
}
