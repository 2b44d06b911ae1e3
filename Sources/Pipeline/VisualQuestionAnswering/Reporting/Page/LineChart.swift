import FileSystem
import Foundation

/// Curves over epochs, as SVG: each has a colour and a pattern of dashes of its own, and every point says its value.
struct LineChart {
    /// A curve.
    struct Curve {
        let name: String
        let points: [(x: Double, y: Double)]
    }

    let title: String
    let unit: String
    let curves: [Curve]

    /// The drawing's size; on a page it is as wide as there is room.
    private static let (width, height) = (480.0, 240.0)
    /// Where the curves lie: the rest is for numbers at the axes.
    private static let (left, right, top, bottom) = (56.0, 14.0, 12.0, 32.0)
    private static let dashes = ["", "7 3", "2 3", "9 3 2 3", "12 4", "1 4"]

    /// The chart with what its colours mean; empty without points.
    var html: String {
        let curves = curves.map { Curve(name: $0.name, points: $0.points.filter { $0.y.isFinite }) }
            .filter { !$0.points.isEmpty }
        let points = curves.flatMap(\.points)
        guard let firstX = points.map(\.x).min(), let lastX = points.map(\.x).max(),
            let least = points.map(\.y).min(), let most = points.map(\.y).max()
        else { return "" }
        let vertical = Ticks(from: least, to: most)
        let frame = Frame(x: (firstX, max(lastX, firstX + 1)), y: (vertical.lowest, vertical.highest))
        let parts =
            vertical.values.map { frame.horizontalLine($0, vertical.text($0)) }
            + frame.epochs().map(frame.epochLabel)
            + curves.enumerated().map { frame.line($1, $0) }
        return """
            <figure>
            <figcaption>\(HTMLText.escaped(title))\(unit.isEmpty ? "" : ", " + HTMLText.escaped(unit))</figcaption>
            <svg viewBox="0 0 \(Int(clamping: Self.width)) \(Int(clamping: Self.height))" role="img" aria-label="\(HTMLText.escaped(summary(curves)))">
            \(parts.joined(separator: "\n"))
            </svg>
            \(curves.count > 1 ? legend(curves) : "")
            </figure>
            """
    }

    /// What the chart shows, in words.
    private func summary(_ curves: [Curve]) -> String {
        let ends = curves.map { curve in
            let (first, last) = (curve.points[0], curve.points[curve.points.count - 1])
            return "\(curve.name) goes from \(HTMLText.short(first.y)) to \(HTMLText.short(last.y))"
        }
        return "\(title) by epoch: " + ends.joined(separator: "; ")
    }

    private func legend(_ curves: [Curve]) -> String {
        let items = curves.enumerated().map { index, curve in
            "<li><svg viewBox=\"0 0 28 10\" aria-hidden=\"true\"><line x1=\"0\" y1=\"5\" x2=\"28\" y2=\"5\" "
                + "class=\"curve c\(index % 6)\" stroke-dasharray=\"\(Self.dashes[index % 6])\"/></svg> "
                + "\(HTMLText.escaped(curve.name))</li>"
        }
        return "<ul class=\"legend\">\(items.joined())</ul>"
    }

    /// Where values lie in the drawing.
    private struct Frame {
        let x, y: (from: Double, to: Double)

        func place(x value: Double) -> Double {
            left + (value - x.from) / (x.to - x.from) * (width - left - right)
        }

        func place(y value: Double) -> Double {
            height - bottom - (value - y.from) / (y.to - y.from) * (height - top - bottom)
        }

        func horizontalLine(_ value: Double, _ text: String) -> String {
            let place = number(place(y: value))
            return
                "<line class=\"grid\" x1=\"\(number(left))\" y1=\"\(place)\" x2=\"\(number(width - right))\" y2=\"\(place)\"/>"
                + "<text x=\"\(number(left - 6))\" y=\"\(place)\" dy=\"0.35em\" text-anchor=\"end\">\(text)</text>"
        }

        /// At most ten epochs have their number at the axis.
        func epochs() -> [Double] {
            let step = max(1, ((x.to - x.from) / 10).rounded(.up))
            return Array(stride(from: x.from, through: x.to, by: step))
        }

        func epochLabel(_ epoch: Double) -> String {
            "<text x=\"\(number(place(x: epoch)))\" y=\"\(number(height - 10))\" text-anchor=\"middle\">"
                + "\(HTMLText.short(epoch))</text>"
        }

        func line(_ curve: Curve, _ index: Int) -> String {
            let places = curve.points.map { (number(place(x: $0.x)), number(place(y: $0.y)), $0) }
            let line = places.map { "\($0.0),\($0.1)" }.joined(separator: " ")
            let dots = places.map { x, y, point in
                "<circle cx=\"\(x)\" cy=\"\(y)\" r=\"3\" class=\"dot c\(index % 6)\"><title>"
                    + "\(HTMLText.escaped(curve.name)), epoch \(HTMLText.short(point.x)): "
                    + "\(HTMLText.short(point.y))</title></circle>"
            }
            return
                "<polyline class=\"curve c\(index % 6)\" stroke-dasharray=\"\(dashes[index % 6])\" points=\"\(line)\"/>"
                + dots.joined()
        }

        private func number(_ value: Double) -> String { HTMLText.decimal(value, 1) }
    }
}

/// Round numbers along an axis that hold all values.
struct Ticks {
    /// The numbers, in order.
    let values: [Double]
    private let places: Int

    var lowest: Double { values[0] }
    var highest: Double { values[values.count - 1] }

    /// - Parameters:
    ///   - least: The least value.
    ///   - most: The greatest.
    init(from least: Double, to most: Double) {
        let span = max(most - least, max(abs(most), 1e-9) * 1e-3)
        var step = 1e-12
        // The least of 1, 2 and 5 times a power of ten with at most six numbers.
        search: for power in -12...18 {
            for factor in [1.0, 2, 5] {
                step = factor * Self.power(power)
                if span / step <= 5 {
                    places = max(0, -power)
                    let start = (least / step).rounded(.down)
                    let count = max(1, ((most / step).rounded(.up) - start))
                    values = (0...min(8, Int(clamping: count))).map { (start + Double($0)) * step }
                    return
                }
            }
        }
        (places, values) = (0, [least, least + span])
    }

    private static func power(_ exponent: Int) -> Double {
        (0..<abs(exponent)).reduce(1.0) { value, _ in exponent < 0 ? value / 10 : value * 10 }
    }

    /// A number beside the axis; a small one with no more digits than it needs.
    func text(_ value: Double) -> String {
        places > 3 ? String(format: "%.3g", value) : HTMLText.decimal(value, places)
    }
}
