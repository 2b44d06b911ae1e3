/// A reliability diagram: for each bin of scores the accuracy as a bar, beside the line on which a model would lie that
/// knows how sure it may be.
struct ReliabilityChart {
    let name: String
    let calibration: Calibration

    private static let side = 300.0
    private static let (left, bottom, top) = (44.0, 38.0, 10.0)

    var html: String {
        let most = calibration.bins.map(\.questions).max() ?? 0
        let bars = calibration.bins.filter { $0.questions > 0 }.map { bar($0, mostQuestions: most) }
        let plot = Self.side
        let (width, height) = (Self.left + plot + 18, Self.top + plot + Self.bottom)
        let ticks = [0.0, 0.25, 0.5, 0.75, 1].map { tick($0) }
        let label =
            "Reliability of \(name): expected calibration error \(HTMLText.decimal(100 * calibration.expectedError, 1)) %, "
            + "mean score \(HTMLText.decimal(calibration.meanConfidence, 2))"
        return """
            <figure class="square">
            <figcaption>\(HTMLText.escaped(name)): expected calibration error \(HTMLText.decimal(100 * calibration.expectedError, 2)) %</figcaption>
            <svg viewBox="0 0 \(HTMLText.decimal(width, 0)) \(HTMLText.decimal(height, 0))" role="img" aria-label="\(HTMLText.escaped(label))">
            \(ticks.joined(separator: "\n"))
            \(bars.joined(separator: "\n"))
            <line class="ideal" x1="\(x(0))" y1="\(y(0))" x2="\(x(1))" y2="\(y(1))"/>
            <text x="\(x(0.5))" y="\(HTMLText.decimal(height - 4, 1))" text-anchor="middle">score of the answer</text>
            </svg>
            </figure>
            """
    }

    private func x(_ share: Double) -> String { HTMLText.decimal(Self.left + share * Self.side, 1) }
    private func y(_ share: Double) -> String { HTMLText.decimal(Self.top + (1 - share) * Self.side, 1) }

    private func tick(_ share: Double) -> String {
        let text = HTMLText.decimal(share, 2)
        return "<line class=\"grid\" x1=\"\(x(0))\" y1=\"\(y(share))\" x2=\"\(x(1))\" y2=\"\(y(share))\"/>"
            + "<text x=\"\(HTMLText.decimal(Self.left - 5, 1))\" y=\"\(y(share))\" dy=\"0.35em\" text-anchor=\"end\">\(text)</text>"
            + "<text x=\"\(x(share))\" y=\"\(HTMLText.decimal(Self.top + Self.side + 16, 1))\" text-anchor=\"middle\">\(text)</text>"
    }

    /// Bins of few questions are pale: their accuracy says less.
    private func bar(_ bin: Calibration.Bin, mostQuestions: Int) -> String {
        let share = Double(bin.questions) / Double(max(1, mostQuestions))
        let width = (bin.to - bin.from) * Self.side - 2
        return
            "<rect class=\"bin\" x=\"\(HTMLText.decimal(Self.left + bin.from * Self.side + 1, 1))\" y=\"\(y(bin.accuracy))\" "
            + "width=\"\(HTMLText.decimal(width, 1))\" height=\"\(HTMLText.decimal(bin.accuracy * Self.side, 1))\" "
            + "fill-opacity=\"\(HTMLText.decimal(0.25 + 0.75 * share.squareRoot(), 2))\"><title>"
            + "scores from \(HTMLText.decimal(bin.from, 2)) to \(HTMLText.decimal(bin.to, 2)): \(bin.questions) questions, "
            + "mean score \(HTMLText.decimal(bin.confidence, 3)), accuracy \(HTMLText.decimal(bin.accuracy, 3))</title></rect>"
    }
}
