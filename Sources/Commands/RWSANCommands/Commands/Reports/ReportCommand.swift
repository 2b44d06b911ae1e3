import ArgumentParser
import Archives
import Foundation
import VQATraining
import VisualQuestionAnswering

struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Write a report of a run: how it went, what it cost, and what its model answers.",
        usage: """
            \(Program.name) report <run> [--data <folder>] [<options>]
            \(Program.name) report <run> --compare <run> ... --data <folder> [<options>]
            """,
        discussion: """
            <run> is the folder of a run, for its furthest checkpoint, or a checkpoint. The report is one HTML file that needs \
            nothing else: settings, curves, speed and cost. Its path is the result.

            With --data, the model answers the val questions, which takes as long as evaluate: then the report has \
            accuracies by type, how well the model knows how sure it may be, the most frequent confusions, and the mistakes \
            of which it is most sure, with what it looked at.

            --compare puts other runs beside it. With --data, a paired bootstrap over the questions says whether a \
            difference is more than chance.
            """)

    @Argument(help: ArgumentHelp("The folder of a run, or a checkpoint.", valueName: "run")) var path: String
    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("Other runs, to be put beside it.", valueName: "run"))
    var compare: [String] = []
    @OptionGroup var dataset: DatasetOptions
    @Option(
        help: ArgumentHelp(
            "An answer list in the official form, for a checkpoint without one.", valueName: "file"))
    var answers: String?
    @OptionGroup var pictures: PicturesOption
    @Option(
        help: ArgumentHelp(
            "The file to write: .html, or .json for the numbers; report.html beside the checkpoint if not given.",
            valueName: "file"))
    var output: String?
    @OptionGroup var metric: MetricOption
    @OptionGroup var settings: ConfigurationOptions
    @OptionGroup var device: DeviceOption
    @OptionGroup var precision: PrecisionOption
    @OptionGroup var damaged: DamagedOption
    @Flag(help: "Print the numbers as JSON; without --output, in place of the page.") var json = false

    /// The numbers of a report.
    private struct Numbers: Encodable {
        let runs: [RunReport]
        let comparisons: [Comparison]
    }

    private var hasDataset: Bool { dataset.place != DatasetPlace(folder: nil) }

    func run() throws {
        if hasDataset { try dataset.requirePlace() }
        let paths = try ([path] + compare).map(checkpoint)
        let target = try output.map { try ReportFile($0) } ?? (json ? nil : ReportFile.beside(paths[0]))
        try requireDistinctFiles(paths, target)
        let options = try answererOptions()
        var reports: [RunReport] = []
        var examinations: [(name: String, found: Answerer.Examination)] = []
        var dataset: (any VQADataset)?
        for path in paths {
            let answerer = try Answerer(checkpoint: path, options)
            dataset = dataset ?? answerer.dataset
            let examination =
                try hasDataset ? AnsweringProgress().show { try answerer.examine(onProgress: $0) } : nil
            let report = try RunReport(answerer, examination)
            if let examination { examinations.append((report.name, examination)) }
            reports.append(report)
        }
        let comparisons = try dataset.map { try Comparison.of(examinations, $0) } ?? []
        let numbers = Numbers(runs: reports, comparisons: comparisons)
        try target?.write(
            page: { try ReportPage(reports[0], beside: Array(reports.dropFirst()), comparisons).html() },
            numbers)
        guard json else { return try Console.result(path: target?.path ?? "") }
        try Console.result(json: numbers)
    }

    private func answererOptions() throws -> Answerer.Options {
        let device = try device.resolve()
        var options = Registries.answererOptions()
        options.device = device
        options.precision = try precision.resolve(for: .answering, on: device)
        options.changeSettings = settings.apply
        options.place = hasDataset ? dataset.place : nil
        options.pictures = pictures.folder
        options.answerFile = answers
        options.metric = metric.version
        options.skipsDamaged = damaged.skipDamaged
        return options
    }

    /// The checkpoint that a path stands for: of a folder, the one that has come furthest.
    private func checkpoint(_ path: String) throws -> String {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue else {
            return path
        }
        return try RunFolder.latestCheckpoint(in: URL(fileURLWithPath: path)) {
            Console.note("passing over \($0)")
        }.relativePath
    }

    private func requireDistinctFiles(_ checkpoints: [String], _ target: ReportFile?) throws {
        var files = CommandFiles()
        for path in checkpoints { files.read("the report", path) }
        files.read("--answers", answers)
        files.read("--config", settings.file)
        for file in dataset.place.textFiles { files.read("the dataset", file) }
        files.write("--output", target?.path)
        try files.requireDistinct()
    }
}

/// The file of a report, in the form that its name asks for.
struct ReportFile {
    private let output: OutputPath
    private let isPage: Bool
    var path: String { output.path }

    /// - Throws: `ValidationError` where the name asks for no form; `UnwritableOutput`.
    init(_ path: String) throws {
        let ending = URL(fileURLWithPath: path).pathExtension.lowercased()
        guard ["html", "json"].contains(ending) else {
            throw ValidationError("--output: expected a name that ends in .html or .json, found '\(path)'")
        }
        isPage = ending == "html"
        output = try OutputPath(path)
    }

    /// `report.html` beside a checkpoint.
    static func beside(_ checkpoint: String) throws -> ReportFile {
        try ReportFile(
            URL(fileURLWithPath: checkpoint).deletingLastPathComponent().appending(component: "report.html")
                .relativePath)
    }

    /// Writes it, whole or not at all.
    func write(page: () throws -> String, _ numbers: some Encodable) throws {
        let file = try AtomicFile(path: path)
        if isPage {
            try file.write(Data(page().utf8))
        } else {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
            try file.write(encoder.encode(numbers))
        }
        try file.commit()
    }
}
