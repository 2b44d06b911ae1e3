import Foundation

extension ExplanationDrawing {
    /// The drawing as a page of HTML that needs no other file and no script, in light and in dark.
    ///
    /// - Parameters:
    ///   - picture: The picture's file, which is put in as it is, once; nil leaves its place empty.
    ///   - title: What it is about.
    /// - Throws: ``DrawingError`` where memory is short.
    public func html(over picture: EmbeddedPicture?, title: String) throws -> String {
        var svg = SVGDrawing(picture)
        let title = escapedMarkup(title.printable)
        var lines = [
            "<!DOCTYPE html>", "<html lang=\"en\">", "<head>", "<meta charset=\"utf-8\">",
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">",
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">",
            "<title>\(title)</title>", "<style>\(Self.style)</style>", "</head>", "<body>", "<main>",
            "<h1>\(title)</h1>",
        ]
        for question in questions { lines += try section(question, &svg) }
        return (lines + ["</main>", "</body>", "</html>", ""]).joined(separator: "\n")
    }

    private func section(_ question: Question, _ svg: inout SVGDrawing) throws -> [String] {
        let picture = try ExplanationPanel.picture(question, of: self)
        let label = escapedMarkup("The image with its regions tinted by weight")
        let image = svg.element(
            picture.parts, width: picture.width, height: picture.bottom,
            attributes: " role=\"img\" aria-label=\"\(label)\"")
        let weights = question.words.map(\.value)
        let words = question.words.map { word in
            let strength = Question.strength(word.value, among: weights)
            return
                "<span class=\"word\" style=\"background:\(background(question.color(word.value), strength))\" "
                + "title=\"\(question.written(word.value))\">\(escapedMarkup(word.text.printable))</span>"
        }
        let answers = question.answers.map { answer in
            let percent = String(format: "%.1f", min(max(answer.value, 0), 1) * 100)
            return
                "<li><span>\(escapedMarkup(answer.text.printable))</span><span class=\"bar\" aria-hidden=\"true\">"
                + "<span style=\"width:\(percent)%\"></span></span><span>\(String(format: "%.3f", answer.value))</span></li>"
        }
        return ["<section>", "<h2>", words.joined(separator: " "), "</h2>", "<ol class=\"answers\">"]
            + answers
            + [
                "</ol>", "<figure>", image + "<figcaption>\(escapedMarkup(question.note))</figcaption>",
                "</figure>",
            ]
            + table(question) + ["</section>"]
    }

    /// All numbers, for those who see no colours.
    private func table(_ question: Question) -> [String] {
        let words = question.words.map { (escapedMarkup($0.text.printable), $0.value) }
        let regionRows = zip(regions, question.regionWeights).enumerated().map { number, region in
            let place = region.0.corners.map { $0.isFinite ? String(format: "%.0f", $0) : "?" }
                .joined(separator: " ")
            return ("\(number + 1) \(escapedMarkup(region.0.name?.printable ?? "")) (\(place))", region.1)
        }
        func rows(_ rows: [(String, Double)]) -> [String] {
            rows.map { "<tr><td>\($0)</td><td>\(question.written($1))</td></tr>" }
        }
        return ["<details><summary>All weights</summary>", "<table><tr><th>Word</th><th>Weight</th></tr>"]
            + rows(words) + ["</table>", "<table><tr><th>Region (x1 y1 x2 y2)</th><th>Weight</th></tr>"]
            + rows(regionRows) + ["</table></details>"]
    }

    private func background(_ color: DrawingColor, _ strength: Double) -> String {
        "rgba(\(color.red),\(color.green),\(color.blue),\(String(format: "%.3f", 0.6 * strength)))"
    }

    private static let style = """
        :root{color-scheme:light dark;--ground:#fff;--ink:#1a1a1a;--faint:#595959;--track:#e4e4e4;--bar:#006e6e}
        @media(prefers-color-scheme:dark){:root{--ground:#16181b;--ink:#f2f2f2;--faint:#b0b0b0;--track:#34383d;--bar:#35b5b0}}
        body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,'DejaVu Sans',sans-serif}
        main{max-width:60rem;margin:0 auto;padding:1rem}
        h1{font-size:1rem;font-weight:normal;color:var(--faint);overflow-wrap:anywhere}
        section{margin:0 0 3rem}h2{font-size:1.4rem;line-height:1.8;overflow-wrap:anywhere}
        .word{padding:.1em .25em;border-radius:.2em}
        .answers{list-style:none;margin:1rem 0;padding:0}
        .answers li{display:grid;grid-template-columns:minmax(5rem,30%) 1fr 4rem;gap:.75rem;align-items:center}
        .answers li>:first-child{overflow-wrap:anywhere}.answers li>:last-child{text-align:right}
        .bar{background:var(--track);height:.9em;border-radius:.2em;overflow:hidden}
        .bar span{display:block;height:100%;background:var(--bar)}
        figure{margin:1rem 0}svg{max-width:100%;height:auto}figcaption,details{color:var(--faint)}
        table{border-collapse:collapse;margin:1rem 0}td,th{text-align:left;padding:.1rem 1.5rem .1rem 0}
        """
}
