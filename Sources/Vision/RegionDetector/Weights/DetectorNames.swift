import FileSystem
import Foundation
import Torch
import VQAFeatures

/// What the numbers of a detector's classes and attributes mean: `objects_vocab.txt` and `attributes_vocab.txt`.
///
/// A line is a name and its synonyms with commas between them; the name is the first, in small letters. The first
/// line is the class behind background. Both files lie in `data/genome/1600-400-20` of
/// peteanderson80/bottom-up-attention, and in `evaluation` of MILVLG/bottom-up-attention.pytorch.
public struct DetectorNames: Sendable, Equatable {
    /// A name for each class but background; 1600.
    public let objects: [String]
    /// A name for each attribute but none; 400, or none at all without weights that tell attributes.
    public let attributes: [String]

    /// Reads the files of names.
    ///
    /// - Parameters:
    ///   - objects: The path of the names of classes.
    ///   - attributes: The path of the names of attributes; not read where the network tells none.
    ///   - shape: The network's, which says how many names there have to be.
    /// - Throws: `DetectorNamesError` where a file cannot be read, or has more or fewer names.
    public init(objects: String, attributes: String, for shape: DetectorShape) throws(DetectorNamesError) {
        self.objects = try Self.names(in: objects, count: shape.classes - 1)
        self.attributes =
            shape.hasAttributes ? try Self.names(in: attributes, count: shape.attributes - 1) : []
    }

    /// Reads the files of names of a folder, as many as there are.
    ///
    /// - Parameters:
    ///   - folder: The path of a folder with `objects_vocab.txt` and `attributes_vocab.txt`.
    ///   - hasAttributes: Whether attributes are told; else their names are not read.
    /// - Throws: `DetectorNamesError` where a file cannot be read.
    package init(folder: String, hasAttributes: Bool) throws(DetectorNamesError) {
        objects = try Self.names(in: folder + "/objects_vocab.txt", count: nil)
        attributes = hasAttributes ? try Self.names(in: folder + "/attributes_vocab.txt", count: nil) : []
    }

    /// The names of regions: the attribute before the object, as in "red car".
    package func names(of labels: RegionLabels) -> [String] {
        labels.objects.ids.indices.map { region in
            let object = Self.name(labels.objects.ids[region], in: objects, "object")
            guard let attributes = labels.attributes else { return object }
            return Self.name(attributes.ids[region], in: self.attributes, "attribute") + " " + object
        }
    }

    /// A name, or where there is none of that number, the number.
    private static func name(_ number: Int32, in names: [String], _ kind: String) -> String {
        names.indices.contains(Int(number)) ? names[Int(number)] : "\(kind) \(number)"
    }

    /// Some twenty times the longer one.
    private static let byteLimit = 1 << 20

    private static func names(in path: String, count: Int?) throws(DetectorNamesError) -> [String] {
        var bytes: Data
        do {
            bytes = try SmallFile.contents(of: path, byteLimit: byteLimit)
        } catch let error as SmallFileError {
            throw DetectorNamesError(path: path, reason: error.description)
        } catch {
            throw DetectorNamesError(path: path, reason: "cannot be read: \(systemReason(of: error))")
        }
        // A byte order mark, as some editors put before a text.
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes = bytes.dropFirst(3) }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            let found = FileKind(startingWith: Array(bytes.prefix(FileKind.prefixByteCount)))
            throw DetectorNamesError(path: path, reason: "expected a name a line in UTF-8, found \(found)")
        }
        var lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        while lines.last?.allSatisfy(\.isWhitespace) == true { lines.removeLast() }
        guard lines.count == count ?? lines.count else {
            throw DetectorNamesError(
                path: path, reason: "expected \(count ?? 0) names, one a line, found \(lines.count)")
        }
        var names: [String] = []
        for (index, line) in lines.enumerated() {
            let name = line.prefix { $0 != "," }.trimmingCharacters(in: .whitespaces).lowercased()
            guard !name.isEmpty else {
                throw DetectorNamesError(path: path, reason: "line \(index + 1): expected a name, found none")
            }
            names.append(name)
        }
        return names
    }
}

/// A file of names that are not those of a network's classes.
public struct DetectorNamesError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file, as the caller named it.
    public let path: String
    /// What was expected and what was found.
    public let reason: String

    /// One line: the file, what was expected and what was found.
    public var description: String { "\(path): \(reason)" }
}
