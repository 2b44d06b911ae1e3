import Foundation
import VQAVision

/// What a detector saw, drawn over the picture: as a PNG, or as an SVG with the picture in it, which browsers show and
/// whose names can be selected and searched for.
///
///     let drawing = try RegionDrawing(boxes, width: picture.width, height: picture.height)
///     try drawing.png(over: picture).write(to: file)
///
/// Both have the surest boxes alone, and the same frames and labels at the same places. A picture of less than 512 pixels
/// is drawn larger by a whole number, so that labels can be read on it.
public struct RegionDrawing {
    /// A box with words at it.
    public struct Box: Sendable {
        /// x1, y1, x2, y2 in pixels of the picture.
        public let corners: [Float]
        /// What stands at the box.
        public let label: String
        /// The colour of its frame; nil for one of its own.
        let color: DrawingColor?

        /// - Parameters:
        ///   - corners: x1, y1, x2, y2 in pixels of the picture.
        ///   - label: What stands at the box.
        public init(corners: [Float], label: String) {
            self.init(corners: corners, label: label, color: nil)
        }

        init(corners: [Float], label: String, color: DrawingColor?) {
            self.corners = corners
            self.label = label
            self.color = color
        }
    }

    /// How many boxes are drawn where nothing else is said: more would hide the picture.
    public static let usualCount = 20

    /// Whether the system has a font; else labels are drawn in cairo's own strokes, which has no letters but ASCII's.
    public var hasFont: Bool { font.isThere }
    let layout: DrawingLayout
    private let font: DrawingFont

    /// Decides what is drawn where.
    ///
    /// - Parameters:
    ///   - boxes: The surest first.
    ///   - width: Of the picture as people see it, in pixels.
    ///   - height: Likewise.
    ///   - mostBoxes: How many of the boxes are drawn.
    /// - Throws: ``DrawingError`` where memory is short.
    public init(_ boxes: [Box], width: Int, height: Int, mostBoxes: Int = usualCount) throws {
        let scale = DrawingLayout.scale(width: width, height: height)
        font = try DrawingFont(size: DrawingLayout.fontSize(width: width * scale, height: height * scale))
        layout = DrawingLayout(
            boxes.prefix(max(0, mostBoxes)), width: width, height: height, scale: scale, font: font)
    }

    /// The longest side that a PNG is drawn of, in pixels of the picture.
    public static let longestPNGSide = DrawingSurface.longestSide

    /// The drawing as a PNG.
    ///
    /// - Parameter picture: The picture, of the size that the drawing was made for.
    /// - Throws: ``DrawingError`` where the picture has another size or too long a side, or memory is short.
    public func png(over picture: Picture) throws -> Data {
        try layout.requireSize(of: picture)
        let surface = try DrawingSurface(of: picture)
        guard layout.scale > 1 else {
            try surface.draw(layout.parts(font))
            return try surface.png()
        }
        let canvas = try DrawingSurface(width: layout.width, height: layout.height)
        try canvas.draw([.picture(layout.bounds)] + layout.parts(font), picture: surface)
        return try canvas.png()
    }

    /// The drawing as an SVG, with the picture's file in it as it is.
    public func svg(over picture: EmbeddedPicture) -> String {
        var svg = SVGDrawing(picture)
        return svg.element(
            [.picture(layout.bounds)] + layout.parts(font), width: layout.bounds.width,
            height: layout.bounds.height)
    }
}

/// Why there is no drawing.
public struct DrawingError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong, in one line.
    public let description: String
}
