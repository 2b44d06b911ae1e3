import Foundation

/// A small set of somebody's own: 60 pictures of one shape each, and a spreadsheet of 300 questions about them, the same
/// on every machine. Two of its rows have something wrong with them.
public enum ShapePictures {
    private static let shapes = ["circle", "square", "triangle"]
    private static let colors: [(name: String, rgb: [UInt8])] = [
        ("red", [220, 30, 30]), ("green", [30, 160, 40]), ("blue", [40, 60, 220]),
        ("yellow", [230, 210, 40]),
    ]
    private static let side = 64

    /// The name of a picture's file.
    ///
    /// - Parameter number: 1 to 60.
    public static func name(_ number: Int) -> String { "photo \(number).png" }

    /// Writes the pictures into a folder that is there, and gives the rows of the spreadsheet, header included.
    public static func write(to folder: URL, count: Int = 60) throws -> [String] {
        var random = Numbers()
        var rows = ["image,question,answer"]
        for number in 1...count {
            let (shape, color) = (shapes[number % 3], colors[number / 3 % 4])
            let name = name(number)
            try picture(shape, color.rgb, &random).bytes.write(to: folder.appending(component: name))
            rows += questions(shape, color.name, &random).map { "\(name),\($0),\($1)" }
        }
        rows.insert("photo 99.png,what shape is in the picture?,circle", at: 11)
        rows.insert("\(name(4)),\"what is on the left, a circle?\",", at: 21)
        return rows
    }

    private static func questions(_ shape: String, _ color: String, _ random: inout Numbers) -> [(
        String, String
    )] {
        let otherShape = random.one(of: shapes.filter { $0 != shape })
        let otherColor = random.one(of: colors.map(\.name).filter { $0 != color })
        let (askedShape, askedColor, shown) = (random.coin(), random.coin(), random.coin())
        return [
            ("what shape is in the picture?", shape), ("what colour is the \(shape)?", color),
            ("is there a \(askedShape ? shape : otherShape)?", askedShape ? "yes" : "no"),
            ("is the \(shape) \(askedColor ? color : otherColor)?", askedColor ? "yes" : "no"),
            ("does the picture show something \(shown ? color : otherColor)?", shown ? "yes" : "no"),
        ]
    }

    private static func picture(_ shape: String, _ color: [UInt8], _ random: inout Numbers) -> PNGFile {
        let grey = UInt8(150 + random.below(100))
        let size = 12 + random.below(10)
        let (x, y) = (
            size + 2 + random.below(side - 2 * size - 4), size + 2 + random.below(side - 2 * size - 4)
        )
        let rows = (0..<side).map { row in
            (0..<side).flatMap { column -> [UInt8] in
                isInside(shape, column - x, row - y, size) ? color : [grey, grey, grey]
            }
        }
        return PNGFile(width: UInt32(side), height: UInt32(side), rows: rows)
    }

    private static func isInside(_ shape: String, _ x: Int, _ y: Int, _ size: Int) -> Bool {
        switch shape {
        case "circle": x * x + y * y <= size * size
        case "square": abs(x) * 6 <= size * 5 && abs(y) * 6 <= size * 5
        default: abs(y) <= size && abs(x) * 2 <= y + size
        }
    }

    /// Numbers that look like random ones.
    private struct Numbers {
        var state: UInt64 = 1

        mutating func below(_ limit: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % limit
        }

        mutating func coin() -> Bool { below(2) == 0 }

        mutating func one(of texts: [String]) -> String { texts[below(texts.count)] }
    }
}
