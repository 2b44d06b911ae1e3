import ArgumentParser
import Foundation
import VQADatasets
import VisualQuestionAnswering

struct ImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Make a dataset of your own pictures and a table of questions.",
        usage: "\(Program.name) import <table> --pictures <folder> --output <folder> [<options>]",
        discussion: """
            The table has a row a question. CSV has a header, and commas, semicolons or tabs; JSONL has an object a line. \
            Columns: image (a path below --pictures, a file's name, or either without its extension), question, answer (or \
            answer1, answer2 and so on; in JSONL also a list), and, where they are there, split (train, val or test), \
            question_id and answer_type. Other columns are passed over.

            The dataset has VQA-v2's form, with links to the pictures, which stay where they are. Answers are written in \
            the metric's normal form. A picture is in one split only. What is left out is named, and left-out.csv in the \
            dataset has every row of it. Importing again into the same folder keeps the numbers of pictures and their splits.
            """)

    @Argument(
        help: ArgumentHelp("The table of questions and answers: .csv, .tsv or .jsonl.", valueName: "table"))
    var table: String
    @Option(help: "The table's form: csv or jsonl; told by the end of its name if not given.")
    var format: TableFormat?
    @Option(help: ArgumentHelp("The folder of pictures, also in folders in it.", valueName: "folder"))
    var pictures: String
    @Option(
        help: ArgumentHelp("The datasets folder to make, or one to import into again.", valueName: "folder"))
    var output: String
    @OptionGroup var columns: ColumnOptions
    @OptionGroup var splits: SplitOptions
    @Flag(help: "Print what was done as JSON, in place of the path of the dataset.") var json = false

    func run() throws {
        var files = CommandFiles()
        files.read("the table", table)
        files.read("--pictures", pictures)
        files.write("--output", output)
        try files.requireDistinct()
        guard let format = format ?? TableFormat(fileName: table) else {
            throw ValidationError(
                "expected a table whose name ends in .csv, .tsv or .jsonl, or --format, found '\(table)'")
        }
        var dataset = DatasetImport(
            table: URL(fileURLWithPath: table), format: format, pictures: pictures, output: output)
        dataset.columns = columns.columns
        dataset.draw = try splits.draw()
        let line = ProgressLine()
        let interrupts = Interrupts(note: "stopping (again to end at once)")
        let report: DatasetImport.Report
        do {
            report = try dataset.run(
                progress: { done, count in line.show { "reading: \(done) of \(count) pictures" } },
                shouldStop: { interrupts.isRequested })
        } catch is InterruptedError {
            Console.clearProgress()
            Console.note("stopped; nothing was written")
            throw interrupts.exitCode
        }
        Console.clearProgress()
        try show(report)
    }

    private func show(_ report: DatasetImport.Report) throws {
        let output = ImportOutput(report, folder: output)
        output.notes.forEach(Console.note)
        guard !json else { return try Console.result(json: output.summary) }
        try Console.result(path: self.output)
    }
}

/// Which columns of the table hold what.
struct ColumnOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The column of pictures; image if not given.", valueName: "name"))
    var imageColumn: String?
    @Option(help: ArgumentHelp("The column of questions; question if not given.", valueName: "name"))
    var questionColumn: String?
    @Option(
        name: .customLong("answer-column"),
        help: ArgumentHelp(
            "A column of answers; given again for more of them; answer, answer1, answer2 and so on if not given.",
            valueName: "name"))
    var answerColumns: [String] = []
    @Option(
        help: ArgumentHelp("The column of splits; split, where it is there, if not given.", valueName: "name")
    )
    var splitColumn: String?
    @Option(
        name: .customLong("question-id-column"),
        help: ArgumentHelp(
            "The column of question ids; question_id, where it is there, if not given; else ids are the rows' numbers.",
            valueName: "name"))
    var questionIDColumn: String?
    @Option(
        help: ArgumentHelp(
            "The column of answer types; answer_type, where it is there, if not given; else yes/no, number or other by what "
                + "the answer is.", valueName: "name"))
    var answerTypeColumn: String?

    /// The same for the reader.
    var columns: TableColumns {
        var columns = TableColumns()
        columns.image = imageColumn
        columns.question = questionColumn
        columns.answers = answerColumns
        columns.split = splitColumn
        columns.questionID = questionIDColumn
        columns.answerType = answerTypeColumn
        return columns
    }
}

/// `--val 10% --test 0% --seed 0`
struct SplitOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The share of the pictures for the split val, which is answered after each epoch; 10% if not given, or that of the import before.",
            valueName: "percent"))
    var val: String?
    @Option(
        help: ArgumentHelp(
            "The share of the pictures for the split test; 0% if not given, or that of the import before.",
            valueName: "percent"))
    var test: String?
    @Option(
        help:
            "What draws the splits, the same ones for the same number; 0 if not given, or that of the import before."
    )
    var seed: UInt64?

    /// The same for the import.
    ///
    /// - Throws: `ValidationError` where a share is none, or none is left to learn from.
    func draw() throws -> DatasetImport.Draw {
        var draw = DatasetImport.Draw()
        draw.seed = seed
        draw.validation = try val.map { try Self.share($0, "--val") }
        draw.test = try test.map { try Self.share($0, "--test") }
        guard (draw.validation ?? 0.1) + (draw.test ?? 0) < 1 else {
            throw ValidationError(
                "--val and --test: expected less than 100% together, found \(val ?? "10%") and \(test ?? "0%")"
            )
        }
        return draw
    }

    private static func share(_ text: String, _ option: String) throws -> Double {
        guard text.hasSuffix("%"), let number = Double(text.dropLast()), (0..<100).contains(number) else {
            throw ValidationError("\(option): expected a share from 0% to below 100%, found '\(text)'")
        }
        return number / 100
    }
}

extension TableFormat: ExpressibleByArgument {}
