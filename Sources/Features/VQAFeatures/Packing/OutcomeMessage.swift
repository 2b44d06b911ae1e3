import Foundation

/// What a process has made of images, as bytes for the process that stores them.
///
/// A list in JSON, its length before it as eight bytes, and behind it the numbers of all images as they are in memory: all
/// processes run on processors of one kind.
struct OutcomeMessage {
    let bytes: [UInt8]

    /// What has become of an image.
    enum Outcome {
        case storable(Stored)
        case skipped(String)
    }

    /// An image as it is stored, without the number that its process knows it by.
    struct Stored {
        fileprivate let shape: Shape
        fileprivate let numbers: Numbers
    }

    /// What an image's numbers are.
    fileprivate struct Shape: Codable {
        let count: Int
        let width: Int
        let imageHeight: Int32
        let imageWidth: Int32
        let hasObjects: Bool
        let hasAttributes: Bool
    }

    fileprivate struct Numbers {
        let boxes: [Float]
        let halves: [Float16]
        let floats: [Float]
        let labels: RegionLabels?
    }

    private struct Entry: Codable {
        let index: Int
        var shape: Shape?
        var message: String?
    }

    /// Of those items that have been interpreted.
    init(_ items: [FeatureFeedItem], _ precision: FeaturePrecision) {
        var entries: [Entry] = []
        var numbers: [UInt8] = []
        for item in items {
            switch item.outcome {
            case .storable(let image):
                entries.append(Entry(index: item.index, shape: Shape(image)))
                image.appendNumbers(to: &numbers)
            case .skipped(let message): entries.append(Entry(index: item.index, message: message))
            case .kept, .elsewhere, .ended, .endedEarly: continue
            }
        }
        // Of numbers and texts, which can always be written.
        let list = (try? JSONEncoder().encode(entries)) ?? Data()
        bytes = withUnsafeBytes(of: UInt64(list.count)) { Array($0) } + list + numbers
    }

    /// Reads what another process has made of images, by their places in the input.
    ///
    /// - Returns: Nil where the bytes are no such message.
    static func outcomes(in bytes: [UInt8], _ precision: FeaturePrecision) -> [Int: Outcome]? {
        var reader = NumberReader(bytes)
        guard let length = reader.numbers(1, of: UInt64.self)?.first, let byteCount = Int(exactly: length),
            let list = reader.numbers(byteCount, of: UInt8.self),
            let entries = try? JSONDecoder().decode([Entry].self, from: Data(list))
        else { return nil }
        var outcomes: [Int: Outcome] = [:]
        for entry in entries {
            if let message = entry.message {
                outcomes[entry.index] = .skipped(message)
            } else {
                guard let shape = entry.shape, let numbers = Numbers(&reader, shape, precision) else {
                    return nil
                }
                outcomes[entry.index] = .storable(Stored(shape: shape, numbers: numbers))
            }
        }
        return reader.isAtEnd ? outcomes : nil
    }
}

extension OutcomeMessage.Shape {
    fileprivate init(_ image: StorableImage) {
        self.init(
            count: image.count, width: image.width, imageHeight: image.imageHeight,
            imageWidth: image.imageWidth,
            hasObjects: image.labels != nil, hasAttributes: image.labels?.attributes != nil)
    }
}

extension OutcomeMessage.Numbers {
    /// Reads the numbers of an image; nil where there are too few, or none that can be meant.
    fileprivate init?(
        _ reader: inout NumberReader, _ shape: OutcomeMessage.Shape, _ precision: FeaturePrecision
    ) {
        let (number, overflows) = shape.count.multipliedReportingOverflow(by: shape.width)
        let (corners, overflowsToo) = shape.count.multipliedReportingOverflow(by: 4)
        guard !overflows, !overflowsToo, let boxes = reader.numbers(corners, of: Float.self),
            let halves = reader.numbers(precision == .float16 ? number : 0, of: Float16.self),
            let floats = reader.numbers(precision == .float32 ? number : 0, of: Float.self)
        else { return nil }
        (self.boxes, self.halves, self.floats) = (boxes, halves, floats)
        func guesses() -> RegionLabels.Guesses? {
            guard let ids = reader.numbers(shape.count, of: Int32.self),
                let confidences = reader.numbers(shape.count, of: Float.self)
            else { return nil }
            return RegionLabels.Guesses(ids: ids, confidences: confidences)
        }
        guard shape.hasObjects else {
            labels = nil
            return
        }
        guard let objects = guesses() else { return nil }
        let attributes = shape.hasAttributes ? guesses() : nil
        guard !shape.hasAttributes || attributes != nil,
            let read = RegionLabels(objects: objects, attributes: attributes)
        else { return nil }
        labels = read
    }
}

extension StorableImage {
    /// An image that another process has read.
    ///
    /// - Parameter image: What it is known by here.
    init(_ stored: OutcomeMessage.Stored, of image: ImageID) {
        let (shape, numbers) = (stored.shape, stored.numbers)
        self.init(
            image: image, count: shape.count, width: shape.width, imageHeight: shape.imageHeight,
            imageWidth: shape.imageWidth, boxes: numbers.boxes, halves: numbers.halves,
            floats: numbers.floats,
            labels: numbers.labels)
    }

    fileprivate func appendNumbers(to bytes: inout [UInt8]) {
        boxes.withUnsafeBytes { bytes += $0 }
        withUnsafeFeatureBytes { bytes += $0 }
        for guesses in [labels?.objects, labels?.attributes].compactMap({ $0 }) {
            guesses.ids.withUnsafeBytes { bytes += $0 }
            guesses.confidences.withUnsafeBytes { bytes += $0 }
        }
    }
}

/// Numbers that lie one behind the other, as they are in memory.
private struct NumberReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { position == bytes.count }

    /// The next so many; nil where there are fewer.
    mutating func numbers<Number: BitwiseCopyable>(_ count: Int, of type: Number.Type) -> [Number]? {
        let (byteCount, overflows) = count.multipliedReportingOverflow(by: MemoryLayout<Number>.stride)
        guard count >= 0, !overflows, byteCount <= bytes.count - position else { return nil }
        defer { position += byteCount }
        return [Number](unsafeUninitializedCapacity: count) { numbers, initializedCount in
            bytes.withUnsafeBytes {
                UnsafeMutableRawBufferPointer(numbers).copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: $0[position..<position + byteCount]))
            }
            initializedCount = count
        }
    }
}
