/// A file is none that `torch.save` wrote, or no pickle, or holds what this package refuses to construct.
public struct TorchSaveError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file, as the caller named it.
    public let path: String
    /// What is wrong with it.
    public let problem: Problem

    /// One line: the file, what was expected and what was found.
    public var description: String { "\(path): \(problem)" }

    /// What can be wrong with a file of `torch.save`.
    public enum Problem: Error, Equatable, Sendable, CustomStringConvertible {
        /// The file has neither of the two forms.
        case unknownForm
        /// The file does not begin as a pickle of protocol 2 or later.
        case noPickle
        /// An entry of the zip form is not there.
        case missingEntry(name: String)
        /// The file was written on a machine with the other byte order.
        case bigEndian
        /// The bytes end too early.
        case truncated(offset: Int, expectedByteCount: Int, foundByteCount: Int)
        /// The pickle asks for a class or function other than those that tensors and arrays need.
        case refusedClass(name: String)
        /// The pickle holds an instruction that `torch.save` does not write.
        case unsupportedInstruction(name: String, offset: Int)
        /// The pickle goes against the rules of pickles or of `torch.save`.
        case malformed(reason: String)
        /// The pickle holds more, or deeper nested, than any checkpoint does.
        case tooLarge(reason: String)
        /// A tensor does not fit the storage it is a view of.
        case invalidTensor(reason: String)
        /// A storage has another size than the pickle says.
        case wrongStorageByteCount(storage: String, expected: Int, found: Int)

        /// What was expected and what was found.
        public var description: String {
            switch self {
            case .unknownForm:
                "a file written by torch.save was expected, found neither its zip form nor its older form"
            case .noPickle:
                "a pickle of protocol 2 to 5 was expected, found bytes that begin in another way"
            case .missingEntry(let name):
                "a file written by torch.save was expected, found a zip file without the entry \(name.quoted)"
            case .bigEndian:
                "little-endian tensors were expected, found big-endian ones"
            case .truncated(let offset, let expected, let found):
                "truncated: \(expected) more bytes were expected at byte \(offset), found \(found)"
            case .refusedClass(let name):
                "refused to construct \(name.quoted): only tensors, arrays and plain values are read"
            case .unsupportedInstruction(let name, let offset):
                "unsupported pickle instruction \(name) at byte \(offset)"
            case .malformed(let reason):
                "malformed pickle: \(reason.shortened)"
            case .tooLarge(let reason):
                "refused to read the pickle: \(reason.shortened)"
            case .invalidTensor(let reason):
                "invalid tensor: \(reason.shortened)"
            case .wrongStorageByteCount(let storage, let expected, let found):
                "storage \(storage.quoted) should have \(expected) bytes, found \(found)"
            }
        }
    }
}
