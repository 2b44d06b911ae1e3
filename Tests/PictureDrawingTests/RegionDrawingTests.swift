import Foundation
import Testing
import VQAVision
@testable import PictureDrawing

/// Boxes drawn over pictures.
@Suite struct RegionDrawingTests {
    private static let grey: UInt8 = 90

    private func picture(_ width: Int, _ height: Int) throws -> Picture {
        try Picture(
            width: width, height: height, pixels: [UInt8](repeating: Self.grey, count: width * height * 3))
    }

    private func box(_ corners: Float..., label: String = "red car 0.93") -> RegionDrawing.Box {
        RegionDrawing.Box(corners: corners, label: label)
    }

    /// Many boxes, of which most lie over one another.
    private func crowd(_ count: Int, _ width: Int, _ height: Int) -> [RegionDrawing.Box] {
        (0..<count).map { number in
            let (x, y) = (Float(number * 37 % max(1, width)), Float(number * 53 % max(1, height)))
            return RegionDrawing.Box(
                corners: [x, y, x + Float(width) / 3, y + Float(height) / 3], label: "thing \(number) 0.5")
        }
    }

    private func png(_ boxes: [RegionDrawing.Box], _ width: Int, _ height: Int) throws -> Picture {
        let drawing = try RegionDrawing(boxes, width: width, height: height)
        return try Picture(decoding: drawing.png(over: picture(width, height)), named: "drawing")
    }

    private func color(_ picture: Picture, _ x: Int, _ y: Int) -> [UInt8] {
        let place = 3 * (y * picture.width + x)
        return Array(picture.pixels[place..<place + 3])
    }

    @Test("frames have the picture beside them and their colour on them, and the surest is on top")
    func frames() throws {
        let boxes = [box(100, 200, 400, 500), box(100, 200, 400, 500), box(50, 100, 700, 550)]
        let drawn = try png(boxes, 800, 600)
        #expect((drawn.width, drawn.height) == (800, 600))
        #expect(color(drawn, 100, 400) == [230, 25, 75])
        #expect(color(drawn, 250, 500) == [230, 25, 75])
        #expect(color(drawn, 50, 400) == [67, 99, 216])
        let untouched = [UInt8](repeating: Self.grey, count: 3)
        #expect(color(drawn, 250, 400) == untouched && color(drawn, 790, 590) == untouched)
    }

    @Test("a small picture is drawn larger by a whole number, a large one as it is")
    func scale() throws {
        for (width, height, scale) in [
            (160, 120, 4), (1, 1, 8), (17, 300, 2), (511, 20, 2), (512, 512, 1), (2000, 9, 1),
        ] {
            let drawn = try png(crowd(3, width, height), width, height)
            #expect((drawn.width, drawn.height) == (width * scale, height * scale))
        }
    }

    @Test("labels stay within the picture, whatever its size and wherever the boxes lie")
    func within() throws {
        let strange = [
            box(-50, -20, 30, 40), box(.nan, .infinity, -.infinity, 7), box(790, 590, 4000, 4000),
            box(300, 300, 200, 200), box(0, 0, 800, 600, label: String(repeating: "long name ", count: 50)),
            box(0, 0, 9, 9, label: ""), box(1, 2, 3),
        ]
        for (width, height) in [(800, 600), (17, 17), (1, 1), (3000, 20), (20, 3000)] {
            let layout = try RegionDrawing(strange + crowd(9, width, height), width: width, height: height)
                .layout
            #expect(layout.items.count == 15)
            for item in layout.items {
                guard let label = item.label else { continue }
                #expect(label.x >= 0 && label.y >= 0)
                #expect(label.x + label.width <= Double(layout.width) + 1e-9)
                #expect(label.y + label.height <= Double(layout.height) + 1e-9)
            }
            _ = try png(strange, width, height)
        }
        let cut = try RegionDrawing(strange, width: 800, height: 600).layout.items[4]
        #expect(cut.text.hasPrefix("long name") && cut.text.hasSuffix("…"))
    }

    @Test("labels lie on no other as long as there is room, and only the surest are drawn")
    func crowded() throws {
        let layout = try RegionDrawing(crowd(100, 1000, 800), width: 1000, height: 800).layout
        #expect(layout.items.count == RegionDrawing.usualCount)
        #expect(layout.items.map(\.text) == (0..<20).map { "thing \($0) 0.5" })
        let labels = layout.items.compactMap(\.label)
        #expect(labels.count == 20)
        for (index, label) in labels.enumerated() {
            #expect(!labels.dropFirst(index + 1).contains { $0.intersects(label) })
        }
        let all = try RegionDrawing(crowd(100, 1000, 800), width: 1000, height: 800, mostBoxes: 100)
        #expect(all.layout.items.count == 100)
    }

    @Test("letters are black on light colours and white on dark ones")
    func contrast() {
        for index in 0..<10 {
            let color = DrawingColor.of(index)
            func linear(_ value: Int) -> Double { pow(Double(value) / 255, 2.2) }
            let luminance =
                0.2126 * linear(color.red) + 0.7152 * linear(color.green) + 0.0722 * linear(color.blue)
            let contrast = color.takesBlack ? (luminance + 0.05) / 0.05 : 1.05 / (luminance + 0.05)
            #expect(contrast > 3, "\(color)")
        }
    }

    @Test("an SVG has the picture's file, and each name as text that no file can end")
    func svg() throws {
        let file = try RegionDrawing([], width: 30, height: 20).png(over: picture(30, 20))
        let drawing = try RegionDrawing(
            [box(1, 2, 20, 15, label: "a </text> & b"), box(3, 3, 9, 9)], width: 30, height: 20)
        let svg = drawing.svg(over: try #require(EmbeddedPicture(file)))
        #expect(svg.contains("href=\"data:image/png;base64," + file.base64EncodedString()))
        #expect(svg.contains(">a &lt;/text> &amp; b</text>") && svg.contains(">red car 0.93</text>"))
        #expect(svg.components(separatedBy: "<text ").count == 3)
        #expect(EmbeddedPicture(Data("II*\0".utf8)) == nil)
    }

    @Test("a picture of another size, and one with too long a side, is refused")
    func refused() throws {
        let drawing = try RegionDrawing([], width: 800, height: 600)
        #expect(throws: DrawingError.self) { try drawing.png(over: picture(600, 800)) }
        let long = try RegionDrawing([], width: 40_000, height: 1)
        let error = #expect(throws: DrawingError.self) { try long.png(over: picture(40_000, 1)) }
        #expect(error?.description.contains("at most 32767 pixels a side") == true)
    }
}
