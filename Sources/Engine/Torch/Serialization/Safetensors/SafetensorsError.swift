/// A file is no valid safetensors file, or tensors cannot be written as one.
public struct SafetensorsError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file, as the caller named it.
    public let path: String
    /// What is wrong with it.
    public let problem: Problem

    /// One line: the file, what was expected and what was found.
    public var description: String { "\(path): \(problem)" }

    /// What can be wrong with a safetensors file.
    public enum Problem: Error, Equatable, Sendable, CustomStringConvertible {
        /// The file ends before its header does.
        case truncatedHeader(expectedByteCount: UInt64, foundByteCount: Int)
        /// The header claims more than the format allows.
        case headerTooLarge(byteCount: UInt64, limit: Int)
        /// The header has more values than that of any file of tensors.
        case tooManyValues(found: Int, limit: Int)
        /// The header is not the JSON that the format asks for.
        case malformedHeader(reason: String)
        /// Two tensors have the same name.
        case duplicateName
        /// A tensor has elements that this package has no type for.
        case unsupportedElementType(tensor: String, found: String)
        /// A tensor's shape has a negative size, or takes more bytes than can be counted.
        case impossibleShape(tensor: String, shape: [Int])
        /// A tensor's byte range is not as long as its shape and element type ask for.
        case wrongByteCount(tensor: String, expected: Int, found: Int)
        /// A tensor's bytes do not begin where the previous tensor's end.
        case gapOrOverlap(tensor: String, expectedStart: Int, foundStart: Int)
        /// The tensors take more or fewer bytes than the file has after its header.
        case wrongDataByteCount(expected: Int, found: Int)
        /// A tensor of booleans has bytes other than 0 and 1.
        case invalidBool(tensor: String)
        /// There is no tensor of this name.
        case noSuchTensor(name: String)
        /// A tensor may not be named as the format names its metadata.
        case reservedName

        /// What was expected and what was found.
        public var description: String {
            switch self {
            case .truncatedHeader(let expected, let found):
                "a safetensors header of \(expected) bytes was expected, found a file of \(found) bytes"
            case .headerTooLarge(let count, let limit):
                "a safetensors header has at most \(limit) bytes, this one claims \(count)"
            case .tooManyValues(let found, let limit):
                "a safetensors header with at most \(limit) commas and colons was expected, found \(found): it has more "
                    + "tensors than are read"
            case .malformedHeader(let reason):
                "malformed safetensors header: \(reason)"
            case .duplicateName:
                "malformed safetensors header: a name occurs twice"
            case .unsupportedElementType(let tensor, let found):
                "tensor \(tensor.quoted) has elements of the unsupported type \(found.quoted)"
            case .impossibleShape(let tensor, let shape):
                "tensor \(tensor.quoted) has the impossible shape \("\(shape)".shortened)"
            case .wrongByteCount(let tensor, let expected, let found):
                "tensor \(tensor.quoted) takes \(expected) bytes by its shape and type, found a range of \(found)"
            case .gapOrOverlap(let tensor, let expectedStart, let foundStart):
                "tensor \(tensor.quoted) should begin at byte \(expectedStart) of the data, found \(foundStart)"
            case .wrongDataByteCount(let expected, let found):
                "the tensors take \(expected) bytes, found \(found) after the header"
            case .invalidBool(let tensor):
                "tensor \(tensor.quoted) should have booleans of 0 and 1, found other bytes"
            case .noSuchTensor(let name):
                "there is no tensor \(name.quoted)"
            case .reservedName:
                "a tensor may not be named '\(SafetensorsHeader.metadataKey)'"
            }
        }
    }
}
