import Foundation
import VQADatasets

/// The log of a run in the official release's words: `results/log/log_run_NAME.txt`.
package enum OfficialLog {
    /// One epoch: loss, learning rate, time, and the accuracies on val where they were asked for.
    static func text(of record: EpochRecord) -> String {
        var text = "=====================================\n"
        text += "Epoch: \(record.epoch), Loss: \(record.loss), Lr: \(record.lr)\n"
        text += "Elapsed time: \(record.seconds) s, Speed: \(record.questionsPerSecond) questions/s\n"
        if let overall = record.overall {
            text += accuracies(
                overall: overall, perAnswerType: record.perAnswerType ?? [:], metric: record.metric)
        }
        text += leftOut(record.leftOut ?? 0)
        return text + "\n"
    }

    private static func leftOut(_ count: Int) -> String {
        count > 0 ? "Left out: \(count) questions whose features cannot be read\n" : ""
    }

    /// Adds the accuracies of an evaluation to a log, which is made where there is none.
    ///
    /// - Throws: Foundation's error where the file cannot be written.
    package static func append(_ report: AccuracyReport, to file: URL) throws {
        let text =
            accuracies(
                overall: report.overall, perAnswerType: report.perAnswerType, metric: report.metric)
            + leftOut(report.leftOutCount) + "\n"
        guard FileManager.default.fileExists(atPath: file.path) else {
            return try Data(text.utf8).write(to: file)
        }
        let log = try FileHandle(forWritingTo: file)
        defer { try? log.close() }
        try log.seekToEnd()
        try log.write(contentsOf: Data(text.utf8))
    }

    /// The official log's lines; a metric that is not the official release's is named.
    private static func accuracies(overall: Double, perAnswerType: [String: Double], metric: String?)
        -> String
    {
        let types = perAnswerType.sorted { $0.key < $1.key }.map { "\($0.key) : \($0.value)\n" }
        let isOfficial = metric == nil || metric == MetricVersion.release.rawValue
        return "Overall Accuracy is: \(overall)\n" + types.joined()
            + (isOfficial ? "" : "Metric: \(metric ?? "")\n")
    }
}
