import Foundation
import VQAVision

/// What a detector saw, drawn over the picture: an SVG with the picture in it, which every browser shows.
public struct RegionDrawing {
    /// A box with words at its upper left corner.
    public struct Box: Sendable {
        /// x1, y1, x2, y2 in pixels of the picture.
        public let corners: [Float]
        /// What stands at the box.
        public let label: String

        /// - Parameters:
        ///   - corners: x1, y1, x2, y2 in pixels of the picture.
        ///   - label: What stands at the box.
        public init(corners: [Float], label: String) {
            self.corners = corners
            self.label = label
        }
    }

    private let width: Int
    private let height: Int
    private let picture: Data
    private let mediaType: String

    /// - Parameters:
    ///   - picture: The bytes of the picture's file.
    ///   - width: Of the picture as people see it, in pixels.
    ///   - height: Likewise.
    /// Nil where the picture is in a format that browsers do not show.
    public init?(of picture: Data, width: Int, height: Int) {
        switch PictureFormat(contentsStartingWith: picture) {
        case .png: mediaType = "image/png"
        case .jpeg: mediaType = "image/jpeg"
        case .webP: mediaType = "image/webp"
        case .gif: mediaType = "image/gif"
        case .bmp: mediaType = "image/bmp"
        case .tiff, nil: return nil
        }
        self.picture = picture
        self.width = width
        self.height = height
    }

    private static let colors = [
        "#e6194b", "#3cb44b", "#4363d8", "#f58231", "#911eb4", "#008080", "#9a6324", "#808000",
    ]

    /// The file: the lesser boxes first, so that the best lie on top.
    ///
    /// - Parameter boxes: The best first.
    public func svg(_ boxes: [Box]) -> String {
        let fontSize = max(9, min(width, height) / 40)
        var lines = [
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(width)\" height=\"\(height)\" "
                + "viewBox=\"0 0 \(width) \(height)\" font-family=\"sans-serif\" font-size=\"\(fontSize)\">",
            "<image width=\"\(width)\" height=\"\(height)\" href=\"data:\(mediaType);base64,"
                + picture.base64EncodedString() + "\"/>",
        ]
        for (index, box) in boxes.enumerated().reversed() where box.corners.count == 4 {
            lines.append(Self.drawn(box, in: Self.colors[index % Self.colors.count], fontSize: fontSize))
        }
        return (lines + ["</svg>", ""]).joined(separator: "\n")
    }

    private static func drawn(_ box: Box, in color: String, fontSize: Int) -> String {
        func number(_ value: Float) -> String { String(format: "%.1f", value) }
        let (x, y) = (box.corners[0], box.corners[1])
        let frame =
            "<rect x=\"\(number(x))\" y=\"\(number(y))\" width=\"\(number(box.corners[2] - x))\" "
            + "height=\"\(number(box.corners[3] - y))\" fill=\"none\" stroke=\"\(color)\" stroke-width=\"2\"/>"
        // Above the box where there is room, with a white edge that any picture leaves to be read.
        let baseline = y > Float(fontSize) ? y - 3 : y + Float(fontSize)
        return frame
            + "<text x=\"\(number(x + 2))\" y=\"\(number(baseline))\" fill=\"\(color)\" stroke=\"white\" "
            + "stroke-width=\"3\" paint-order=\"stroke\">\(escaped(box.label))</text>"
    }

    private static func escaped(_ text: String) -> String {
        text.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
    }
}
