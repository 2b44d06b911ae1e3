import FileSystem
import Foundation
import VQAVision

/// Questions about an image with their answers, and what these rest on: the picture with its regions tinted by weight, the
/// words likewise, and the answers as bars.
///
/// As a PNG, an SVG, or a page of HTML that needs no other file and no script, one question below the other.
public struct ExplanationDrawing {
    /// A region of the image.
    public struct Region: Sendable {
        /// x1, y1, x2, y2 in pixels of the image.
        public let corners: [Float]
        /// What it is thought to show; nil where that is not known.
        public let name: String?

        /// - Parameters: as the properties.
        public init(corners: [Float], name: String? = nil) {
            self.corners = corners
            self.name = name
        }
    }

    /// A word or an answer with a number.
    public struct Item: Sendable, Equatable {
        /// The word, or the answer.
        public let text: String
        /// Its weight, or its score from 0 to 1.
        public let value: Double

        /// - Parameters: as the properties.
        public init(text: String, value: Double) {
            self.text = text
            self.value = value.isFinite ? value : 0
        }
    }

    /// A question, with its answers and weights.
    public struct Question: Sendable {
        /// The words as they were written, with their weights.
        public let words: [Item]
        /// A weight for each region.
        public let regionWeights: [Double]
        /// The best first, with their scores.
        public let answers: [Item]
        /// Whether weights may be negative, which then has a colour of its own, and are told with their sign.
        public let isSigned: Bool
        /// What weights are, in a sentence.
        public let note: String

        /// - Parameters: as the properties.
        public init(
            words: [Item], regionWeights: [Double], answers: [Item], isSigned: Bool, note: String
        ) {
            self.words = words
            self.regionWeights = regionWeights.map { $0.isFinite ? $0 : 0 }
            self.answers = answers
            self.isSigned = isSigned
            self.note = note
        }

        /// A weight as it is written.
        func written(_ weight: Double) -> String {
            guard isSigned else { return String(format: "%.3f", weight) }
            // Differences of logits are of any size; and no zero has a sign.
            if abs(weight) < 0.000_05 { return "0.00" }
            return String(format: abs(weight) < 0.1 ? "%+.4f" : "%+.2f", weight)
        }

        /// The colour of weights of a sign.
        func color(_ weight: Double) -> DrawingColor { weight < 0 ? .against : .inFavour }

        /// A weight as a share of the largest of its kind: 0 to 1.
        static func strength(_ weight: Double, among weights: [Double]) -> Double {
            let largest = weights.reduce(0) { max($0, abs($1)) }
            return largest > 0 ? abs(weight) / largest : 0
        }
    }

    /// The longest side of an image, in pixels.
    public static let longestSide = DrawingSurface.longestSide
    /// The most pixels of a PNG: a gigabyte while it is drawn.
    static let mostPixels = 250_000_000

    let questions: [Question]
    let regions: [Region]
    /// Of the image, in pixels.
    let width: Int
    let height: Int
    let fonts: ExplanationFonts

    /// Whether the system has a font; else letters are cairo's own strokes, which has none but ASCII's.
    public var hasFont: Bool { fonts.word.isThere }

    /// - Parameters:
    ///   - questions: With as many weights as there are regions.
    ///   - regions: The image's.
    ///   - width: Of the image, in pixels.
    ///   - height: Likewise.
    /// - Throws: ``DrawingError`` where the image has too long a side, or memory is short.
    public init(_ questions: [Question], regions: [Region], width: Int, height: Int) throws {
        guard (1...Self.longestSide).contains(width), (1...Self.longestSide).contains(height) else {
            throw DrawingError(
                description:
                    "images of at most \(Self.longestSide) pixels a side are drawn, found \(width) x \(height): "
                    + "expected a name that ends in .json")
        }
        self.questions = questions
        self.regions = regions
        (self.width, self.height) = (width, height)
        fonts = try ExplanationFonts(width: ExplanationPanel.canvasWidth(width: width, height: height))
    }

    /// The drawing as a PNG.
    ///
    /// - Parameter picture: The picture, of the size that the drawing was made for; nil leaves its place empty.
    /// - Throws: ``DrawingError`` where the picture has another size, all together is too large, or memory is short.
    public func png(over picture: Picture?) throws -> Data {
        let (parts, size) = try self.parts()
        let (width, height) = (
            Int(clamping: size.width), Int(clamping: size.height)
        )
        guard max(width, height) <= Self.longestSide, width * height <= Self.mostPixels else {
            throw DrawingError(
                description:
                    "a PNG has at most \(Self.longestSide) pixels a side and \(Self.mostPixels) in all, found "
                    + "\(width) x \(height): expected fewer questions, or a name that ends in .svg, .html or .json"
            )
        }
        if let picture, (picture.width, picture.height) != (self.width, self.height) {
            throw DrawingError(
                description:
                    "expected a picture of \(self.width) x \(self.height), found \(picture.width) x \(picture.height)"
            )
        }
        let canvas = try DrawingSurface(width: width, height: height)
        try canvas.draw(parts, picture: picture.map { try DrawingSurface(of: $0) })
        return try canvas.png()
    }

    /// The drawing as an SVG.
    ///
    /// - Parameter picture: The picture's file, which is put in as it is; nil leaves its place empty.
    /// - Throws: ``DrawingError`` where memory is short.
    public func svg(over picture: EmbeddedPicture?) throws -> String {
        let (parts, size) = try self.parts()
        var svg = SVGDrawing(picture)
        return svg.element(parts, width: size.width, height: size.height)
    }

    /// All parts, on a white ground.
    private func parts() throws -> ([DrawingPart], size: (width: Double, height: Double)) {
        let width = ExplanationPanel.canvasWidth(width: width, height: height)
        var (parts, y) = ([DrawingPart](), 0.0)
        for question in questions {
            let panel = try ExplanationPanel(question, of: self, top: y)
            parts += panel.parts
            y = panel.bottom
        }
        let ground = DrawingRectangle(
            x: 0, y: 0, width: width.rounded(.up), height: max(1, y.rounded(.up)))
        return ([.fill(ground, .white)] + parts, (ground.width, ground.height))
    }
}

extension DrawingColor {
    /// Of what an answer rests on.
    static let inFavour = DrawingColor(red: 226, green: 61, blue: 12)
    /// Of what speaks against an answer.
    static let against = DrawingColor(red: 32, green: 92, blue: 214)

    /// The colour as it looks over white.
    func overWhite(opacity: Double) -> DrawingColor {
        func mixed(_ level: Int) -> Int { Int(clamping: 255 + (Double(level) - 255) * opacity) }
        return DrawingColor(red: mixed(red), green: mixed(green), blue: mixed(blue))
    }
}
