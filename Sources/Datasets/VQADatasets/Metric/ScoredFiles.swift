import Foundation
import TextFiles
import Workers

extension AccuracyReport {
    /// The official accuracy of a result file. The files are read beside one another.
    ///
    /// - Parameters:
    ///   - questions: The question file.
    ///   - annotations: The annotation file.
    ///   - results: The result file.
    ///   - version: Which metric.
    /// - Throws: `DatasetFileError` that names the file where one is missing or damaged, annotations have no
    ///   question, or the results do not answer each of them exactly once.
    public init(
        questions: URL, annotations: URL, results: URL, version: MetricVersion = .release
    ) throws {
        enum Content: Sendable {
            case questions(QuestionTable)
            case annotations(AnnotationTable, AccuracyMetric)
            case results([Prediction])
        }
        let contents = try ParallelWork.results(of: [
            ParallelWork(cost: 2) { Content.questions(try QuestionTable(contentsOf: questions)) },
            ParallelWork(cost: 3) {
                let table = try AnnotationTable(contentsOf: annotations)
                return Content.annotations(table, AccuracyMetric(table, version: version))
            },
            ParallelWork(cost: 1) { Content.results(try ResultFile.read(results)) },
        ])
        guard case .questions(let questionTable) = contents[0],
            case .annotations(let annotationTable, let metric) = contents[1],
            case .results(let predictions) = contents[2]
        else { preconditionFailure("results come in the order of the work") }
        do {
            _ = try annotationTable.questionRows(in: questionTable)
            self = try metric.evaluate(predictions)
        } catch let error as MissingQuestionsError {
            throw DatasetFileError(file: questions, problem: "\(error)")
        } catch EvaluationError.noAnnotations {
            throw DatasetFileError(file: annotations, problem: "\(EvaluationError.noAnnotations)")
        } catch let error as EvaluationError {
            throw DatasetFileError(file: results, problem: "\(error)")
        }
    }
}
