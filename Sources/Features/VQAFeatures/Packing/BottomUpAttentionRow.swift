import Foundation
import TextFiles

/// One line of a table of bottom-up-attention features: tab-separated, with numbers in base64.
///
/// Two variants are in use: six columns, as https://github.com/peteanderson80/bottom-up-attention writes them
/// (image id, width, height, number of boxes, boxes, features), and ten, which add the image's name, objects
/// and attributes (name, height, width, object ids and confidences, attribute ids and confidences, number of
/// boxes, boxes, features). Boxes and features are float32 [n, 4] and [n, width].
struct BottomUpAttentionRow {
    private static let mostColumns = 10
    private let fields: [ArraySlice<UInt8>]
    private let file: URL
    private let line: Int

    /// Splits a line, without its line feed; nothing else is done before it is asked for.
    init(_ text: [UInt8], file: URL, line: Int) {
        let content = text.last == UInt8(ascii: "\r") ? text.dropLast() : text[...]
        // One column more than there can be: a line of nothing but tabs would take thirty times its memory.
        fields = content.split(
            separator: UInt8(ascii: "\t"), maxSplits: Self.mostColumns, omittingEmptySubsequences: false)
        self.file = file
        self.line = line
    }

    /// The image's number or name, which the first column holds as file names do.
    var imageName: String { fields.first.map { String(decoding: $0, as: UTF8.self) } ?? "" }

    /// Decodes the regions.
    ///
    /// - Throws: `DatasetFileError` where a column is not what it should be.
    func features() throws -> RegionFeatures {
        let isWide = fields.count == 10
        guard isWide || fields.count == 6 else {
            let found = fields.count > Self.mostColumns ? "more" : "\(fields.count)"
            throw failure("expected 6 or 10 columns, found \(found)")
        }
        let imageHeight = try positiveInteger(isWide ? 1 : 2, "image height")
        let imageWidth = try positiveInteger(isWide ? 2 : 1, "image width")
        // Without a box, nothing would say how wide the features are.
        let count = try positiveInteger(fields.count - 3, "number of boxes")
        let boxes = try floats(fields.count - 2, "boxes")
        guard boxes.count.isMultiple(of: 4), boxes.count / 4 == count else {
            throw failure("expected \(count) boxes of 4 numbers, found \(boxes.count) numbers")
        }
        let features = try floats(fields.count - 1, "features")
        guard !features.isEmpty, features.count.isMultiple(of: count) else {
            throw failure("expected features for \(count) boxes, found \(features.count) numbers")
        }
        return try RegionFeatures(
            width: features.count / count, features: features, boxes: boxes, imageHeight: imageHeight,
            imageWidth: imageWidth)
    }

    private func positiveInteger(_ column: Int, _ name: String) throws -> Int {
        let text = String(decoding: fields[column], as: UTF8.self)
        guard let value = Int(text), value > 0 else {
            throw failure("expected the \(name) in column \(column + 1), found '\(text.prefix(20))'")
        }
        return value
    }

    private func floats(_ column: Int, _ name: String) throws -> [Float] {
        guard let bytes = Data(base64Encoded: Data(fields[column])),
            bytes.count.isMultiple(of: MemoryLayout<Float>.size)
        else {
            throw failure(
                "expected the \(name) as float32 in base64 in column \(column + 1), found other text")
        }
        return [Float](unsafeUninitializedCapacity: bytes.count / MemoryLayout<Float>.size) { buffer, count in
            count = bytes.copyBytes(to: buffer) / MemoryLayout<Float>.size
        }
    }

    private func failure(_ problem: String) -> DatasetFileError {
        DatasetFileError(file: file, location: .line(line), problem: problem)
    }
}
