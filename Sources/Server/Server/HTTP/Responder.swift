import Hummingbird
import NIOCore

/// What Hummingbird hands over with a request: its connection.
struct ConnectionContext: InitializableFromSource {
    let channel: any Channel

    init(source: ApplicationRequestContextSource) { channel = source.channel }
}

/// Answers requests: finds the route, makes sure that the request may be answered, and tells what became of it.
struct Responder: HTTPResponder {
    typealias Context = ConnectionContext

    let routes: [Route]
    let rules: AccessRules
    let connections: Connections
    let metrics: Metrics
    let deadline: TimeAmount
    /// Told of what the server could not do.
    let onFailure: @Sendable (String) -> Void

    func respond(to request: Request, context: ConnectionContext) async throws -> Response {
        let start = ContinuousClock.now
        let path = request.uri.path
        let found = routes.filter { $0.path == path }
        // What a client chose names no metric.
        let name = found.first?.path ?? "other"
        var reply: Reply
        do {
            reply = try await answer(request, found, context.channel)
            metrics.note(.answered, of: name)
        } catch {
            let problem = Problem(error)
            if problem.isFailure { onFailure("\(name): \(Self.reason(of: error))") }
            metrics.note(problem.outcome, of: name)
            reply = Reply(problem)
        }
        metrics.note(.request, since: start)
        for field in rules.headers(for: request) { reply.headers[field.name] = field.value }
        return reply.response(withoutBody: request.method == .head)
    }

    private func answer(_ request: Request, _ found: [Route], _ channel: any Channel) async throws -> Reply {
        let methods = found.flatMap { $0.method == "GET" ? ["GET", "HEAD"] : [$0.method] }
        guard let first = found.first else { throw Problem.noSuchAddress(routes.map(\.path)) }
        if request.method == .options, request.headers[.accessControlRequestMethod] != nil {
            // Browsers ask without a key.
            try rules.check(request, isOpen: true)
            var reply = Reply([], contentType: "text/plain")
            reply.status = .noContent
            reply.headers = rules.preflight(methods)
            return reply
        }
        let method = request.method == .head ? "GET" : request.method.rawValue
        guard let route = found.first(where: { $0.method == method }) else {
            throw Problem.otherMethod(methods)
        }
        try rules.check(request, isOpen: first.isOpen)
        let scope = RequestScope()
        connections.serve(scope, for: channel)
        defer { connections.serve(nil, for: channel) }
        let timer = channel.eventLoop.scheduleTask(in: deadline) { scope.end(Problem.tooLate) }
        defer { timer.cancel() }
        return try await route.answer(request, scope)
    }

    /// Errors of the engine tell of shapes and memory; of others only the kind is told, for a text may have something
    /// in it that a client sent.
    private static func reason(of error: any Error) -> String {
        let text = "\(error)"
        return String(reflecting: type(of: error)).hasPrefix("Torch.") ? text : "\(type(of: error))"
    }
}

extension Reply {
    /// - Parameter withoutBody: Whether only the headers are wanted.
    func response(withoutBody: Bool) -> Response {
        var headers = headers
        if status != .noContent {
            headers[.contentType] = contentType
            headers[.contentLength] = "\(body.count)"
        }
        headers[.xContentTypeOptions] = "nosniff"
        return Response(
            status: status, headers: headers,
            body: withoutBody || body.isEmpty
                ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
    }
}

extension Problem {
    /// What a request has come to.
    var outcome: Metrics.Outcome {
        switch kind {
        case "queue-full", "stopping": .busy
        case "deadline": .late
        case "left": .left
        case "failure": .failed
        default: .refused
        }
    }
}
