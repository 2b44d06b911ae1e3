import Foundation
import FoundationXML
import Testing
import VQAVision

@testable import PictureDrawing

/// What answers rest on, drawn.
@Suite struct ExplanationDrawingTests {
    private static let grey: UInt8 = 120

    private func picture(_ width: Int, _ height: Int) throws -> Picture {
        try Picture(
            width: width, height: height, pixels: [UInt8](repeating: Self.grey, count: width * height * 3))
    }

    private func question(
        words: [(String, Double)] = [("Is", 0.1), ("it", 0.2), ("red?", 0.7)], _ weights: [Double],
        answers: [(String, Double)] = [("yes", 0.9), ("no", 0.25)], isSigned: Bool = false,
        note: String = "A note."
    ) -> ExplanationDrawing.Question {
        ExplanationDrawing.Question(
            words: words.map { .init(text: $0, value: $1) }, regionWeights: weights,
            answers: answers.map { .init(text: $0, value: $1) }, isSigned: isSigned, note: note)
    }

    private func region(_ corners: Float..., name: String? = nil) -> ExplanationDrawing.Region {
        ExplanationDrawing.Region(corners: corners, name: name)
    }

    private func color(_ picture: Picture, _ x: Int, _ y: Int) -> [Int] {
        let place = 3 * (y * picture.width + x)
        return picture.pixels[place..<place + 3].map { Int($0) }
    }

    private func embedded() throws -> EmbeddedPicture {
        try #require(EmbeddedPicture(RegionDrawing([], width: 600, height: 520).png(over: picture(600, 520))))
    }

    // MARK: - Tints

    private static let bounds = DrawingRectangle(x: 10, y: 20, width: 640, height: 480)

    private func opacities(_ weights: [Double], _ frames: [DrawingRectangle]) -> [Double] {
        RegionTint.opacities(of: weights, frames, in: Self.bounds)
    }

    @Test("a region that stands alone is tinted as far as any is, others by their weights")
    func alone() {
        let frames = (0..<3).map {
            DrawingRectangle(x: 10 + 200 * Double($0), y: 20, width: 200, height: 480)
        }
        let found = opacities([0.5, 0.25, 0], frames)
        #expect(abs(found[0] - (1 - exp(-1))) < 1e-9)
        #expect(abs(found[1] - (1 - exp(-0.5))) < 1e-9)
        #expect(found[2] == 0)
        #expect(opacities([-0.5, 0.25, 0], frames) == found)
        #expect(opacities([0, 0, 0], frames) == [0, 0, 0] && opacities([], []) == [])
        // However small it is.
        let dot = DrawingRectangle(x: 300, y: 300, width: 0.5, height: 0.5)
        #expect(abs(opacities([3], [dot])[0] - (1 - exp(-1))) < 1e-9)
    }

    @Test("a hundred regions over one another hide no more of the picture than one")
    func over() {
        let frames = [DrawingRectangle](repeating: Self.bounds, count: 100)
        let found = opacities([Double](repeating: 0.01, count: 100), frames)
        let seen = found.reduce(1) { $0 * (1 - $1) }
        #expect(abs(seen - exp(-1)) < 1e-9)
    }

    // MARK: - PNG

    @Test("a PNG has the regions tinted where they lie, the words above and the answers below")
    func png() throws {
        let regions = [region(40, 60, 240, 260), region(300, 60, 500, 260), region(40, 300, 240, 460)]
        let drawing = try ExplanationDrawing(
            [question([0.9, 0.1, 0])], regions: regions, width: 600, height: 520)
        let drawn = try Picture(decoding: drawing.png(over: picture(600, 520)), named: "drawing")
        #expect(drawn.width == 600 && drawn.height > 620)
        let top = try #require(
            (0..<200).first { color(drawn, 590, $0) == [Int](repeating: Int(Self.grey), count: 3) })
        #expect(top > 20)
        let expected = [226, 61, 12].map {
            Double(Self.grey) + (Double($0) - Double(Self.grey)) * (1 - exp(-1))
        }
        for (found, wanted) in zip(color(drawn, 140, top + 160), expected) {
            #expect(abs(Double(found) - wanted) < 2)
        }
        let second = color(drawn, 400, top + 160)
        #expect(second[0] > Int(Self.grey) && second[0] < Int(expected[0]))
        #expect(color(drawn, 140, top + 380) == [120, 120, 120])
        // The last row is as white as the first, and what lies below the picture has letters and bars on white.
        #expect(
            color(drawn, 5, drawn.height - 1) == [255, 255, 255] && color(drawn, 5, 0) == [255, 255, 255])
        let below = (top + 520..<drawn.height).map { color(drawn, 300, $0) }
        #expect(below.contains([0, 110, 110]))
    }

    @Test("what speaks against an answer has a colour of its own, in the picture and in words")
    func signed() throws {
        let asked = question(
            words: [("is", -0.8), ("it", 0.4)], [-1.5, 0.3], isSigned: true)
        let drawing = try ExplanationDrawing(
            [asked], regions: [region(0, 0, 300, 520), region(300, 0, 600, 520)], width: 600, height: 520)
        let drawn = try Picture(decoding: drawing.png(over: nil), named: "drawing")
        let (left, right) = (color(drawn, 150, 400), color(drawn, 450, 400))
        #expect(left[2] > left[0] + 50 && right[0] > right[2] + 10)
        let svg = try drawing.svg(over: nil)
        for text in ["-0.80", "+0.40", "-1.50", "+0.30"] { #expect(svg.contains(">\(text)</text>")) }
        #expect(asked.written(-0.00001) == "0.00" && asked.written(-0.00312) == "-0.0031")
        #expect(asked.written(21.728) == "+21.73" && question([]).written(0.12345) == "0.123")
    }

    @Test("small, thin and large images, many words and answers, and what is no number, are drawn")
    func sizes() throws {
        let strange = [
            region(.nan, .infinity, -.infinity, 7), region(-50, -20, 30, 40), region(1, 2, 3),
            region(5, 5, 1, 1, name: String(repeating: "long name ", count: 60)), region(0, 0, 9e9, 9e9),
        ]
        let words = (0..<130).map { ("word\($0)" + String(repeating: "x", count: $0 % 60), Double($0 % 7)) }
        let asked = question(
            words: words + [("", .nan), ("\u{0}\n", .infinity)], [.nan, 0.5, 0.2, .infinity, 0.1],
            answers: (0..<300).map { ("answer \($0)", Double($0)) } + [("a\nb", .nan)],
            note: String(repeating: "note ", count: 200))
        for (width, height) in [(1, 1), (17, 900), (900, 17), (640, 480)] {
            let drawing = try ExplanationDrawing([asked], regions: strange, width: width, height: height)
            let drawn = try Picture(decoding: drawing.png(over: picture(width, height)), named: "drawing")
            #expect(drawn.width == max(480, width * DrawingLayout.scale(width: width, height: height)))
            let (svg, html) = (try drawing.svg(over: nil), try drawing.html(over: nil, title: ""))
            #expect(!svg.contains("nan") && !html.contains("nan") && XMLParser(data: Data(svg.utf8)).parse())
        }
        #expect(try ExplanationDrawing([], regions: [], width: 9, height: 9).png(over: nil).count > 0)
    }

    @Test("an image of too long a side, a PNG of too many pixels, and a picture of another size are refused")
    func refused() throws {
        for (width, height) in [(32_768, 5), (5, 32_768), (0, 5), (.max, 5), (5, .min)] {
            let error = #expect(throws: DrawingError.self) {
                try ExplanationDrawing([question([])], regions: [], width: width, height: height)
            }
            #expect(try #require(error).description.contains("32767 pixels a side"))
        }
        let many = [ExplanationDrawing.Question](repeating: question([]), count: 60)
        let drawing = try ExplanationDrawing(many, regions: [], width: 600, height: 520)
        let error = #expect(throws: DrawingError.self) { try drawing.png(over: nil) }
        #expect(
            try #require(error).description.contains("expected fewer questions, or a name that ends in .svg"))
        #expect(try drawing.svg(over: nil).contains("</svg>"))
        #expect(throws: DrawingError.self) {
            try ExplanationDrawing([question([])], regions: [], width: 600, height: 520).png(
                over: picture(520, 600))
        }
    }

    // MARK: - SVG and HTML

    @Test("an SVG has each word, name and answer as text, and the picture once for all questions")
    func svg() throws {
        let regions = [region(1, 2, 400, 300, name: "red <car> & \u{1}dog"), region(3, 3, 9, 9)]
        let drawing = try ExplanationDrawing(
            [question([0.75, 0.25]), question(words: [("<script>", 1)], [0.5, 0.5])], regions: regions,
            width: 600,
            height: 520)
        let svg = try drawing.svg(over: embedded())
        #expect(svg.components(separatedBy: "data:image/png;base64,").count == 2)
        #expect(svg.components(separatedBy: "<use href=\"#picture\"").count == 3)
        for text in [
            "red?", "yes", "0.900", "red &lt;car> &amp; \u{FFFD}dog 0.750", "&lt;script>", "A note.",
        ] {
            #expect(svg.contains(">\(text)</text>"), "\(text)")
        }
        #expect(svg.contains("<title>0.250</title>"))
        #expect(XMLParser(data: Data(svg.utf8)).parse())
    }

    @Test("a page needs no other file and no script, has the picture once, and tells all weights in words")
    func html() throws {
        let regions = [region(1, 2, 400, 300, name: "red <car>"), region(3, 3, 9, 9)]
        let drawing = try ExplanationDrawing(
            [
                question(
                    words: [("Is", 0.25), ("<b>it\"", 0.75)], [0.75, 0.25], answers: [("</li>yes", 0.9)]),
                question([1, 0]),
            ], regions: regions, width: 600, height: 520)
        let html = try drawing.html(over: embedded(), title: "a\n<title>")
        #expect(html.components(separatedBy: "data:image/png;base64,").count == 2)
        for absent in ["<script", "http://", "https://", "<b>", " src=", "url(", "@import", "</li>yes"] {
            let rest = html.replacingOccurrences(of: "http://www.w3.org/2000/svg", with: "")
            #expect(!rest.contains(absent), "\(absent)")
        }
        #expect(html.contains("<title>a &lt;title></title>"))
        #expect(html.contains("default-src 'none'") && html.contains("prefers-color-scheme:dark"))
        #expect(html.contains("title=\"0.750\">&lt;b>it&quot;</span>"))
        #expect(html.contains("<tr><td>1 red &lt;car> (1 2 400 300)</td><td>0.750</td></tr>"))
        #expect(html.contains("<span>&lt;/li>yes</span>") && html.contains("width:90.0%"))
    }
}
