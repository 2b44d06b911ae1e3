import FileSystem
import Foundation

/// Pieces of HTML, out of texts that can hold anything.
enum HTMLText {
    /// A text as HTML shows it.
    static func escaped(_ text: String) -> String {
        var result = ""
        for character in text.unicodeScalars {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            // Control characters, which HTML does not take; a browser would show nothing either.
            case "\u{0}"..."\u{8}", "\u{B}", "\u{C}", "\u{E}"..."\u{1F}", "\u{7F}": result += "\u{FFFD}"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }

    /// A number with a fixed count of decimals.
    static func decimal(_ value: Double, _ places: Int) -> String {
        value.isFinite ? String(format: "%.\(places)f", value) : "–"
    }

    /// A number with a sign before it.
    static func signed(_ value: Double, _ places: Int) -> String {
        value.isFinite ? String(format: "%+.\(places)f", value) : "–"
    }

    /// A number with as many digits as it needs, at most four.
    static func short(_ value: Double) -> String { String(format: "%.4g", value) }

    /// How a duration reads: `3 s`, `4 min 12 s`, `2 h 5 min`.
    static func duration(_ seconds: Double) -> String {
        guard seconds.isFinite, (0..<1e9).contains(seconds) else { return "–" }
        let whole = Int(clamping: seconds.rounded())
        switch whole {
        case ..<60: return "\(whole) s"
        case ..<3600: return "\(whole / 60) min \(whole % 60) s"
        default: return "\(whole / 3600) h \(whole % 3600 / 60) min"
        }
    }

    /// How likely chance is: `p = 0.013`, `p < 0.001`.
    static func probability(_ value: Double) -> String {
        value < 0.001 ? "p&nbsp;&lt;&nbsp;0.001" : "p&nbsp;=&nbsp;" + decimal(value, 3)
    }

    /// A cell of a table.
    enum Cell {
        case text(String)
        /// Of a column that is read down, to the right.
        case number(String)
        /// A share from 0 to 1, also as a bar, with its text.
        case bar(Double, String)
        case html(String)

        var html: String {
            switch self {
            case .text(let text): "<td>\(escaped(text))</td>"
            case .number(let text): "<td class=\"number\">\(escaped(text))</td>"
            case .bar(let share, let text):
                "<td class=\"number\"><span class=\"bar\"><i style=\"width:\(decimal(100 * min(1, max(0, share)), 1))%\"></i></span> "
                    + "\(escaped(text))</td>"
            case .html(let html): "<td>\(html)</td>"
            }
        }
    }

    /// A table, which scrolls on its own where it is too wide. The first cell of a row says what the row is.
    static func table(_ caption: String, _ head: [String], _ rows: [[Cell]], marked: Set<Int> = []) -> String
    {
        let titles = head.map { "<th scope=\"col\">\(escaped($0))</th>" }.joined()
        let body = rows.enumerated().map { index, cells in
            let first = cells.first.map {
                $0.html.replacingOccurrences(of: "<td", with: "<th scope=\"row\"")
                    .replacingOccurrences(of: "</td>", with: "</th>")
            }
            let rest = cells.dropFirst().map(\.html).joined()
            return "<tr\(marked.contains(index) ? " class=\"marked\"" : "")>\(first ?? "")\(rest)</tr>"
        }
        return """
            <div class="wide" tabindex="0" role="region" aria-label="\(escaped(caption))"><table>
            <caption>\(escaped(caption))</caption>
            <thead><tr>\(titles)</tr></thead>
            <tbody>
            \(body.joined(separator: "\n"))
            </tbody></table></div>
            """
    }

    /// Something that is opened when it is wanted.
    static func details(_ summary: String, _ html: String) -> String {
        "<details><summary>\(escaped(summary))</summary>\n\(html)\n</details>"
    }

    /// A part of the page.
    static func section(_ id: String, _ title: String, _ parts: [String]) -> String {
        """
        <section aria-labelledby="\(id)">
        <h2 id="\(id)">\(escaped(title))</h2>
        \(parts.filter { !$0.isEmpty }.joined(separator: "\n"))
        </section>
        """
    }

    /// A paragraph of HTML.
    static func paragraph(_ html: String) -> String { "<p>\(html)</p>" }
}
