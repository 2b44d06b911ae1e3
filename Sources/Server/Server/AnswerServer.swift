import Foundation
import ServerInput
import Hummingbird
import Logging
import NIOCore
import RegionDetector
import Synchronization
import VQAVision
import VisualQuestionAnswering

/// A server that answers questions about pictures over HTTP.
///
/// The event loops of Hummingbird read and write; the model answers on a thread of its own, and pictures become regions on
/// another, so that neither waits for libtorch.
public struct AnswerServer: Sendable {
    private let settings: ServerSettings
    private let service: Service
    private let onNotice: @Sendable (String) -> Void

    /// - Parameters:
    ///   - answerer: The model, which nobody else uses from here on.
    ///   - names: What a detector's objects and attributes are called; nil where that is not known.
    ///   - settings: Where to listen, and how much to take on.
    ///   - onNotice: Told in one line of what does not go as one would expect. Nothing that a client sent is in it.
    /// - Throws: `HubError` where the weights cannot be read again, to tell them from others; `CheckpointError` where the
    ///   note on how features are made is none.
    public init(
        _ answerer: sending Answerer, names: DetectorNames? = nil,
        _ settings: ServerSettings = ServerSettings(),
        onNotice: @escaping @Sendable (String) -> Void
    ) throws {
        let description = try ModelDescription(of: answerer)
        let extractor = Result { try answerer.pictureExtractor() }
        if case .failure(let error) = extractor { onNotice("pictures are not taken: \(error)") }
        let metrics = Metrics()
        let vocabulary = answerer.vocabulary
        self.settings = settings
        self.onNotice = onNotice
        service = Service(
            description: description, vocabulary: vocabulary, settings: settings, metrics: metrics,
            bodies: BodyReader(settings), connections: Connections(),
            pictures: PictureWork(extractor, description, names: names, settings, metrics),
            answers: AnswerWork(answerer, settings, metrics),
            kept: KeptPictures(byteLimit: settings.keptBytes))
    }

    /// Listens and answers until the process is asked to end (SIGTERM or SIGINT); what is under way then is finished.
    ///
    /// - Parameter onListening: Told the port once requests are taken.
    /// - Throws: `ThreadError` where the system makes no thread; ``ListeningError`` where the address cannot be had.
    public func run(onListening: @escaping @Sendable (_ port: Int) -> Void) async throws {
        try await run(onListening) { try await $0.runService() }
    }

    /// The same until the task is cancelled: signals are left alone.
    package func runUntilCancelled(onListening: @escaping @Sendable (_ port: Int) -> Void) async throws {
        try await run(onListening) { try await $0.run() }
    }

    private func run(
        _ onListening: @escaping @Sendable (_ port: Int) -> Void,
        _ serve: (Application<Responder>) async throws -> Void
    ) async throws {
        try service.answers.start()
        try service.pictures.start()
        defer {
            service.pictures.queue.close()
            service.answers.queue.close()
        }
        Self.hasOneLoop
        do {
            try await serve(application(onListening))
        } catch let error as IOError {
            throw ListeningError(host: settings.host, port: settings.port, reason: error.errnoCode)
        }
    }

    /// Serves a model on the threads of the server until the process is asked to end, and has the calling thread wait.
    ///
    /// - Parameters:
    ///   - answerer: The model, which nobody else uses from here on.
    ///   - names: What a detector's objects and attributes are called; nil where that is not known.
    ///   - settings: Where to listen, and how much to take on.
    ///   - onNotice: Told in one line of what does not go as one would expect.
    ///   - onListening: Told the address once requests are taken.
    /// - Throws: As ``init(_:names:_:onNotice:)`` and ``run(onListening:)``.
    public static func run(
        _ answerer: sending Answerer, names: DetectorNames? = nil, _ settings: ServerSettings,
        onNotice: @escaping @Sendable (String) -> Void, onListening: @escaping @Sendable (String) -> Void
    ) throws {
        let server = try AnswerServer(answerer, names: names, settings, onNotice: onNotice)
        let host = settings.host.contains(":") ? "[\(settings.host)]" : settings.host
        let end = End()
        Task.detached {
            do {
                try await server.run { onListening("http://\(host):\($0)") }
                end.tell(.success(()))
            } catch {
                end.tell(.failure(error))
            }
        }
        try end.wait()
    }

    /// How a server has ended, for a thread that waits for it.
    private final class End: Sendable {
        private let ended = DispatchSemaphore(value: 0)
        private let result = Mutex<Result<Void, any Error>>(.success(()))

        func tell(_ result: Result<Void, any Error>) {
            self.result.withLock { $0 = result }
            ended.signal()
        }

        func wait() throws {
            ended.wait()
            try result.withLock { $0 }.get()
        }
    }

    private func application(_ onListening: @escaping @Sendable (Int) -> Void) -> Application<Responder> {
        let (service, settings) = (service, settings)
        let handlers: @Sendable () -> [any RemovableChannelHandler] = {
            [
                ConnectionHandler(
                    service.connections, seconds: settings.sendingSeconds,
                    mostBodyBytes: settings.mostBodyBytes)
            ]
        }
        return Application(
            responder: Responder(
                routes: service.routes, rules: AccessRules(settings), connections: service.connections,
                metrics: service.metrics, deadline: TimeAmount(seconds: settings.deadlineSeconds),
                onFailure: onNotice),
            server: .http1(
                configuration: .init(
                    additionalChannelHandlers: handlers(),
                    idleTimeout: TimeAmount(seconds: settings.sendingSeconds))),
            configuration: ApplicationConfiguration(
                address: .hostname(settings.host, port: settings.port), serverName: "rwsan", backlog: 1024,
                availableConnectionsDelegate: .maximum(settings.mostConnections, logger: Self.quiet)),
            onServerRunning: { onListening($0.localAddress?.port ?? settings.port) },
            logger: Self.quiet)
    }

    /// One thread reads and writes for all connections, so that the others are the model's. Said once in a process.
    private static let hasOneLoop: Void = { NIOSingletons.groupLoopCountSuggestion = 1 }()

    /// What Hummingbird would write down has requests in it.
    private static let quiet = Logger(label: "rwsan") { _ in SwiftLogNoOpLogHandler() }
}

/// The address that a server was to listen on cannot be had.
public struct ListeningError: Error, Sendable, CustomStringConvertible {
    let host: String
    let port: Int
    let reason: CInt

    /// One line.
    public var description: String {
        "\(host):\(port): cannot listen there: \(String(cString: strerror(reason))): expected an address of this machine "
            + "and a port that is free (--port 0 takes one)"
    }
}
