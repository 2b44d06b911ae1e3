import Foundation
import VQAVision

/// A picture's file as it is put into an SVG or a page.
public struct EmbeddedPicture {
    private let bytes: Data
    private let mediaType: String

    /// As an address.
    package var dataURL: String { "data:\(mediaType);base64," + bytes.base64EncodedString() }

    /// Reads a picture's file.
    ///
    /// - Throws: `PictureError` where it cannot be read, or is too long for a picture.
    /// Nil where the picture is in a format that browsers do not show.
    public init?(contentsOf file: URL) throws { self.init(try PictureFile.read(file)) }

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
}

/// Parts of a drawing as elements of an SVG, whose texts can be selected and searched for.
struct SVGDrawing {
    private let picture: EmbeddedPicture?
    /// Where the picture came first: it is put in once, whatever its size.
    private var pictureID: String?

    /// - Parameter picture: The picture's file, which is put in as it is; nil for none.
    init(_ picture: EmbeddedPicture?) { self.picture = picture }

    /// An SVG element.
    ///
    /// - Parameter attributes: What it has beside its size.
    mutating func element(_ parts: [DrawingPart], width: Double, height: Double, attributes: String = "")
        -> String
    {
        let (width, height) = (Self.number(width), Self.number(height))
        let head =
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(width)\" height=\"\(height)\" "
            + "viewBox=\"0 0 \(width) \(height)\" font-family=\"'\(DrawingFont.family)', sans-serif\"\(attributes)>"
        return ([head] + parts.map { element($0) } + ["</svg>", ""]).joined(separator: "\n")
    }

    private mutating func element(_ part: DrawingPart) -> String {
        switch part {
        case .picture(let place): return image(place)
        case .fill(let place, let color, let opacity, let note):
            let rect = "<rect \(Self.attributes(place)) fill=\"\(color.text)\""
            let opacity = opacity < 1 ? " fill-opacity=\"\(String(format: "%.4f", opacity))\"" : ""
            return rect + opacity + (note.map { "><title>\(escapedMarkup($0))</title></rect>" } ?? "/>")
        case .frame(let place, let color, let lineWidth):
            let rect = "<rect \(Self.attributes(place)) fill=\"none\" pointer-events=\"none\""
            let edge = Self.number(lineWidth * DrawingPart.edgeWidth)
            return
                "\(rect) stroke=\"white\" stroke-opacity=\"\(DrawingPart.edgeOpacity)\" stroke-width=\"\(edge)\"/>"
                + "\(rect) stroke=\"\(color.text)\" stroke-width=\"\(Self.number(lineWidth))\"/>"
        case .text(let line):
            // Whichever font the browser has, the text is as wide as it was measured.
            return "<text x=\"\(Self.number(line.x))\" y=\"\(Self.number(line.baseline))\" "
                + "font-size=\"\(Self.number(line.font.size))\"\(line.font.isBold ? " font-weight=\"bold\"" : "") "
                + "textLength=\"\(Self.number(line.width))\" lengthAdjust=\"spacingAndGlyphs\" "
                + "fill=\"\(line.color.text)\">\(escapedMarkup(line.text))</text>"
        }
    }

    private mutating func image(_ place: DrawingRectangle) -> String {
        guard let picture else {
            return "<rect \(Self.attributes(place)) fill=\"\(DrawingColor.ground.text)\"/>"
        }
        let size = "width=\"\(Self.number(place.width))\" height=\"\(Self.number(place.height))\""
        let corner = "x=\"\(Self.number(place.x))\" y=\"\(Self.number(place.y))\""
        if let pictureID { return "<use href=\"#\(pictureID)\" \(corner)/>" }
        pictureID = "picture"
        return
            "<defs><image id=\"picture\" \(size) href=\"\(picture.dataURL)\"/></defs><use href=\"#picture\" \(corner)/>"
    }

    private static func attributes(_ place: DrawingRectangle) -> String {
        "x=\"\(number(place.x))\" y=\"\(number(place.y))\" width=\"\(number(place.width))\" "
            + "height=\"\(number(place.height))\""
    }

    private static func number(_ value: Double) -> String { String(format: "%.1f", value) }
}

/// A text in which nothing is taken for markup, and of which nothing is forbidden in XML.
func escapedMarkup(_ text: String) -> String {
    var escaped = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
        switch scalar {
        case "&": escaped.append(contentsOf: "&amp;".unicodeScalars)
        case "<": escaped.append(contentsOf: "&lt;".unicodeScalars)
        case "\"": escaped.append(contentsOf: "&quot;".unicodeScalars)
        case "\t", "\n", "\r": escaped.append(" ")
        case "\0"..."\u{1F}", "\u{FFFE}", "\u{FFFF}": escaped.append("\u{FFFD}")
        default: escaped.append(scalar)
        }
    }
    return String(escaped)
}

extension DrawingColor {
    /// What is seen where there is no picture.
    static let ground = grey(238)
}
