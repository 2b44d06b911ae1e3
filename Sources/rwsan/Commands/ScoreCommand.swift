import ArgumentParser
import Foundation
import VQAData

struct ScoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "score", abstract: "The official accuracy of a result file.")

    @Option(help: "The question file.") var questions: String
    @Option(help: "The annotation file.") var annotations: String
    @Option(help: "The result file: [{\"answer\", \"question_id\"}].") var results: String
    @Flag(help: "Print JSON, with the accuracy of every question.") var json = false

    func run() throws {
        let questions = try QuestionTable(contentsOf: URL(fileURLWithPath: questions))
        let annotations = try AnnotationTable(contentsOf: URL(fileURLWithPath: annotations))
        _ = try annotations.questionRows(in: questions)
        let predictions = try ResultFile.read(URL(fileURLWithPath: results))
        let report = try AccuracyMetric(annotations).evaluate(predictions)
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
