import Foundation
import VQAVision

/// A picture's file as it is put into an SVG.
public struct EmbeddedPicture {
    fileprivate let bytes: Data
    fileprivate let mediaType: String

    /// - Parameter file: The bytes of the picture's file.
    /// Nil where the picture is in a format that browsers do not show.
    public init?(_ file: Data) {
        switch PictureFormat(contentsStartingWith: file) {
        case .png: mediaType = "image/png"
        case .jpeg: mediaType = "image/jpeg"
        case .webP: mediaType = "image/webp"
        case .gif: mediaType = "image/gif"
        case .bmp: mediaType = "image/bmp"
        case .tiff, nil: return nil
        }
        bytes = file
    }

    /// As an address.
    package var dataURL: String { "data:\(mediaType);base64,\(bytes.base64EncodedString())" }
}

extension RegionDrawing {
    /// The drawing as an SVG, with the picture's file in it as it is.
    public func svg(over picture: EmbeddedPicture) -> String {
        let (width, height) = (layout.width, layout.height)
        let head = [
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(width)\" height=\"\(height)\" "
                + "viewBox=\"0 0 \(width) \(height)\" font-family=\"'\(DrawingFont.family)', sans-serif\" "
                + "font-weight=\"bold\" font-size=\"\(number(layout.fontSize))\">",
            "<image width=\"\(width)\" height=\"\(height)\" href=\"\(picture.dataURL)\"/>",
        ]
        let items = layout.items.reversed()
        let lines = head + items.map(frame) + items.compactMap(label) + ["</svg>", ""]
        return lines.joined(separator: "\n")
    }

    private func frame(of item: DrawingLayout.Item) -> String {
        let place = attributes(item.frame) + " fill=\"none\""
        return
            "<rect \(place) stroke=\"white\" stroke-opacity=\"0.7\" stroke-width=\"\(number(layout.lineWidth * 1.8))\"/>"
            + "<rect \(place) stroke=\"\(item.color.text)\" stroke-width=\"\(number(layout.lineWidth))\"/>"
    }

    private func label(of item: DrawingLayout.Item) -> String? {
        item.label.map { label in
            // Whichever font the browser has, the text is as wide as it was measured.
            "<rect \(attributes(label)) fill=\"\(item.color.text)\"/>"
                + "<text x=\"\(number(label.x + layout.padding))\" y=\"\(number(label.y + layout.baseline))\" "
                + "textLength=\"\(number(label.width - 2 * layout.padding))\" lengthAdjust=\"spacingAndGlyphs\" "
                + "fill=\"\(item.color.takesBlack ? "black" : "white")\">\(escaped(item.text))</text>"
        }
    }

    private func attributes(_ place: DrawingLayout.Rectangle) -> String {
        "x=\"\(number(place.x))\" y=\"\(number(place.y))\" width=\"\(number(place.width))\" "
            + "height=\"\(number(place.height))\""
    }

    private func number(_ value: Double) -> String { String(format: "%.1f", value) }

    private func escaped(_ text: String) -> String {
        text.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
    }
}
