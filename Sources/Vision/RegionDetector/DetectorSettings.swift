import Torch

/// How a region detector is run: what does not follow from its weights. The defaults are those of the released ones.
public struct DetectorSettings: Sendable, Equatable {
    /// The shorter side of the network's input, in pixels.
    public var minimumSide = 600
    /// The longer side of the network's input is no longer than this, in pixels; it has the last word.
    public var maximumSide = 1000
    /// How many proposals, best first, overlaps are looked for among.
    public var proposalsBeforeSuppression = 6000
    /// How many proposals there are in the end.
    public var proposalsAfterSuppression = 300
    /// Which of the proposals become regions.
    public var regions = RegionCount.fromTenToHundred

    /// Settings of the released detectors.
    public init() {}

    /// Blue, green, red: what is taken off the pixels.
    static let pixelMean = [102.9801, 115.9465, 122.7717]
    /// How many pixels of the input a cell of the feature map has a side.
    static let stride = 16
    /// How many bins a region is pooled into, each way.
    static let pooledSize = 14
    /// The overlap from which of two proposals the lesser is removed.
    static let proposalOverlap = 0.7
    /// A proposal's side is longer than this, in pixels of the picture as given.
    static let minimumProposalSide = 16.0
    /// The overlap from which of two regions the one is removed whose probability for a class is less.
    static let classOverlap = 0.3
    /// The probability from which a region is chosen for itself.
    static let confidence: Float = 0.2
}

/// How many regions a picture has.
public struct RegionCount: Sendable, Equatable {
    /// The fewest, as long as there are so many proposals.
    public let minimum: Int
    /// The most.
    public let maximum: Int

    /// 10 to 100: as many as the detector is sure of.
    public static let fromTenToHundred = RegionCount(uncheckedMinimum: 10, maximum: 100)
    /// 36, whatever there is.
    public static let thirtySix = RegionCount(uncheckedMinimum: 36, maximum: 36)

    /// - Throws: `RegionCountError` where the numbers are not 1 to 300, the first at most the second.
    public init(minimum: Int, maximum: Int) throws(RegionCountError) {
        guard 1 <= minimum, minimum <= maximum, maximum <= 300 else {
            throw RegionCountError(found: "\(minimum)-\(maximum)")
        }
        self.init(uncheckedMinimum: minimum, maximum: maximum)
    }

    /// Reads `10-100` or `36`.
    ///
    /// - Throws: `RegionCountError` where the text is none of these.
    public init(parsing text: String) throws(RegionCountError) {
        let numbers = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
        guard (1...2).contains(numbers.count), let first = numbers.first ?? nil,
            let last = numbers.last ?? nil,
            let count = try? RegionCount(minimum: first, maximum: last)
        else { throw RegionCountError(found: text) }
        self = count
    }

    private init(uncheckedMinimum minimum: Int, maximum: Int) {
        self.minimum = minimum
        self.maximum = maximum
    }
}

extension RegionCount: CustomStringConvertible {
    /// `10-100` or `36`.
    public var description: String { minimum == maximum ? "\(minimum)" : "\(minimum)-\(maximum)" }
}

/// Numbers of regions that there cannot be.
public struct RegionCountError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What was found.
    public let found: String

    /// One line for the user.
    public var description: String {
        "expected a number of regions from 1 to 300, as '36', or a range of them, as '10-100', found '\(found)'"
    }
}

/// What a detector's convolutions compute in.
public enum DetectorPrecision: String, Sendable, CaseIterable {
    /// Single precision throughout.
    case float32
    /// All convolutions in bfloat16.
    case bfloat16
    /// Single precision, but for the convolutions of 1 x 1 of each region, half of all products: they are products of whole
    /// numbers of 8 bits, on the CPU. The proposals are those of single precision.
    case int8

    var type: DType { self == .bfloat16 ? .bfloat16 : .float32 }

    /// The names of all, in words.
    package static var choices: String { "\(float32.rawValue), \(bfloat16.rawValue) or \(int8.rawValue)" }
}
