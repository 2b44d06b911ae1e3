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
        let report = try report()
        guard json else { return try AccuracyOutput(report).show(asJSON: false) }
        try Console.result(json: OfficialForm(report))
    }

    private func report() throws -> AccuracyReport {
        let files = (
            questions: URL(fileURLWithPath: questions), annotations: URL(fileURLWithPath: annotations),
            results: URL(fileURLWithPath: results)
        )
        let questions = try QuestionTable(contentsOf: files.questions)
        let annotations = try AnnotationTable(contentsOf: files.annotations)
        do {
            _ = try annotations.questionRows(in: questions)
            return try AccuracyMetric(annotations).evaluate(ResultFile.read(files.results))
        } catch let error as MissingQuestionsError {
            throw DatasetFileError(file: files.questions, problem: "\(error)")
        } catch EvaluationError.noAnnotations {
            throw DatasetFileError(file: files.annotations, problem: "\(EvaluationError.noAnnotations)")
        } catch let error as EvaluationError {
            throw DatasetFileError(file: files.results, problem: "\(error)")
        }
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
