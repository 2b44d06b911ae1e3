import Archives
import Foundation
import TextFiles
import VQAFeatures

/// Writes JSON as Python's `json.dump` does, so that files match the official release's byte for byte.
struct JSONText {
    private(set) var bytes: [UInt8] = []

    /// Appends text that is JSON already.
    mutating func append(_ json: String) {
        bytes.append(contentsOf: json.utf8)
    }

    /// Appends a string in quotes, what is not ASCII escaped.
    mutating func append(quoting text: String) {
        bytes.append(UInt8(ascii: "\""))
        for unit in text.utf16 {
            switch unit {
            case 0x22: append("\\\"")
            case 0x5C: append("\\\\")
            case 0x0A: append("\\n")
            case 0x0D: append("\\r")
            case 0x09: append("\\t")
            case 0x08: append("\\b")
            case 0x0C: append("\\f")
            case 0x20...0x7E: bytes.append(UInt8(unit))
            default:
                let digits = String(unit, radix: 16)
                append("\\u" + String(repeating: "0", count: 4 - digits.count) + digits)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// Appends an id: a number, or a text in quotes.
    mutating func append(_ id: some DatasetIdentifier) {
        if id.isText { append(quoting: id.description) } else { append(id.description) }
    }

    /// Hands on what there is, once it is a good deal, to a file that is not whole yet.
    ///
    /// - Parameter least: Fewer bytes than this are kept for later.
    /// - Throws: `ArchiveError`, a full disk included.
    mutating func move(to output: AtomicFile, atLeast least: Int = 0) throws {
        guard bytes.count >= least else { return }
        try output.write(bytes)
        bytes.removeAll(keepingCapacity: true)
    }

    /// Writes the text, whole or not at all.
    ///
    /// - Throws: ``DatasetFileError`` where it cannot be written, for example because the disk is full;
    ///   the old file is then as it was.
    func write(to file: URL) throws {
        do {
            let output = try AtomicFile(path: file.path)
            try output.write(bytes)
            try output.commit()
        } catch let error as ArchiveError {
            guard case .unwritable(let reason) = error.reason else { throw error }
            throw DatasetFileError(file: file, problem: "cannot be written: \(reason)")
        }
    }
}
