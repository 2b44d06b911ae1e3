import ArgumentParser
import Foundation
import VQADatasets

struct JoinCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "join",
        abstract: "Put the parts of an answered split together, and say what is missing.",
        discussion: """
            Takes the files that predict --shard has written, in any order, and writes the file that predict would have \
            written without: the answers to all questions, in the order of the question file.
            """)

    @Option(help: ArgumentHelp("The question file.", valueName: "file")) var questions: String
    @Argument(help: ArgumentHelp("The files of answers, as predict writes them.", valueName: "parts"))
    var parts: [String]
    @Option(help: ArgumentHelp("The file to write the answers to.", valueName: "file")) var output: String
    @Flag(help: "Write the answers that there are, and say how many are missing, where not all are there.")
    var partial = false

    /// How many of the missing questions are named.
    private static let namedQuestions = 5

    func run() throws {
        var files = CommandFiles()
        files.read("--questions", questions)
        for part in parts { files.read("a part", part) }
        files.write("--output", output)
        try files.requireDistinct()
        let resultFile = try OutputPath(output)
        let table = try QuestionTable(contentsOf: URL(fileURLWithPath: questions))
        let joined = try JoinedResults(parts.map { URL(fileURLWithPath: $0) }, questions: table)
        if !joined.missing.isEmpty {
            let missing = JoiningError.missing(
                count: joined.missing.count, of: table.count,
                first: Array(joined.missing.prefix(Self.namedQuestions)))
            guard partial else { throw missing }
            Console.note("\(joined.missing.count) of \(table.count) questions have no answer")
        }
        try ResultFile.write(joined.predictions, to: resultFile.url)
        Console.note("joined \(joined.predictions.count) answers of \(parts.count) files")
        try Console.result(path: output)
    }
}
