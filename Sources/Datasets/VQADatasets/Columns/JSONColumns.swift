import CVQAJSON
import Foundation
import TextFiles
import VQAFeatures

/// Runs one of CVQAJSON's readers on a file and copies what is wanted out of its view.
///
/// - Throws: ``DatasetFileError``, and whatever `copy` throws.
func readColumns<View, Columns>(
    of file: URL,
    with read: (UnsafePointer<CChar>, UnsafeMutablePointer<View>, UnsafeMutablePointer<VQAJSONError>)
        -> OpaquePointer?,
    into view: View,
    copy: (View) throws -> Columns
) throws -> Columns {
    var view = view
    var problem = VQAJSONError()
    guard let storage = file.path.withCString({ read($0, &view, &problem) }) else {
        throw DatasetFileError(file: file, of: problem)
    }
    defer { vqa_json_release(storage) }
    return try copy(view)
}

extension DatasetFileError {
    /// What one of CVQAJSON's readers found wrong with a file.
    init(file: URL, of problem: VQAJSONError) {
        self.init(
            file: file,
            location: problem.record < 0 ? .file : .record(Int(problem.record)),
            problem: withUnsafeBytes(of: problem.message) { message in
                String(decoding: message.prefix { $0 != 0 }, as: UTF8.self)
            })
    }
}

/// Copies a column; `start` may be nil where there are no values.
func column<Element, Value>(
    _ start: UnsafePointer<Element>?, count: Int, _ convert: (Element) -> Value
) -> [Value] {
    UnsafeBufferPointer(start: start, count: count).map(convert)
}

/// The ids of one file.
///
/// As CVQAJSON gives them, texts have numbers of their own in each file; here they get those of the process.
struct FileIdentifiers {
    /// The raw value of each of the file's texts.
    private let rawValues: [Int64]

    init(_ texts: VQAStrings) {
        let offsets = UnsafeBufferPointer(start: texts.offsets, count: texts.count + 1)
        let bytes = UnsafeRawBufferPointer(start: texts.bytes, count: Int(offsets.last ?? 0))
        rawValues =
            texts.count > 0 ? IdentifierPool.shared.rawValues(of: bytes, offsets: offsets) : []
    }

    /// A column of ids; `start` may be nil where there are none.
    func column<ID: DatasetIdentifier>(
        _ start: UnsafePointer<Int64>?, count: Int, of type: ID.Type = ID.self
    ) -> [ID] {
        guard !rawValues.isEmpty else {
            return VQADatasets.column(start, count: count, ID.init(rawValue:))
        }
        return VQADatasets.column(start, count: count) { (id: Int64) in
            ID(rawValue: id < IdentifierPool.firstNumber ? rawValues[Int(id - .min)] : id)
        }
    }
}

extension StringColumn {
    init(_ view: VQAStrings) {
        let offsets = column(view.offsets, count: view.count + 1) { Int($0) }
        self.init(
            bytes: Array(UnsafeBufferPointer(start: view.bytes, count: offsets.last ?? 0)), offsets: offsets)
    }
}
