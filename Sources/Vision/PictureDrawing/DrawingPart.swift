/// A rectangle whose sides are not negative, in pixels of a drawing.
struct DrawingRectangle: Equatable {
    var x: Double
    var y: Double
    var width: Double
    var height: Double

    var maxX: Double { x + width }
    var maxY: Double { y + height }

    func intersects(_ other: DrawingRectangle) -> Bool {
        x < other.maxX && other.x < maxX && y < other.maxY && other.y < maxY
    }

    func moved(x dx: Double, y dy: Double) -> DrawingRectangle {
        DrawingRectangle(x: x + dx, y: y + dy, width: width, height: height)
    }
}

/// What a drawing is made of; what comes later lies over what comes before.
enum DrawingPart {
    /// The picture, or where there is none an empty ground.
    case picture(DrawingRectangle)
    /// A surface, and what is told of it where a pointer rests on it.
    case fill(DrawingRectangle, DrawingColor, opacity: Double = 1, note: String? = nil)
    /// Lines around a rectangle, with a white edge, which dark pictures and those of the lines' own colour leave to be seen.
    case frame(DrawingRectangle, DrawingColor, lineWidth: Double)
    /// Letters on a base line.
    case text(DrawingText)

    /// How much wider than a frame its edge is, and how well it covers.
    static let (edgeWidth, edgeOpacity) = (1.8, 0.7)
}

/// A line of letters.
struct DrawingText {
    let text: String
    let x: Double
    let baseline: Double
    let font: DrawingFont
    let color: DrawingColor

    /// As wide as it was measured.
    var width: Double { font.width(of: text) }
}

/// A colour of surfaces, frames and letters.
struct DrawingColor: Equatable {
    /// 0 to 255
    let red: Int
    let green: Int
    let blue: Int

    static let black = DrawingColor(red: 0, green: 0, blue: 0)
    static let white = DrawingColor(red: 255, green: 255, blue: 255)

    /// A grey of a level from 0 to 255.
    static func grey(_ level: Int) -> DrawingColor { DrawingColor(red: level, green: level, blue: level) }

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

    /// What letters on it have.
    var letters: DrawingColor { takesBlack ? .black : .white }

    /// As HTML has it.
    var text: String { "rgb(\(red),\(green),\(blue))" }
}
