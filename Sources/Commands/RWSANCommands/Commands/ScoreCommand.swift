import ArgumentParser
import Foundation
import VQADatasets

struct ScoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "score", abstract: "Print the official accuracy of answers in a file.")

    @Option(help: ArgumentHelp("The question file.", valueName: "file")) var questions: String
    @Option(help: ArgumentHelp("The annotation file of these questions.", valueName: "file"))
    var annotations: String
    @Option(
        help: ArgumentHelp(
            "The file of answers, as predict writes it: [{\"answer\", \"question_id\"}].", valueName: "file"))
    var results: String
    @OptionGroup var metric: MetricOption
    @Flag(help: "Print JSON, with the accuracy of every question.") var json = false

    func run() throws {
        let report = try AccuracyReport(
            questions: URL(fileURLWithPath: questions), annotations: URL(fileURLWithPath: annotations),
            results: URL(fileURLWithPath: results), version: metric.version)
        guard json else { return try AccuracyOutput(report).show(asJSON: false) }
        try Console.result(json: OfficialForm(report))
    }

    /// What the official metric keeps: `accuracy`, and `evalQA` by question.
    private struct OfficialForm: Encodable {
        let accuracy: AccuracyOutput
        let evalQA: [String: Double]

        init(_ report: AccuracyReport) {
            accuracy = AccuracyOutput(report)
            evalQA = Dictionary(
                zip(report.questionIDs.map(\.description), report.perQuestion), uniquingKeysWith: { $1 })
        }
    }
}
