import Archives

/// The arrays of a `.npz` file, which is a zip of `.npy` files.
///
/// The whole file is read at once; an array is unpacked and interpreted when it is asked for, so that arrays
/// of no interest may be of any kind.
public struct NPZFile: Sendable {
    /// The path of the file, for errors.
    public let path: String
    private let zip: ZipFile
    private let entries: [String: ZipFile.Entry]
    private let byteLimit: Int

    /// How many bytes an array may unpack to: those of 8,192 regions 2,048 wide. A file of a megabyte can unpack to a
    /// thousand.
    public static let largestArray = 64 << 20

    /// Reads a file.
    ///
    /// - Parameters:
    ///   - path: The file's path.
    ///   - byteLimit: The most bytes that one array may unpack to.
    /// - Throws: `ArchiveError` when the file is missing, damaged or no zip; `NPZError` when it holds two
    ///   arrays of one name.
    public init(path: String, byteLimit: Int = NPZFile.largestArray) throws {
        try self.init(ZipFile(path: path), byteLimit: byteLimit)
    }

    /// Takes a file that is in memory; `name` stands for it in errors.
    ///
    /// - Throws: As `init(path:byteLimit:)`.
    public init(bytes: [UInt8], name: String, byteLimit: Int = NPZFile.largestArray) throws {
        try self.init(ZipFile(bytes: bytes, name: name), byteLimit: byteLimit)
    }

    private init(_ zip: ZipFile, byteLimit: Int) throws {
        path = zip.file
        self.zip = zip
        self.byteLimit = byteLimit
        let suffix = ".npy"
        var entries: [String: ZipFile.Entry] = [:]
        for entry in zip.entries where entry.path.hasSuffix(suffix) {
            let name = String(entry.path.dropLast(suffix.count))
            try zip.check(entry, byteLimit: byteLimit)
            guard entries.updateValue(entry, forKey: name) == nil else {
                throw NPZError(file: path, array: name, expected: "one array of this name", found: "two")
            }
        }
        self.entries = entries
    }

    /// The names of the arrays, in alphabetical order.
    public var arrayNames: [String] { entries.keys.sorted() }

    /// The array of a name.
    ///
    /// - Throws: `NPZError` when there is none, or it is not an array of plain little-endian numbers;
    ///   `ArchiveError` when it is damaged.
    public func array(_ name: String) throws -> NPYArray {
        guard let entry = entries[name] else {
            let names = arrayNames.isEmpty ? "no arrays" : "only " + arrayNames.joined(separator: ", ")
            throw NPZError(file: path, array: nil, expected: "an array '\(name)'", found: names)
        }
        let bytes = try zip.contents(of: entry, byteLimit: byteLimit)
        do {
            return try NPYArray(parsing: bytes)
        } catch let error as NPYFormatError {
            throw NPZError(file: path, array: name, expected: error.expected, found: error.found)
        }
    }

    /// The only element of an array of whole numbers.
    ///
    /// - Throws: `NPZError` when the array is missing or is anything else.
    public func integer(_ name: String) throws -> Int64 {
        let array = try array(name)
        guard array.shape.allSatisfy({ $0 == 1 }), let value = array.integers()?.first else {
            throw mismatch(name, expected: "one whole number", found: "\(array.elementType) \(array.shape)")
        }
        return value
    }

    /// Writes arrays to a compressed file that `numpy.load` reads. It replaces a file that is there, and
    /// appears only when it is complete.
    ///
    /// - Parameters:
    ///   - arrays: The arrays by name.
    ///   - more: Arrays behind the others.
    ///   - path: The file's path.
    ///   - durably: wait until the disk holds the file; see `AtomicFile.commit(durably:)`.
    /// - Throws: `ArchiveError` when it cannot be written.
    public static func write(
        _ arrays: KeyValuePairs<String, NPYArray>, adding more: KeyValuePairs<String, NPYArray> = [:],
        to path: String,
        durably: Bool = true
    ) throws {
        let writer = try ZipWriter(path: path)
        for (name, array) in Array(arrays) + Array(more) {
            try writer.add(name: name + ".npy", contents: array.serialized)
        }
        try writer.finish(durably: durably)
    }

    /// The error for an array that is not as it should be.
    func mismatch(_ array: String, expected: String, found: String) -> NPZError {
        NPZError(file: path, array: array, expected: expected, found: found)
    }
}
