import Server
import ServerInput
import VisualQuestionAnswering

/// Serves a checkpoint's model until Ctrl-C, or until the task is cancelled.
func serve(_ checkpoint: String, port: Int, onListening: @escaping @Sendable (Int) -> Void) async throws {
    var settings = ServerSettings()
    settings.port = port
    settings.mostBatch = 32
    settings.queue = 128

    let server = try AnswerServer(
        Answerer(checkpoint: checkpoint), settings, onNotice: { print("note:", $0) })
    try await server.run(onListening: onListening)
}
