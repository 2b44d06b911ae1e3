import VQADatasets

/// The official accuracy, for people and for programs.
struct AccuracyOutput: Encodable {
    let metric: String
    let overall: Double
    let perAnswerType: [String: Double]
    let perQuestionType: [String: Double]
    let questions: Int
    /// How many questions were left out, for the features of their images cannot be read.
    let leftOut: Int

    init(_ report: AccuracyReport) {
        metric = report.metric
        overall = report.overall
        perAnswerType = report.perAnswerType
        perQuestionType = report.perQuestionType
        questions = report.questionIDs.count
        leftOut = report.leftOutCount
    }

    /// Prints the accuracies in percent.
    func show(asJSON: Bool) throws {
        guard !asJSON else { return try Console.result(json: self) }
        try Console.result(
            "overall accuracy: \(decimal(overall, 2)) % on \(questions) questions (metric: \(metric))"
                + (leftOut > 0 ? ", \(leftOut) left out" : ""))
        try Self.table("by answer type", perAnswerType)
        try Self.table("by question type", perQuestionType)
    }

    private static func table(_ title: String, _ accuracies: [String: Double]) throws {
        try Console.result("\(title):")
        for (name, accuracy) in accuracies.sorted(by: { ($0.key, $0.value) < ($1.key, $1.value) }) {
            let number = decimal(accuracy, 2)
            try Console.result(String(repeating: " ", count: max(0, 8 - number.count)) + number + "  " + name)
        }
    }
}
