/// Where frames and labels lie, in pixels of the drawing.
///
/// Labels stay within the picture and, as long as there is a place at their box, off one another; the surer choose first.
struct DrawingLayout {
    /// A rectangle whose sides are not negative.
    struct Rectangle: Equatable {
        var x: Double
        var y: Double
        var width: Double
        var height: Double

        func intersects(_ other: Rectangle) -> Bool {
            x < other.x + other.width && other.x < x + width && y < other.y + other.height
                && other.y < y + height
        }
    }

    /// A box with its label.
    struct Item {
        let frame: Rectangle
        let color: DrawingColor
        let text: String
        /// What the text lies on; nil where there is no room for any.
        let label: Rectangle?
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
    /// A name that is longer is cut off.
    private static let longestText = 120
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
        var placed: [Rectangle] = []
        for (index, box) in boxes.enumerated() where box.corners.count == 4 {
            let frame = frame(of: box)
            let text = shortened(box.label, font)
            let size = (width: font.width(of: text) + 2 * padding, height: labelHeight)
            var label: Rectangle?
            if !text.isEmpty, size.height <= Double(self.height) {
                let places = self.places(along: frame, size.width, size.height)
                label = places.first { place in !placed.contains { $0.intersects(place) } } ?? places.first
            }
            if let label { placed.append(label) }
            items.append(Item(frame: frame, color: DrawingColor.of(index), text: text, label: label))
        }
    }

    /// A box, held within the drawing.
    private func frame(of box: RegionDrawing.Box) -> Rectangle {
        func held(_ value: Float, _ limit: Int) -> Double {
            value.isFinite ? min(max(0, Double(value) * Double(scale)), Double(limit)) : 0
        }
        let (x, y) = (held(box.corners[0], width), held(box.corners[1], height))
        return Rectangle(
            x: x, y: y, width: max(0, held(box.corners[2], width) - x),
            height: max(0, held(box.corners[3], height) - y))
    }

    /// The places for a label at a box, the best first: above it, then within it and below it, from the left, then from the
    /// right; last a little away from it.
    private func places(along frame: Rectangle, _ width: Double, _ height: Double) -> [Rectangle] {
        let rows = min(Self.mostRows, max(1, Int(clamping: frame.height / height)))
        let bottom = frame.y + frame.height
        let near =
            [frame.y - height] + (0..<rows).map { frame.y + Double($0) * height } + [bottom, bottom - height]
        let far = (1...4).flatMap { [frame.y - Double($0 + 1) * height, bottom + Double($0) * height] }
        return [near, far].flatMap { tops in
            [frame.x, frame.x + frame.width - width].flatMap { x in
                tops.map { y in
                    Rectangle(
                        x: min(max(0, x), Double(self.width) - width),
                        y: min(max(0, y), Double(self.height) - height), width: width, height: height)
                }
            }
        }
    }

    /// As much of a text as fits across the drawing; none where nothing does.
    private func shortened(_ text: String, _ font: DrawingFont) -> String {
        func fits(_ text: String) -> Bool { font.width(of: text) + 2 * padding <= Double(width) }
        let whole = String(text.prefix(Self.longestText))
        if whole.count == text.count, fits(whole) { return whole }
        var count = whole.count
        while count > 0 {
            let cut = whole.prefix(count) + "…"
            if fits(String(cut)) { return String(cut) }
            count -= 1
        }
        return ""
    }
}

/// A colour of frames, and of the letters on it.
struct DrawingColor: Equatable {
    /// 0 to 255
    let red: Int
    let green: Int
    let blue: Int

    private static let all = [
        DrawingColor(red: 230, green: 25, blue: 75), DrawingColor(red: 60, green: 180, blue: 75),
        DrawingColor(red: 67, green: 99, blue: 216), DrawingColor(red: 255, green: 225, blue: 25),
        DrawingColor(red: 145, green: 30, blue: 180), DrawingColor(red: 70, green: 220, blue: 230),
        DrawingColor(red: 245, green: 130, blue: 48), DrawingColor(red: 0, green: 110, blue: 110),
        DrawingColor(red: 240, green: 50, blue: 230), DrawingColor(red: 128, green: 128, blue: 0),
    ]

    /// The colour of the box that stands at a place among all.
    static func of(_ index: Int) -> DrawingColor { all[index % all.count] }

    /// Whether letters on it are black, and not white: by the luminance of sRGB, roughly.
    var takesBlack: Bool { 299 * red + 587 * green + 114 * blue > 128_000 }

    /// As HTML has it.
    var text: String { "rgb(\(red),\(green),\(blue))" }
}
