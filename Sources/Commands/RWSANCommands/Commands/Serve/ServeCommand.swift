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
    @OptionGroup var answering: AnswererOptions
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
        let words = try answering.detection.weights().flatMap { path in
            try answering.detection.names(
                in: names, for: DetectorWeights.cached(path, onNotice: Console.note).shape)
        }
        let device = try device.resolve()
        let options = try answering.options(
            data: data, on: device, in: precision.resolve(for: .answering, on: device))
        try start.start(
            ServerStart.Job(
                makeAnswerer: { try model.answerer(options) }, names: words, settings: settings,
                onNotice: Console.note,
                onListening: { address in try? Console.result(address) }))
    }
}
