import ArgumentParser
import Foundation
import VQADatasets
import VisualQuestionAnswering

struct CompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Compare two files of answers: is the difference between them real?",
        usage: DatasetOptions.usage("compare", "<first> <second> [<options>]"),
        discussion: """
            The files are such as predict and evaluate write (--output) and train leaves in results/cache: answers to the val \
            questions of the dataset. Printed are the accuracies of both, by answer type too, with the interval of 95 % in \
            which the difference lies, by a paired bootstrap over the questions, and the questions that differ most.
            """)

    @Argument(help: ArgumentHelp("A file of answers.", valueName: "first")) var first: String
    @Argument(help: ArgumentHelp("Another file of answers.", valueName: "second")) var second: String
    @OptionGroup var dataset: DatasetOptions
    @OptionGroup var choice: DatasetChoice
    @OptionGroup var metric: MetricOption
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        try dataset.requirePlace()
        let comparison = try Comparison(
            URL(fileURLWithPath: first), URL(fileURLWithPath: second),
            of: choice.type().init(at: dataset.place), metric: metric.version)
        guard !json else { return try Console.result(json: comparison) }
        try ComparisonOutput(comparison).show()
    }
}

/// A comparison in lines.
struct ComparisonOutput {
    let comparison: Comparison

    init(_ comparison: Comparison) { self.comparison = comparison }

    func show() throws {
        try Console.result("first: \(comparison.first)")
        try Console.result("second: \(comparison.second)")
        try Console.result(
            "\(comparison.questions) questions (metric: \(comparison.metric)), of which \(comparison.sameAnswers) have the same "
                + "answer in both")
        try Console.result("  first  second  difference  95 % interval      p")
        for pair in [comparison.overall] + comparison.answerTypes { try show(pair) }
        if let bootstrap = comparison.overall.bootstrap { try Console.result(Self.verdict(bootstrap)) }
        try show("second", comparison.secondBetter, comparison.secondBetterCount)
        try show("first", comparison.firstBetter, comparison.firstBetterCount)
    }

    private func show(_ pair: Comparison.Pair) throws {
        let figures = [padded(decimal(pair.first, 2), 7), padded(decimal(pair.second, 2), 8)]
        let interval = pair.bootstrap.map { bootstrap in
            padded(String(format: "%+.2f", bootstrap.difference), 12)
                + padded(String(format: "%+.2f to %+.2f", bootstrap.low, bootstrap.high), 19)
                + padded(bootstrap.pValue < 0.001 ? "<0.001" : decimal(bootstrap.pValue, 3), 8)
        }
        try Console.result(figures.joined() + (interval ?? "") + "  " + pair.name)
    }

    /// What the figures mean, in a line.
    static func verdict(_ bootstrap: PairedBootstrap) -> String {
        guard bootstrap.isReal else {
            return "chance explains the difference: the interval of 95 % holds 0"
        }
        return "the difference is real: the \(bootstrap.difference > 0 ? "second" : "first") is better"
    }

    private func show(_ name: String, _ questions: [Comparison.Question], _ count: Int) throws {
        guard !questions.isEmpty else { return }
        try Console.result(
            "\(count) questions that the \(name) answers better"
                + (count > questions.count ? ", the first \(questions.count):" : ":"))
        for question in questions {
            try Console.result(
                "  \(question.id)  \(question.text)  people: \(question.people ?? "?")  first: \(question.first) "
                    + "(\(decimal(question.firstAccuracy, 0)) %)  second: \(question.second) "
                    + "(\(decimal(question.secondAccuracy, 0)) %)")
        }
    }

    private func padded(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }
}
