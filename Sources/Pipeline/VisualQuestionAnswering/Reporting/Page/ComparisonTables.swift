/// Two sets of answers side by side, as HTML.
struct ComparisonTables {
    private let comparison: Comparison

    init(_ comparison: Comparison) { self.comparison = comparison }

    var html: String {
        let title = "<h3>\(HTMLText.escaped("\(comparison.second) against \(comparison.first)"))</h3>"
        return [title, HTMLText.paragraph(verdict), types, questions].joined(separator: "\n")
    }

    /// What the bootstrap says, in a sentence.
    private var verdict: String {
        guard let bootstrap = comparison.overall.bootstrap else { return "" }
        let interval =
            "\(HTMLText.signed(bootstrap.low, 2)) to \(HTMLText.signed(bootstrap.high, 2)) points, "
            + HTMLText.probability(bootstrap.pValue)
        let (first, second) = (HTMLText.escaped(comparison.first), HTMLText.escaped(comparison.second))
        let better = bootstrap.difference > 0 ? (second, first) : (first, second)
        let difference = HTMLText.decimal(abs(bootstrap.difference), 2)
        let text =
            bootstrap.isReal
            ? "<span class=\"real\">The difference is real: \(better.0) is \(difference) points better than \(better.1).</span>"
            : "<span class=\"real\">Chance explains the difference</span> of \(HTMLText.signed(bootstrap.difference, 2)) points."
        return "\(text) 95 % interval: \(interval), from \(bootstrap.resamples) paired bootstrap samples of "
            + "\(comparison.questions) questions. To \(comparison.sameAnswers) of them both give the same answer."
    }

    private var types: String {
        let rows = ([comparison.overall] + comparison.answerTypes).map { pair -> [HTMLText.Cell] in
            let difference = pair.second - pair.first
            let bootstrap = pair.bootstrap
            return [
                .text(pair.name), .number(HTMLText.decimal(pair.first, 2) + " %"),
                .number(HTMLText.decimal(pair.second, 2) + " %"), .html(signed(difference, bootstrap)),
                .number(
                    bootstrap.map { "\(HTMLText.signed($0.low, 2)) to \(HTMLText.signed($0.high, 2))" } ?? "–"
                ),
                .number(bootstrap.map { HTMLText.decimal($0.pValue, 4) } ?? "–"),
            ]
        }
        let head = ["", comparison.first, comparison.second, "difference", "95 % interval", "p"]
        let more = comparison.questionTypes.prefix(15).map { pair -> [HTMLText.Cell] in
            [
                .text(pair.name), .number(HTMLText.decimal(pair.first, 2) + " %"),
                .number(HTMLText.decimal(pair.second, 2) + " %"),
                .number(HTMLText.signed(pair.second - pair.first, 2)),
            ]
        }
        return HTMLText.table("By answer type", head, rows)
            + (more.isEmpty
                ? ""
                : HTMLText.details(
                    "Question types that differ most",
                    HTMLText.table("By question type", Array(head.prefix(4)), more)))
    }

    private func signed(_ difference: Double, _ bootstrap: PairedBootstrap?) -> String {
        let kind = bootstrap?.isReal == true ? (difference > 0 ? "better" : "worse") : "quiet"
        return "<span class=\"\(kind)\">\(HTMLText.signed(difference, 2))</span>"
    }

    private var questions: String {
        let parts = [
            (comparison.second, comparison.secondBetter, comparison.secondBetterCount),
            (comparison.first, comparison.firstBetter, comparison.firstBetterCount),
        ]
        return parts.filter { !$0.1.isEmpty }.map { name, questions, count in
            let rows = questions.map { question -> [HTMLText.Cell] in
                [
                    .text(question.text), .text(question.people ?? "–"),
                    .text("\(question.first) (\(HTMLText.decimal(question.firstAccuracy, 0)) %)"),
                    .text("\(question.second) (\(HTMLText.decimal(question.secondAccuracy, 0)) %)"),
                ]
            }
            let title = "\(count) questions that \(name) answers better"
            return HTMLText.details(
                title,
                HTMLText.table(
                    count > questions.count ? title + ", the first \(questions.count)" : title,
                    ["question", "people", comparison.first, comparison.second], rows))
        }.joined(separator: "\n")
    }
}
