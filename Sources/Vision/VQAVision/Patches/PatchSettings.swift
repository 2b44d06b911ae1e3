import FileSystem
import Foundation

/// How a picture is brought to the pixels that ViLT reads: what the `preprocessor_config.json` of a published model says.
public struct PatchSettings: Codable, Sendable, Equatable {
    /// To how many pixels the shorter side is brought, where that does not make the longer one too long.
    public let shortestEdge: Int
    /// Both sides are multiples of it, in pixels.
    public let divisor: Int
    /// What an intensity from 0 to 255 is multiplied by.
    public let rescaleFactor: Double
    /// What is subtracted after that: of red, green and blue.
    public let means: [Double]
    /// What is divided by after that: of red, green and blue.
    public let deviations: [Double]

    /// The most pixels of ``shortestEdge`` and of ``divisor``, so that a file cannot ask for all the memory.
    static let maximumEdge = 2048

    /// Settings; those that are left out are the released ViLT's.
    ///
    /// - Throws: ``PatchSettingsError`` where a size is not from 1 to 2,048 pixels, there are not three means and
    ///   deviations, or they make no finite numbers of intensities.
    public init(
        shortestEdge: Int = 384, divisor: Int = 32, rescaleFactor: Double = 1.0 / 255,
        means: [Double] = [0.5, 0.5, 0.5], deviations: [Double] = [0.5, 0.5, 0.5]
    ) throws(PatchSettingsError) {
        self.shortestEdge = shortestEdge
        self.divisor = divisor
        self.rescaleFactor = rescaleFactor
        self.means = means
        self.deviations = deviations
        if let problem { throw PatchSettingsError(source: "patches", reason: problem) }
    }

    /// Reads settings that were written before.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        try self.init(
            shortestEdge: values.decode(Int.self, forKey: .shortestEdge),
            divisor: values.decode(Int.self, forKey: .divisor),
            rescaleFactor: values.decode(Double.self, forKey: .rescaleFactor),
            means: values.decode([Double].self, forKey: .means),
            deviations: values.decode([Double].self, forKey: .deviations))
    }

    /// Why pictures cannot be brought to such pixels; nil where they can.
    private var problem: String? {
        for (name, size) in [("shortest edge", shortestEdge), ("divisor", divisor)]
        where !(1...Self.maximumEdge).contains(size) {
            return "expected a \(name) of 1 to \(Self.maximumEdge) pixels, found \(size)"
        }
        guard means.count == 3, deviations.count == 3 else {
            return "expected 3 means and 3 deviations, of red, green and blue, found \(means.count) and "
                + "\(deviations.count)"
        }
        guard values.joined().allSatisfy(\.isFinite) else {
            return
                "expected a rescale factor, means and deviations that make finite numbers of intensities, found "
                + "\(rescaleFactor), \(means) and \(deviations)"
        }
        return nil
    }

    /// The number that each intensity becomes, in single precision as transformers computes it: [3, 256].
    var values: [[Float]] {
        zip(means, deviations).map { mean, deviation in
            (0...255).map { (Float(Double($0) * rescaleFactor) - Float(mean)) / Float(deviation) }
        }
    }

    /// How long a longer side may be: COCO's pictures were trained on with 800 x 1333.
    var longestEdge: Int { Int(clamping: 1333.0 / 800 * Double(shortestEdge)) }

    /// The size that a picture is brought to, in pixels.
    ///
    /// The proportions are kept but for what is cut off to come to multiples of ``divisor``; a side that would vanish has
    /// that length, where transformers fails.
    ///
    /// - Parameters:
    ///   - width: The picture's, in pixels.
    ///   - height: The picture's, in pixels.
    public func size(width: Int, height: Int) -> (width: Int, height: Int) {
        let (edge, longest) = (Double(shortestEdge), Double(longestEdge))
        let scale = edge / Double(min(height, width))
        var sides =
            height < width ? (scale * Double(width), edge) : (edge, scale * Double(height))
        let longer = max(sides.0, sides.1)
        if longer > longest {
            let shrinking = longest / longer
            sides = (shrinking * sides.0, shrinking * sides.1)
        }
        return (multiple(sides.0), multiple(sides.1))
    }

    private func multiple(_ side: Double) -> Int {
        max(1, Int(clamping: side + 0.5) / divisor) * divisor
    }
}

extension PatchSettings: CustomStringConvertible {
    /// The settings in words.
    public var description: String {
        "pictures of \(shortestEdge) pixels a shorter side, multiples of \(divisor)"
    }
}

/// Settings that pictures cannot be brought to pixels by, or that ask for what is not done here.
public struct PatchSettingsError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The file, or what else the settings are of.
    public let source: String
    /// What was expected and what was found.
    public let reason: String

    /// One line.
    public var description: String { "\(source): \(reason)" }
}
