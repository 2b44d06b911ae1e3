import Foundation

/// The fonts of an explanation, in pixels of the drawing.
struct ExplanationFonts {
    let word: DrawingFont
    let answer: DrawingFont
    let small: DrawingFont

    /// - Parameter width: Of the drawing.
    init(width: Double) throws {
        let size = max(13, width / 45)
        word = try DrawingFont(size: size * 1.2)
        answer = try DrawingFont(size: size, isBold: false)
        small = try DrawingFont(size: size * 0.8, isBold: false)
    }
}

/// A question of an explanation, laid out: its words, the picture, the answers, and what the weights are.
struct ExplanationPanel {
    private(set) var parts: [DrawingPart] = []
    /// Where the next one begins.
    private(set) var bottom: Double

    /// Narrower drawings have no room for words.
    private static let leastWidth = 480.0
    /// A question's further words are not drawn, nor are further answers.
    private static let (mostWords, mostAnswers) = (120, 40)
    /// So many of the weightiest regions have a label.
    private static let mostLabels = 4
    /// How strongly the weightiest word is tinted.
    static let wordOpacity = 0.75

    private let question: ExplanationDrawing.Question
    private let drawing: ExplanationDrawing
    private let width: Double
    private let margin: Double

    /// How wide the drawing of an image is.
    static func canvasWidth(width: Int, height: Int) -> Double {
        max(leastWidth, Double(width * DrawingLayout.scale(width: width, height: height)))
    }

    /// - Throws: `DrawingError` where memory is short.
    init(_ question: ExplanationDrawing.Question, of drawing: ExplanationDrawing, top: Double) throws {
        self.question = question
        self.drawing = drawing
        width = Self.canvasWidth(width: drawing.width, height: drawing.height)
        margin = drawing.fonts.answer.size
        bottom = top + margin
        if top > 0 {
            parts.append(.fill(DrawingRectangle(x: 0, y: top, width: width, height: 1), .grey(200)))
        }
        addWords()
        let picture = try Self.picture(question, of: drawing, centredIn: width, y: bottom)
        parts += picture.parts
        bottom = picture.bottom + margin
        addAnswers()
        addNote()
        bottom += margin
    }

    // MARK: - Words

    private mutating func addWords() {
        let (font, small) = (drawing.fonts.word, drawing.fonts.small)
        let padding = font.size / 4
        let height = font.ascent + font.descent + padding
        let lineHeight = height + small.ascent + small.descent + padding
        let weights = question.words.map(\.value)
        var x = margin
        for (number, word) in question.words.prefix(Self.mostWords).enumerated() {
            let isLast = number == Self.mostWords - 1 && question.words.count > Self.mostWords
            let text = font.shortened(
                isLast ? "…" : word.text.printable, toWidth: width - 2 * margin - 2 * padding)
            let value = question.written(word.value)
            let wide = max(font.width(of: text) + 2 * padding, small.width(of: value) + padding)
            if x > margin, x + wide > width - margin {
                x = margin
                bottom += lineHeight
            }
            let strength = ExplanationDrawing.Question.strength(word.value, among: weights)
            let color = question.color(word.value).overWhite(opacity: Self.wordOpacity * strength)
            parts.append(
                .fill(DrawingRectangle(x: x, y: bottom, width: wide, height: height), color, note: value))
            add(
                text, font, color.letters, x: x + (wide - font.width(of: text)) / 2, top: bottom + padding / 2
            )
            if !isLast {
                add(value, small, .grey(90), x: x + (wide - small.width(of: value)) / 2, top: bottom + height)
            }
            x += wide + padding
        }
        bottom += question.words.isEmpty ? 0 : lineHeight
    }

    private mutating func add(
        _ text: String, _ font: DrawingFont, _ color: DrawingColor, x: Double, top: Double
    ) {
        guard !text.isEmpty else { return }
        parts.append(
            .text(DrawingText(text: text, x: x, baseline: top + font.ascent, font: font, color: color)))
    }

    // MARK: - The picture

    /// The picture with its regions tinted, and labels at the weightiest.
    ///
    /// - Parameters:
    ///   - width: Of what it is in the middle of; nil puts it at the left.
    ///   - y: Its upper side.
    static func picture(
        _ question: ExplanationDrawing.Question, of drawing: ExplanationDrawing,
        centredIn width: Double? = nil,
        y: Double = 0
    ) throws -> (parts: [DrawingPart], width: Double, bottom: Double) {
        let scale = DrawingLayout.scale(width: drawing.width, height: drawing.height)
        let font = try DrawingFont(
            size: DrawingLayout.fontSize(width: drawing.width * scale, height: drawing.height * scale))
        func layout(_ boxes: [RegionDrawing.Box]) -> DrawingLayout {
            DrawingLayout(boxes[...], width: drawing.width, height: drawing.height, scale: scale, font: font)
        }
        let regions = Array(zip(drawing.regions, question.regionWeights))
        let weightiest = regions.sorted { abs($0.1) > abs($1.1) }.prefix(mostLabels).filter { $0.1 != 0 }
        let labelled = layout(
            weightiest.map { region, weight in
                let text = [region.name?.printable, question.written(weight)].compactMap(\.self).joined(
                    separator: " ")
                return RegionDrawing.Box(corners: region.corners, label: text, color: question.color(weight))
            })
        let x = ((width ?? labelled.bounds.width) - labelled.bounds.width) / 2
        let bounds = labelled.bounds.moved(x: x, y: y)
        // Regions whose corners are no four numbers are not drawn.
        let drawn = regions.filter { $0.0.corners.count == 4 }
        let frames = layout(drawn.map { RegionDrawing.Box(corners: $0.0.corners, label: "") }).items.map {
            $0.frame.moved(x: x, y: y)
        }
        let opacities = RegionTint.opacities(of: drawn.map(\.1), frames, in: bounds)
        let tints = zip(zip(drawn, frames), opacities).map { region, opacity in
            let (about, weight) = region.0
            let note = [about.name?.printable, question.written(weight)].compactMap(\.self).joined(
                separator: " ")
            return DrawingPart.fill(region.1, question.color(weight), opacity: opacity, note: note)
        }
        return (
            [.picture(bounds)] + tints + labelled.parts(font, x: x, y: y), bounds.width, bounds.maxY
        )
    }

    // MARK: - Answers

    private mutating func addAnswers() {
        let font = drawing.fonts.answer
        let height = font.ascent + font.descent
        let limit = (width - 2 * margin) * 0.4
        let answers = question.answers.prefix(Self.mostAnswers).map {
            (font.shortened($0.text.printable, toWidth: limit), $0.value)
        }
        let names = answers.map { font.width(of: $0.0) }.max() ?? 0
        let scores = font.width(of: "0.000")
        let start = margin + names + margin / 2
        let length = max(1, width - margin - scores - margin / 2 - start)
        for (text, score) in answers {
            add(text, font, .black, x: margin, top: bottom)
            let bar = DrawingRectangle(
                x: start, y: bottom + height * 0.15, width: length, height: height * 0.7)
            var filled = bar
            filled.width = length * min(max(score, 0), 1)
            parts += [.fill(bar, .grey(232)), .fill(filled, .bar)]
            add(String(format: "%.3f", score), font, .black, x: width - margin - scores, top: bottom)
            bottom += height * 1.25
        }
        bottom += margin / 2
    }

    private mutating func addNote() {
        let font = drawing.fonts.small
        var line = ""
        for word in question.note.split(separator: " ") {
            let longer = line.isEmpty ? String(word) : line + " " + word
            if font.width(of: longer) > width - 2 * margin, !line.isEmpty {
                addLine(line, font)
                line = String(word)
            } else {
                line = longer
            }
        }
        addLine(line, font)
    }

    private mutating func addLine(_ line: String, _ font: DrawingFont) {
        add(line, font, .grey(90), x: margin, top: bottom)
        bottom += font.ascent + font.descent
    }
}

extension DrawingColor {
    /// Of answers' bars.
    static let bar = DrawingColor(red: 0, green: 110, blue: 110)
}

extension String {
    /// The text without what has no letter: ends of lines, and marks that control something.
    var printable: String {
        var view = UnicodeScalarView()
        for scalar in unicodeScalars {
            switch scalar {
            case "\t", "\n", "\r", "\u{85}", "\u{2028}", "\u{2029}": view.append(" ")
            case _ where scalar.properties.generalCategory == .control: view.append("\u{FFFD}")
            default: view.append(scalar)
            }
        }
        return String(view)
    }
}
