import Hummingbird
import NIOCore
import NIOHTTPTypes
import Synchronization

/// The connections that are open, and what is under way for each of them.
final class Connections: Sendable {
    private let requests = Mutex<[ObjectIdentifier: RequestScope?]>([:])

    /// How many there are.
    var count: Int { requests.withLock { $0.count } }

    func opened(_ channel: any Channel) { requests.withLock { $0[ObjectIdentifier(channel)] = .some(nil) } }

    /// Ends the request that is under way for a client that has gone.
    func ended(_ channel: any Channel) {
        let request = requests.withLock { $0.removeValue(forKey: ObjectIdentifier(channel)) }
        request??.end(Problem.left)
    }

    /// Says what is under way for a connection; nil for nothing.
    func serve(_ request: RequestScope?, for channel: any Channel) {
        let isOpen = requests.withLock { requests in
            guard requests[ObjectIdentifier(channel)] != nil else { return false }
            requests[ObjectIdentifier(channel)] = .some(request)
            return true
        }
        if !isOpen { request?.end(Problem.left) }
    }
}

/// Watches over one connection: a client that goes away is told to ``Connections``, and one that takes too long to send a
/// request, or to take an answer, is cut off.
///
/// Hummingbird looks at how long no bytes came; a client that sends one now and then, or reads none, would keep its place for
/// ever.
final class ConnectionHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let connections: Connections
    private let time: TimeAmount
    private let mostBodyBytes: Int
    private var sending: Scheduled<Void>?
    private var taking: Scheduled<Void>?

    /// - Parameters:
    ///   - seconds: How long sending a request may take, from the end of its head on, and how long taking an answer.
    ///   - mostBodyBytes: The longest body that a client which asks first is told to send.
    init(_ connections: Connections, seconds: Double, mostBodyBytes: Int) {
        self.connections = connections
        time = TimeAmount(seconds: seconds)
        self.mostBodyBytes = mostBodyBytes
    }

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { connections.opened(context.channel) }
    }

    func channelActive(context: ChannelHandlerContext) {
        connections.opened(context.channel)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        sending?.cancel()
        taking?.cancel()
        connections.ended(context.channel)
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            sending?.cancel()
            sending = closing(context)
            tellToGoOn(head, context)
        case .body: break
        case .end:
            sending?.cancel()
            sending = nil
        }
        context.fireChannelRead(data)
    }

    /// Closes the connection when its time is over.
    private func closing(_ context: ChannelHandlerContext) -> Scheduled<Void> {
        let channel = context.channel
        return context.eventLoop.scheduleTask(in: time) { channel.close(promise: nil) }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head:
            taking?.cancel()
            taking = closing(context)
            context.write(data, promise: promise)
        case .body: context.write(data, promise: promise)
        case .end:
            let isTaken = promise ?? context.eventLoop.makePromise()
            isTaken.futureResult.whenComplete { [taking] _ in taking?.cancel() }
            context.write(data, promise: isTaken)
        }
    }

    /// Answers a client that asks whether to send its body, as curl does before a large one.
    private func tellToGoOn(_ head: HTTPRequest, _ context: ChannelHandlerContext) {
        guard head.headerFields[.expect]?.lowercased() == "100-continue",
            let length = head.headerFields[.contentLength].flatMap({ Int($0) }), length <= mostBodyBytes
        else { return }
        context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // A client that sends no more is taken for one that has gone: most of them are.
        if let event = event as? ChannelEvent, event == .inputClosed { context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }
}

extension TimeAmount {
    /// So many seconds, at most a year.
    init(seconds: Double) {
        self = .milliseconds(Int64(clamping: (min(max(0, seconds), 31_536_000) * 1000).rounded()))
    }
}
