import FileSystem
import VQAVision

/// Where frames and labels lie, in pixels of the drawing.
///
/// Labels stay within the picture and, as long as there is a place at their box, off one another; the surer choose first.
struct DrawingLayout {
    /// A box with its label.
    struct Item {
        let frame: DrawingRectangle
        let color: DrawingColor
        let text: String
        /// What the text lies on; nil where there is no room for any.
        let label: DrawingRectangle?
    }

    /// Of the drawing.
    let width: Int
    let height: Int
    /// How many pixels of the drawing a pixel of the picture is wide and high.
    let scale: Int
    let fontSize: Double
    /// How wide the lines of frames are.
    let lineWidth: Double
    /// How far a label's letters are from its sides.
    let padding: Double
    /// How far the letters' base line is below the upper side of a label.
    let baseline: Double
    /// The surest first.
    private(set) var items: [Item] = []

    /// The longest side that is drawn larger, and by how much at most.
    private static let (smallSide, largestScale) = (512, 8)
    /// So many places along a box are tried for its label.
    private static let mostRows = 40

    /// How much larger than itself a picture is drawn.
    static func scale(width: Int, height: Int) -> Int {
        let side = max(1, width, height)
        return min(largestScale, max(1, (smallSide + side - 1) / side))
    }

    /// In pixels of the drawing.
    static func fontSize(width: Int, height: Int) -> Double { max(12, Double(min(width, height)) / 40) }

    init(_ boxes: ArraySlice<RegionDrawing.Box>, width: Int, height: Int, scale: Int, font: DrawingFont) {
        (self.width, self.height, self.scale) = (width * scale, height * scale, scale)
        fontSize = font.size
        lineWidth = max(2, font.size / 7)
        padding = font.size / 4
        baseline = font.ascent + padding / 2
        let labelHeight = font.ascent + font.descent + padding
        var placed: [DrawingRectangle] = []
        for (index, box) in boxes.enumerated() where box.corners.count == 4 {
            let frame = frame(of: box)
            let text = font.shortened(box.label, toWidth: Double(self.width) - 2 * padding)
            let size = (width: font.width(of: text) + 2 * padding, height: labelHeight)
            var label: DrawingRectangle?
            if !text.isEmpty, size.height <= Double(self.height) {
                let places = self.places(along: frame, size.width, size.height)
                label = places.first { place in !placed.contains { $0.intersects(place) } } ?? places.first
            }
            if let label { placed.append(label) }
            items.append(Item(frame: frame, color: box.color ?? .of(index), text: text, label: label))
        }
    }

    /// A box, held within the drawing.
    private func frame(of box: RegionDrawing.Box) -> DrawingRectangle {
        func held(_ value: Float, _ limit: Int) -> Double {
            value.isFinite ? min(max(0, Double(value) * Double(scale)), Double(limit)) : 0
        }
        let (x, y) = (held(box.corners[0], width), held(box.corners[1], height))
        return DrawingRectangle(
            x: x, y: y, width: max(0, held(box.corners[2], width) - x),
            height: max(0, held(box.corners[3], height) - y))
    }

    /// The places for a label at a box, the best first: above it, then within it and below it, from the left, then from the
    /// right; last a little away from it.
    private func places(along frame: DrawingRectangle, _ width: Double, _ height: Double)
        -> [DrawingRectangle]
    {
        let rows = min(Self.mostRows, max(1, Int(clamping: frame.height / height)))
        let bottom = frame.y + frame.height
        let near =
            [frame.y - height] + (0..<rows).map { frame.y + Double($0) * height } + [bottom, bottom - height]
        let far = (1...4).flatMap { [frame.y - Double($0 + 1) * height, bottom + Double($0) * height] }
        return [near, far].flatMap { tops in
            [frame.x, frame.x + frame.width - width].flatMap { x in
                tops.map { y in
                    DrawingRectangle(
                        x: min(max(0, x), Double(self.width) - width),
                        y: min(max(0, y), Double(self.height) - height), width: width, height: height)
                }
            }
        }
    }

    /// Where the picture is.
    var bounds: DrawingRectangle {
        DrawingRectangle(x: 0, y: 0, width: Double(width), height: Double(height))
    }

    /// Makes sure that a picture is of the size that the layout was made for.
    func requireSize(of picture: Picture) throws(DrawingError) {
        guard (picture.width * scale, picture.height * scale) == (width, height) else {
            throw DrawingError(
                description: "expected a picture of \(width / scale) x \(height / scale), found "
                    + "\(picture.width) x \(picture.height)")
        }
    }

    /// The frames, and over all of them the labels.
    ///
    /// - Parameters:
    ///   - font: The font that the labels were measured with.
    ///   - x: How far to the right they are moved.
    ///   - y: How far down.
    func parts(_ font: DrawingFont, x: Double = 0, y: Double = 0) -> [DrawingPart] {
        let frames = items.reversed().map {
            DrawingPart.frame($0.frame.moved(x: x, y: y), $0.color, lineWidth: lineWidth)
        }
        let labels = items.reversed().flatMap { item -> [DrawingPart] in
            guard let label = item.label?.moved(x: x, y: y) else { return [] }
            return [
                .fill(label, item.color),
                .text(
                    DrawingText(
                        text: item.text, x: label.x + padding, baseline: label.y + baseline, font: font,
                        color: item.color.letters)),
            ]
        }
        return frames + labels
    }
}
