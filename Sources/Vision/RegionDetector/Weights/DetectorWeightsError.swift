import Torch

/// A file holds no weights of a region detector, or such as do not belong together.
public struct DetectorWeightsError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file, as the caller named it.
    public let path: String
    /// What is wrong with it.
    public let problem: Problem

    /// One line: the file, what was expected and what was found.
    public var description: String { "\(path): \(problem)" }

    /// What can be wrong with a file of weights.
    public enum Problem: Error, Equatable, Sendable, CustomStringConvertible {
        /// It is something else, in words.
        case otherFile(found: String)
        /// Tensors of the network are not there.
        case missing(names: [String])
        /// There are tensors that the network has no place for.
        case unknown(names: [String])
        /// A tensor has another shape than the others ask for.
        case wrongShape(name: String, expected: [Int], found: [Int])
        /// The network would have sizes that none has.
        case impossibleSize(what: String, expected: ClosedRange<Int>, found: Int)
        /// A tensor's elements are no fractions.
        case wrongElementType(name: String)
        /// A tensor has infinite values, or some that are no numbers.
        case notFinite(name: String)
        /// A variance is negative.
        case negativeVariance(name: String)
        /// The boxes that the network moves into place are not those of bottom-up attention.
        case otherAnchors
        /// A file of Caffe goes against the rules of such files.
        case damaged(reason: String)

        /// What was expected and what was found.
        public var description: String {
            switch self {
            case .otherFile(let found):
                "the weights of a bottom-up attention detector were expected, found \(found.shortened)"
            case .missing(let names):
                "the weights of a whole detector were expected, found none named \(Self.list(names))"
            case .unknown(let names):
                "the weights of a detector on ResNet were expected, found others beside them: \(Self.list(names))"
            case .wrongShape(let name, let expected, let found):
                "\(name.quoted) should have the shape \(expected), found \("\(found)".shortened)"
            case .impossibleSize(let what, let expected, let found):
                "\(expected.lowerBound) to \(expected.upperBound) \(what) were expected, found \(found)"
            case .wrongElementType(let name):
                "\(name.quoted) should have floating-point numbers, found others"
            case .notFinite(let name):
                "\(name.quoted) should have finite numbers, found others"
            case .negativeVariance(let name):
                "\(name.quoted) should have no negative numbers, found some"
            case .otherAnchors:
                "the 12 anchors of bottom-up attention were expected, found others"
            case .damaged(let reason):
                "the .caffemodel is damaged or incomplete: \(reason.shortened)"
            }
        }

        /// The first names of a list, and how many there are.
        private static func list(_ names: [String]) -> String {
            let first = names.prefix(3).map(\.quoted).joined(separator: ", ")
            return names.count > 3 ? "\(first) and \(names.count - 3) more" : first
        }
    }
}
