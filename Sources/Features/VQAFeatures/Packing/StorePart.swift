import Archives
import FileSystem
import Foundation

/// Which part of the pictures a store is of, where they are divided for several machines or processes.
public struct StorePart: Codable, Sendable, Equatable, CustomStringConvertible {
    /// From 1 to `count`.
    public let number: Int
    /// How many parts there are.
    public let count: Int
    /// How many pictures all parts have together.
    public let pictures: Int
    /// What tells the names of all pictures from others.
    public let names: String

    /// The name of the note in the store's folder.
    static let fileName = "part.json"
    /// The note has some 80 bytes.
    private static let byteLimit = 1 << 12

    /// As the command line has it: `2/4`.
    public var description: String { "\(number)/\(count)" }

    /// - Parameters: As the properties.
    package init(number: Int, count: Int, pictures: Int, names: String) {
        (self.number, self.count, self.pictures, self.names) = (number, count, pictures, names)
    }

    /// What tells a list of names, in which there is no zero, from others.
    package static func fingerprint(of names: [String]) -> String {
        Checksum.text(of: names.joined(separator: "\0"))
    }

    /// The part that a store is of; nil where it is of all pictures.
    ///
    /// - Throws: `FeatureStoreError` where the note is none.
    init?(in folder: String) throws {
        let path = folder + "/" + Self.fileName
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        guard let data = try? SmallFile.contents(of: path, byteLimit: Self.byteLimit),
            let part = try? JSONDecoder().decode(Self.self, from: data), part.count > 0,
            1...part.count ~= part.number
        else {
            throw FeatureStoreError(
                path: path, expected: "which part of the pictures this is", found: "other text")
        }
        self = part
    }

    /// Notes in the folder of a store which part it is of, before any image.
    ///
    /// - Throws: `FeatureStoreError` where it is of another; what writing a file throws.
    static func install(_ part: StorePart?, in folder: String, hasImages: Bool) throws {
        let present = try StorePart(in: folder)
        guard present != part else { return }
        guard let part, present == nil, !hasImages else {
            throw FeatureStoreError(
                path: folder, expected: "a folder for \(Self.words(part)) alone",
                found: "one for \(Self.words(present))")
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let file = try AtomicFile(path: folder + "/" + Self.fileName)
        try file.write(encoder.encode(part))
        try file.commit()
    }

    private static func words(_ part: StorePart?) -> String {
        part.map { "part \($0) of \($0.pictures) pictures" } ?? "all pictures"
    }

    /// The inputs with the stores of parts in the order of the parts, where the first of them stands.
    ///
    /// - Throws: `FeatureStoreError` where a part is missing or there twice, or they are parts of different pictures.
    static func inOrder(_ inputs: [String]) throws -> [String] {
        let found = try inputs.compactMap { path in try StorePart(in: path).map { (path: path, part: $0) } }
        guard let first = found.first else { return inputs }
        for other in found
        where (other.part.count, other.part.pictures, other.part.names)
            != (first.part.count, first.part.pictures, first.part.names)
        {
            let isOtherNames =
                (other.part.count, other.part.pictures) == (first.part.count, first.part.pictures)
            throw FeatureStoreError(
                path: other.path,
                expected:
                    "one of \(first.part.count) parts of \(first.part.pictures) pictures, as \(first.path)",
                found: isOtherNames
                    ? "one of as many pictures of other names"
                    : "one of \(other.part.count) of \(other.part.pictures)")
        }
        let numbers = Set(found.map(\.part.number))
        guard numbers.count == found.count else {
            throw FeatureStoreError(
                path: found.map(\.path).joined(separator: ", "), expected: "every part once",
                found: found.map { "\($0.part)" }.joined(separator: ", "))
        }
        guard numbers.count == first.part.count else {
            // Of a million that a file may state, the first few.
            let missing = (1...first.part.count).lazy.filter { !numbers.contains($0) }
            let shown = missing.prefix(10).map { "\($0)/\(first.part.count)" }.joined(separator: ", ")
            let more = first.part.count - numbers.count > 10 ? ", …" : ""
            throw FeatureStoreError(
                path: found.map(\.path).joined(separator: ", "),
                expected: "all \(first.part.count) parts of the pictures",
                found: "\(numbers.count): \(shown)\(more) missing")
        }
        let ordered = found.sorted { $0.part.number < $1.part.number }.map(\.path)
        let others = inputs.filter { !ordered.contains($0) }
        let place = inputs.prefix { !ordered.contains($0) }.count
        return others.prefix(place) + ordered + others.dropFirst(place)
    }
}
