import Foundation

/// What a safetensors file says about one tensor.
public struct SafetensorsTensorInfo: Equatable, Sendable {
    /// The tensor's name, unique in the file.
    public let name: String
    /// The type of the elements.
    public let dtype: DType
    /// The sizes of the dimensions; empty for a scalar.
    public let shape: [Int]
    /// Where the elements lie, row-major and little-endian, in bytes from the end of the header.
    public let byteRange: Range<Int>
}

/// The header of a safetensors file: a JSON object of names, each with `dtype`, `shape` and `data_offsets`.
///
/// Format: https://github.com/huggingface/safetensors#format
struct SafetensorsHeader: Sendable {
    typealias Problem = SafetensorsError.Problem

    /// The one name that no tensor can have.
    static let metadataKey = "__metadata__"
    /// The reference library's limit.
    static let maximumByteCount = 100_000_000
    /// How many commas and colons a header may have outside of texts: those of some 100,000 tensors.
    static let maximumMarkCount = 1 << 20

    let metadata: [String: String]
    /// In the order of their bytes.
    let tensors: [SafetensorsTensorInfo]

    /// Reads a header, and checks that its tensors fill the data that follows without gap or overlap.
    ///
    /// - Parameters:
    ///   - json: the header's bytes.
    ///   - dataByteCount: how many bytes the file has after the header.
    init(json: UnsafeRawBufferPointer, dataByteCount: Int) throws(Problem) {
        let decoded = try DecodedHeader(json: json)
        var tensors: [SafetensorsTensorInfo] = []
        for (name, entry) in decoded.entries {
            tensors.append(try SafetensorsTensorInfo(name: name, entry: entry))
        }
        // Tensors without elements share their place with the next one.
        tensors.sort {
            ($0.byteRange.lowerBound, $0.byteRange.upperBound, $0.name)
                < ($1.byteRange.lowerBound, $1.byteRange.upperBound, $1.name)
        }

        var end = 0
        for tensor in tensors {
            guard tensor.byteRange.lowerBound == end else {
                throw .gapOrOverlap(
                    tensor: tensor.name, expectedStart: end, foundStart: tensor.byteRange.lowerBound)
            }
            end = tensor.byteRange.upperBound
        }
        guard end == dataByteCount else { throw .wrongDataByteCount(expected: end, found: dataByteCount) }
        self.metadata = decoded.metadata ?? [:]
        self.tensors = tensors
    }
}

extension SafetensorsTensorInfo {
    fileprivate init(name: String, entry: DecodedHeader.Entry) throws(SafetensorsError.Problem) {
        guard let dtype = DType(safetensorsName: entry.dtype) else {
            throw .unsupportedElementType(tensor: name, found: entry.dtype)
        }
        guard let byteCount = dtype.byteCount(ofShape: entry.shape) else {
            throw .impossibleShape(tensor: name, shape: entry.shape)
        }
        let offsets = entry.dataOffsets
        guard offsets.count == 2, 0 <= offsets[0], offsets[0] <= offsets[1] else {
            throw .malformedHeader(
                reason: "tensor \(name.quoted) should have data_offsets [begin, end], found \(offsets)")
        }
        guard offsets[1] - offsets[0] == byteCount else {
            throw .wrongByteCount(tensor: name, expected: byteCount, found: offsets[1] - offsets[0])
        }
        self.init(name: name, dtype: dtype, shape: entry.shape, byteRange: offsets[0]..<offsets[1])
    }
}

extension DType {
    /// The name of the type in safetensors files.
    var safetensorsName: String {
        switch self {
        case .uint8: "U8"
        case .int8: "I8"
        case .int16: "I16"
        case .int32: "I32"
        case .int64: "I64"
        case .float16: "F16"
        case .float32: "F32"
        case .float64: "F64"
        case .bool: "BOOL"
        case .bfloat16: "BF16"
        }
    }

    init?(safetensorsName: String) {
        guard let dtype = DType.allCases.first(where: { $0.safetensorsName == safetensorsName }) else {
            return nil
        }
        self = dtype
    }

    /// How many bytes a tensor of this type takes, or nil where no tensor has the shape.
    package func byteCount(ofShape shape: [Int]) -> Int? {
        guard let count = Tensor.elementCount(shape) else { return nil }
        let (byteCount, overflows) = count.multipliedReportingOverflow(by: byteCount)
        return overflows ? nil : byteCount
    }
}

/// The header as the JSON has it: types are right, values are not checked.
private struct DecodedHeader: Decodable {
    struct Entry: Decodable {
        let dtype: String
        let shape: [Int]
        let dataOffsets: [Int]

        enum CodingKeys: String, CodingKey {
            case dtype, shape
            case dataOffsets = "data_offsets"
        }
    }

    private struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    private(set) var metadata: [String: String]?
    private(set) var entries: [String: Entry] = [:]

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Name.self)
        for name in container.allKeys {
            if name.stringValue == SafetensorsHeader.metadataKey {
                metadata = try container.decode([String: String].self, forKey: name)
            } else {
                entries[name.stringValue] = try container.decode(Entry.self, forKey: name)
            }
        }
    }

    init(json: UnsafeRawBufferPointer) throws(SafetensorsError.Problem) {
        // The decoder would take UTF-16 too, which has zero bytes; the format is UTF-8.
        guard json.first == UInt8(ascii: "{"), !json.contains(0) else {
            throw .malformedHeader(reason: "it is no JSON object in UTF-8")
        }
        // Before the decoder takes a hundred bytes and more for each.
        let counts = Self.counts(ofObject: json)
        guard counts.marks <= SafetensorsHeader.maximumMarkCount else {
            throw .tooManyValues(found: counts.marks, limit: SafetensorsHeader.maximumMarkCount)
        }
        do {
            self = try JSONDecoder().decode(DecodedHeader.self, from: Data(json))
        } catch let error as DecodingError {
            throw .malformedHeader(reason: error.summary)
        } catch {
            throw .malformedHeader(reason: "\(error)")
        }
        // The decoder keeps one of the members that have the same name.
        guard counts.members == entries.count + (metadata == nil ? 0 : 1) else {
            throw .duplicateName
        }
    }

    /// How many members the object has that is the whole of `json`, where that is valid JSON, and how many commas and
    /// colons there are outside of texts.
    private static func counts(ofObject json: UnsafeRawBufferPointer) -> (members: Int, marks: Int) {
        var (count, markCount) = (0, 0)
        var depth = 0
        var isInString = false
        var isEscaped = false
        for byte in json {
            switch UnicodeScalar(byte) {
            case _ where isEscaped: isEscaped = false
            case "\\": isEscaped = true  // Valid JSON has a backslash in strings only.
            case "\"": isInString.toggle()
            case _ where isInString: break
            case "{", "[": depth += 1
            case "}", "]": depth -= 1
            case ":":
                markCount += 1
                if depth == 1 { count += 1 }
            case ",": markCount += 1
            default: break
            }
        }
        return (count, markCount)
    }
}

extension DecodingError {
    /// What went wrong and where, in one line.
    fileprivate var summary: String {
        let context =
            switch self {
            case .typeMismatch(_, let context), .valueNotFound(_, let context), .keyNotFound(_, let context),
                .dataCorrupted(let context):
                context
            @unknown default:
                Context(codingPath: [], debugDescription: "\(self)")
            }
        let path = context.codingPath.map { "'\($0.stringValue)'" }.joined(separator: ", ")
        return path.isEmpty ? context.debugDescription : "\(context.debugDescription) (at \(path))"
    }
}
