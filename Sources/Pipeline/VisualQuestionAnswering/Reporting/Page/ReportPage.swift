import FileSystem
import Foundation
import VQASettings
import VQATraining

/// A report as one page of HTML that needs nothing else: no script, no picture or font from elsewhere.
public struct ReportPage {
    private let runs: [RunReport]
    private let comparisons: [Comparison]
    private var first: RunReport { runs[0] }

    /// - Parameters:
    ///   - report: The run that the page is about.
    ///   - others: Others, beside it.
    ///   - comparisons: Its answers with those of the others, in the same order; empty where they were not asked.
    public init(_ report: RunReport, beside others: [RunReport] = [], _ comparisons: [Comparison] = []) {
        runs = [report] + others
        self.comparisons = comparisons
    }

    /// The page.
    ///
    /// - Throws: Foundation's error where a picture that belongs on it cannot be read.
    public func html() throws -> String {
        let sections = [
            accuracy, comparison, curves, calibration, confusions, try mistakes(), settings, cost,
        ].filter { !$0.isEmpty }
        let title = runs.map(\.name).joined(separator: " and ")
        return """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>\(HTMLText.escaped(title)): report</title>
            <style>
            \(ReportStyle.text)
            </style>
            </head>
            <body>
            <header>
            <h1>\(HTMLText.escaped(title))</h1>
            <p class="quiet">\(HTMLText.escaped("\(first.model), \(first.parameters) parameters, \(first.words) words, \(first.answers) answers; ")) \
            <code>\(HTMLText.escaped(first.checkpoint))</code></p>
            \(tiles)
            </header>
            <main>
            \(sections.joined(separator: "\n"))
            </main>
            <footer><p>Written by rwsan report. The page holds all that it shows.</p></footer>
            </body>
            </html>

            """
    }

    private var tiles: String {
        var tiles: [(String, String)] = []
        if let evaluation = first.evaluation {
            tiles.append(
                (
                    HTMLText.decimal(evaluation.accuracy, 2) + " %",
                    "accuracy on \(evaluation.questions) questions of \(evaluation.split)"
                ))
            tiles.append(
                (
                    HTMLText.decimal(100 * evaluation.calibration.expectedError, 2) + " %",
                    "expected calibration error"
                ))
        } else if let last = first.epochs.last(where: { $0.overall != nil }) {
            tiles.append(
                (HTMLText.decimal(last.overall ?? 0, 2) + " %", "accuracy after epoch \(last.epoch)"))
        }
        if let cost = first.cost {
            tiles.append((HTMLText.duration(cost.seconds), "of training in \(first.epochs.count) epochs"))
            tiles.append((HTMLText.decimal(cost.questionsPerSecond, 0), "questions learned a second"))
        }
        let items = tiles.map {
            "<li><b>\(HTMLText.escaped($0))</b><span>\(HTMLText.escaped($1))</span></li>"
        }
        return tiles.isEmpty ? "" : "<ul class=\"tiles\">\(items.joined())</ul>"
    }

    // MARK: - Accuracy

    private var accuracy: String {
        guard let evaluation = first.evaluation else {
            return HTMLText.section(
                "accuracy", "Accuracy",
                [
                    HTMLText.paragraph(
                        "The model was not asked: with <code>--data</code>, the report has accuracies by type, calibration, "
                            + "confusions and mistakes.")
                ])
        }
        let left = evaluation.leftOut > 0 ? " \(evaluation.leftOut) questions were left out." : ""
        return HTMLText.section(
            "accuracy", "Accuracy",
            [
                HTMLText.paragraph(
                    "On \(evaluation.questions) questions of \(HTMLText.escaped(evaluation.split)), by the metric "
                        + "<code>\(HTMLText.escaped(evaluation.metric))</code>.\(left)"),
                typeTable("By answer type", \.answerTypes),
                HTMLText.details("By question type", typeTable("By question type", \.questionTypes)),
            ])
    }

    private func typeTable(_ caption: String, _ types: (EvaluationReport) -> [EvaluationReport.OfType])
        -> String
    {
        let evaluations = runs.compactMap(\.evaluation)
        let columns = evaluations.map { evaluation in
            Dictionary(
                types(evaluation).map { ($0.name, $0.accuracy) }, uniquingKeysWith: { first, _ in first })
        }
        func cells(_ values: [Double?]) -> [HTMLText.Cell] {
            values.map { value in
                value.map { .bar($0 / 100, HTMLText.decimal($0, 2) + " %") } ?? .number("–")
            }
        }
        let all: [HTMLText.Cell] = [.text("all"), .number("\(evaluations[0].questions)")]
        let rows = types(evaluations[0]).map { type in
            [.text(type.name), .number(type.questions.map(String.init) ?? "–")]
                + cells(columns.map { $0[type.name] })
        }
        return HTMLText.table(
            caption, ["", "questions"] + runs.map(\.name), [all + cells(evaluations.map(\.accuracy))] + rows)
    }

    private var comparison: String {
        guard !comparisons.isEmpty else { return "" }
        return HTMLText.section(
            "comparison", "Is the difference real?", comparisons.map { ComparisonTables($0).html })
    }

    // MARK: - Curves

    private var curves: String {
        let charts = [
            chart("Loss", "") { $0.loss }, chart("Accuracy on val", "%") { $0.overall },
            chart("Learning rate", "") { $0.lr }, chart("Norm of the gradients", "") { $0.gradientNorm },
        ].filter { !$0.isEmpty }
        guard !charts.isEmpty else { return "" }
        let rows = runs.flatMap { run in
            run.epochs.map { epoch -> [HTMLText.Cell] in
                [
                    .text(runs.count > 1 ? "\(run.name): \(epoch.epoch)" : "\(epoch.epoch)"),
                    .number(HTMLText.decimal(epoch.loss, 4)),
                    .number(epoch.overall.map { HTMLText.decimal($0, 2) + " %" } ?? "–"),
                    .number(HTMLText.short(epoch.lr)), .number(HTMLText.duration(epoch.seconds)),
                ]
            }
        }
        return HTMLText.section(
            "curves", "Curves",
            [
                "<div class=\"charts\">\(charts.joined(separator: "\n"))</div>",
                HTMLText.details(
                    "The numbers",
                    HTMLText.table("By epoch", ["epoch", "loss", "accuracy", "rate", "time"], rows)),
            ])
    }

    private func chart(_ title: String, _ unit: String, _ value: (EpochRecord) -> Double?) -> String {
        LineChart(
            title: title, unit: unit,
            curves: runs.map { run in
                LineChart.Curve(
                    name: run.name,
                    points: run.epochs.compactMap { epoch in value(epoch).map { (Double(epoch.epoch), $0) } })
            }
        ).html
    }

    // MARK: - What the model knows

    private var calibration: String {
        let evaluated = runs.compactMap { run in run.evaluation.map { (run.name, $0.calibration) } }
        guard !evaluated.isEmpty else { return "" }
        let rows = evaluated[0].1.bins.filter { $0.questions > 0 }.map { bin -> [HTMLText.Cell] in
            [
                .text("\(HTMLText.decimal(bin.from, 2)) to \(HTMLText.decimal(bin.to, 2))"),
                .number("\(bin.questions)"), .number(HTMLText.decimal(bin.confidence, 3)),
                .number(HTMLText.decimal(bin.accuracy, 3)),
            ]
        }
        return HTMLText.section(
            "calibration", "Calibration",
            [
                HTMLText.paragraph(
                    "How often answers of a score are right. On the dashed line a score is what it says; a bar below it means "
                        + "that the model is too sure. Pale bars are of few questions."),
                "<div class=\"charts\">"
                    + evaluated.map { ReliabilityChart(name: $0, calibration: $1).html }.joined() + "</div>",
                HTMLText.details(
                    "The numbers",
                    HTMLText.table(
                        "By score, \(evaluated[0].0)", ["score", "questions", "mean score", "accuracy"], rows)
                ),
            ])
    }

    private var confusions: String {
        guard let evaluation = first.evaluation, !evaluation.confusions.isEmpty else { return "" }
        let most = Double(evaluation.confusions.map(\.questions).max() ?? 1)
        let rows = evaluation.confusions.map { count -> [HTMLText.Cell] in
            [
                .text(count.confusion.people), .text(count.confusion.model),
                .bar(Double(count.questions) / most, "\(count.questions)"),
            ]
        }
        return HTMLText.section(
            "confusions", "Most frequent confusions",
            [
                HTMLText.paragraph(
                    "\(evaluation.wrong) answers are such as nobody gave. These come most often:"),
                HTMLText.table("Confusions", ["people say", "the model says", "questions"], rows),
            ])
    }

    private func mistakes() throws -> String {
        guard let evaluation = first.evaluation, !evaluation.sureAndWrong.isEmpty else { return "" }
        let cards = try evaluation.sureAndWrong.map { try MistakeCard(mistake: $0).html() }
        let method = evaluation.sureAndWrong[0].explanation.method
        let tint =
            method == .attention
            ? "what the model looked at, by its own weights, which are not the reason of its answer"
            : "how much the answer's logit falls without a region or word"
        return HTMLText.section(
            "mistakes", "Sure and wrong",
            [
                HTMLText.paragraph(
                    "Answers that nobody gave, of which the model is most sure, one an image. Tinted is \(tint)."
                ),
                "<div class=\"mistakes\">\(cards.joined(separator: "\n"))</div>",
            ])
    }

    // MARK: - The run

    private var settings: String {
        let keys = Set(runs.flatMap(\.settings.keys)).sorted()
        let rows = keys.map { key in runs.map { $0.settings[key]?.description ?? "–" } }
        let marked = Set(rows.indices.filter { Set(rows[$0]).count > 1 })
        let table = HTMLText.table(
            runs.count > 1 ? "Settings; those that differ are marked" : "Settings",
            ["setting"] + runs.map(\.name),
            zip(keys, rows).map { key, values in
                [.html("<code>\(HTMLText.escaped(key))</code>")] + values.map { .text($0) }
            },
            marked: runs.count > 1 ? marked : [])
        return HTMLText.section("settings", "Settings", [table])
    }

    private var cost: String {
        let lines: [(String, (RunReport) -> String?)] = [
            ("training, without evaluation", { $0.cost.map { HTMLText.duration($0.seconds) } }),
            ("steps", { $0.cost?.steps.map(String.init) }),
            ("questions learned a second", { $0.cost.map { HTMLText.decimal($0.questionsPerSecond, 1) } }),
            (
                "share of time spent waiting for data",
                { $0.cost?.waitingShare.map { HTMLText.decimal(100 * $0, 2) + " %" } }
            ),
            (
                "questions answered a second",
                { $0.evaluation.map { HTMLText.decimal($0.questionsPerSecond, 1) } }
            ),
            ("parameters", { "\($0.parameters)" }),
            ("checkpoint", { $0.cost.map { HTMLText.decimal(Double($0.checkpointBytes) / 1e6, 1) + " MB" } }),
        ]
        let rows = lines.compactMap { name, value -> [HTMLText.Cell]? in
            let values = runs.map(value)
            guard values.contains(where: { $0 != nil }) else { return nil }
            return [.text(name)] + values.map { .number($0 ?? "–") }
        }
        return HTMLText.section(
            "cost", "Speed and cost", [HTMLText.table("Speed and cost", [""] + runs.map(\.name), rows)])
    }
}
