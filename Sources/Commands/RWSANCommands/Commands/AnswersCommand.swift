import ArgumentParser
import Foundation
import VQADatasets

struct AnswersCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "answers", abstract: "Build the answer list of a dataset, or check one.",
        usage: """
            \(Program.name) answers --data <folder> [--output <file>] [<options>]
            \(Program.name) answers --questions-folder <folder> [--output <file>] [<options>]
            \(Program.name) answers --input <file> [--data <folder>] [<options>]
            """,
        discussion: """
            The list holds the answers that are the most frequent one of more than --threshold questions, in \
            the official normal form, in order of first appearance, train before val. train, evaluate, \
            predict and ask take it with --answers.
            """)

    @Option(
        name: .customLong("data"),
        help: ArgumentHelp(
            "The datasets folder, in the official layout. Needed to build a list, unless the folder below is given.",
            valueName: "folder"))
    var folder: String?
    @Option(
        help: ArgumentHelp(
            "The folder of question and annotation files; vqa/ of --data if not given.", valueName: "folder"))
    var questionsFolder: String?
    @OptionGroup var dataset: DatasetChoice
    @Option(
        help: ArgumentHelp(
            "The splits whose annotations count, joined by +: train, val, vg; train+val, as far as they are there, if "
                + "not given."))
    var splits: String?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How many questions an answer may be the most frequent one of and still be left out; 8 if not given.",
            valueName: "count"))
    var threshold: Int?
    @Option(
        help: ArgumentHelp(
            "The file to write the list to, in the official form: [{answer: number}, {\"number\": answer}].",
            valueName: "file"))
    var output: String?
    @Option(
        help: ArgumentHelp(
            "A list to check instead of building one; with --data, how much of the dataset it covers too.",
            valueName: "file"))
    var input: String?
    @Flag(help: "Print JSON.") var json = false

    /// Makes sure that the options fit one another.
    private func requireFit() throws {
        guard folder != nil || questionsFolder != nil || input != nil else {
            throw ValidationError("expected --data FOLDER, --questions-folder FOLDER, or --input FILE")
        }
        if let threshold, threshold < 0 {
            throw ValidationError("--threshold: expected 0 or more, found \(threshold)")
        }
        guard input == nil || threshold == nil else {
            throw ValidationError(
                "--threshold: expected no --input beside it, which is checked and not built")
        }
        guard splits == nil || folder != nil || questionsFolder != nil else {
            throw ValidationError("--splits: expected --data or --questions-folder beside it")
        }
        if let splits {
            let names = splits.split(separator: "+", omittingEmptySubsequences: false)
            guard Set(names).count == names.count else {
                throw ValidationError("--splits: expected each split once, found \(splits)")
            }
        }
        guard input == nil || output == nil else {
            throw ValidationError(
                "--output: expected no --input beside it, which is checked and not converted")
        }
    }

    func run() throws {
        try requireFit()
        let threshold = threshold ?? 8
        var files = CommandFiles()
        for file in place.textFiles { files.read("the dataset", file) }
        files.write("--output", output)
        try files.requireDistinct()
        let outputFile = try output.map(OutputPath.init)
        let given = try input.map { try AnswerList(contentsOf: URL(fileURLWithPath: $0)) }
        let annotations = try readAnnotations()
        let list = given ?? AnswerList(annotations: annotations.map(\.table), seenMoreThan: threshold)
        if let outputFile {
            guard list.count > 0 else { throw EmptyList(threshold: threshold) }
            try list.write(to: outputFile.url)
        }
        let summary = AnswersSummary(
            list, threshold: given == nil ? threshold : nil,
            coverage: annotations.map { ($0.split, AnswerCoverage(of: $0.table, by: list)) }, output: output)
        guard !json else { return try Console.result(json: summary) }
        for line in summary.lines { try Console.result(line) }
        if let output { try Console.result(path: output) }
    }

    private var place: DatasetPlace {
        DatasetPlace(
            folder: folder.map { URL(fileURLWithPath: $0) },
            questionsFolder: questionsFolder.map { URL(fileURLWithPath: $0) })
    }

    private func readAnnotations() throws -> [(split: DatasetSplit, table: AnnotationTable)] {
        guard folder != nil || questionsFolder != nil else { return [] }
        let type = try dataset.type()
        guard type is any OfficialFormDataset.Type else { throw OtherForm(dataset: type.name) }
        let layout = OfficialLayout(at: place)
        return try layout.annotations(
            splits.map {
                try $0.split(separator: "+", omittingEmptySubsequences: false).map {
                    try Self.annotatedSplit(String($0), of: type, in: layout)
                }
            })
    }

    private static func annotatedSplit(
        _ name: String, of type: any VQADataset.Type, in layout: OfficialLayout
    ) throws -> DatasetSplit {
        let annotated = type.splitNames.compactMap(DatasetSplit.init(rawValue:)).filter {
            layout.annotations(of: $0) != nil
        }
        guard let split = annotated.first(where: { $0.rawValue == name }) else {
            let valid = annotated.map(\.rawValue).joined(separator: ", ")
            throw ValidationError(
                "--splits: unknown split '\(name)': expected splits with annotations: \(valid)")
        }
        return split
    }
}

/// A dataset whose annotations are not in files of VQA-v2's form.
private struct OtherForm: Error, CustomStringConvertible {
    let dataset: String
    var description: String {
        "answers: expected a dataset with annotations in VQA-v2's form, found \(dataset), which brings its own answers"
    }
}

private struct EmptyList: Error, CustomStringConvertible {
    let threshold: Int
    var description: String { "expected answers given more than \(threshold) times, found none" }
}

/// What there is to tell about an answer list.
private struct AnswersSummary: Encodable {
    struct Coverage: Encodable {
        let split: String
        let counts: AnswerCoverage
        /// From 0 to 1.
        let answerShare: Double
        /// From 0 to 1.
        let questionShare: Double
    }

    let answers: Int
    /// Nil for a list that was not built.
    let threshold: Int?
    /// Answers that no normalised answer can equal, so that they never score.
    let notInNormalForm: [String]
    let coverage: [Coverage]
    let output: String?

    init(
        _ list: AnswerList, threshold: Int?, coverage: [(split: DatasetSplit, counts: AnswerCoverage)],
        output: String?
    ) {
        answers = list.count
        self.threshold = threshold
        notInNormalForm = list.answers.filter { AnswerNormalizer.normalize($0) != $0 }
        self.coverage = coverage.map {
            Coverage(
                split: $0.split.rawValue, counts: $0.counts, answerShare: $0.counts.answerShare,
                questionShare: $0.counts.questionShare)
        }
        self.output = output
    }

    var lines: [String] {
        let rule = threshold.map { ", each the most frequent of more than \($0) questions" } ?? ""
        var lines = ["\(answers) answers\(rule)"]
        if let first = notInNormalForm.first {
            lines.append("\(notInNormalForm.count) are not in normal form and never score: '\(first)', ...")
        }
        for part in coverage {
            lines.append(
                "\(part.split): \(decimal(100 * part.answerShare, 2)) % of \(part.counts.answers) answers are in "
                    + "the list; \(decimal(100 * part.questionShare, 2)) % of \(part.counts.questions) questions "
                    + "have one that is")
        }
        return lines
    }
}
