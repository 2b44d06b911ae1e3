import FileSystem
import Foundation
import PictureDrawing

/// A question that the model is sure about and wrong: the picture with its regions tinted by weight, the words likewise,
/// and the answers.
struct MistakeCard {
    let mistake: Mistake

    /// Pictures of more bytes are left out: the page is to be sent and opened.
    private static let mostPictureBytes = 2 << 20

    /// - Throws: Foundation's error where the picture is there and cannot be read.
    func html() throws -> String {
        let scores = mistake.answers.map {
            "<li>\(HTMLText.decimal($0.score, 3)) \(HTMLText.escaped($0.text))</li>"
        }
        return """
            <article>
            \(try picture())
            <h3 class="words">\(words)</h3>
            <p>\(HTMLText.escaped("The model: \(mistake.answers[0].text) (\(HTMLText.decimal(mistake.answers[0].score, 3))).")) \
            People: \(HTMLText.escaped(mistake.people ?? "not known")).</p>
            \(HTMLText.details("All answers", "<ul class=\"answers\">\(scores.joined())</ul><p class=\"quiet\">Question \(HTMLText.escaped(mistake.id)), image \(HTMLText.escaped(mistake.image))</p>"))
            </article>
            """
    }

    private func picture() throws -> String {
        let file = try embedded()
        let (width, height) = (400.0, 400.0 * min(4, max(0.25, mistake.height)))
        let ground =
            file.map { "<image width=\"100%\" height=\"100%\" preserveAspectRatio=\"none\" href=\"\($0)\"/>" }
            ?? "<rect class=\"empty\" width=\"100%\" height=\"100%\"/>"
        let label = "The image of question \(mistake.id), tinted where the model looked: \(mistake.question)"
        return """
            <svg viewBox="0 0 400 \(HTMLText.decimal(height, 1))" role="img" aria-label="\(HTMLText.escaped(label))">\(ground)
            \(tints(width, height))</svg>
            """
    }

    /// The picture as part of the page, where it is at hand and not too large.
    private func embedded() throws -> String? {
        guard let path = mistake.picture else { return nil }
        let byteCount = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
        guard byteCount <= Self.mostPictureBytes else { return nil }
        return EmbeddedPicture(try Data(contentsOf: URL(fileURLWithPath: path)))?.dataURL
    }

    /// The regions, the more covered the more weight they have, with a frame around the first three.
    private func tints(_ width: Double, _ height: Double) -> String {
        let weights = mistake.explanation.regions
        guard let most = weights.max(), most > 0 else { return "" }
        let order = weights.indices.sorted { (-weights[$0], $0) < (-weights[$1], $1) }
        let rank = Dictionary(order.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        return zip(weights, mistake.boxes).enumerated().map { index, region in
            let (weight, box) = region
            guard weight > 0 else { return "" }
            let place =
                "x=\"\(HTMLText.decimal(box[0] * width, 1))\" y=\"\(HTMLText.decimal(box[1] * height, 1))\" "
                + "width=\"\(HTMLText.decimal((box[2] - box[0]) * width, 1))\" "
                + "height=\"\(HTMLText.decimal((box[3] - box[1]) * height, 1))\""
            let title = "<title>region \(index), weight \(HTMLText.decimal(weight, 3))</title>"
            let tint =
                "<rect class=\"tint\" \(place) fill-opacity=\"\(HTMLText.decimal(0.45 * weight / most, 3))\">\(title)</rect>"
            return (rank[index] ?? 3) < 3 ? tint + "<rect class=\"seen\" \(place) stroke-width=\"2\"/>" : tint
        }.joined()
    }

    /// The question, its words tinted by weight.
    private var words: String {
        let words = mistake.explanation.words
        guard let most = words.map(\.weight).max(), most > 0 else {
            return HTMLText.escaped(mistake.question)
        }
        return words.map { word in
            let share = HTMLText.decimal(45 * max(0, word.weight) / most, 0)
            return
                "<span style=\"background: color-mix(in srgb, #ff5a00 \(share)%, transparent)\" title=\"weight \(HTMLText.decimal(word.weight, 3))\">\(HTMLText.escaped(word.text))</span>"
        }.joined(separator: " ")
    }
}
