import Foundation
import Synchronization

/// A web server on this machine that answers as a test wants it to, good or bad.
public final class LoopbackServer: Sendable {
    /// What was asked for.
    public struct Request: Sendable {
        /// `GET`, or `HEAD`, which is answered without the body.
        public let method: String
        /// `/name.zip`
        public let path: String
        /// The headers, their names in lower case.
        public let headers: [String: String]

        /// The first byte asked for; nil where the whole file is.
        public var offset: Int? {
            headers["range"].flatMap { Int($0.dropFirst("bytes=".count).dropLast()) }
        }
    }

    /// What is answered.
    public struct Reply: Sendable {
        /// The status: 200, 404, ...
        public var status: Int
        /// The headers. A length that is not among them is that of the body.
        public var headers: [String: String]
        /// The bytes.
        public var body: [UInt8]
        /// After how many bytes of the body the connection is cut.
        public var cutAfter: Int?
        /// After how many bytes of the body no more come, until the other side gives up.
        public var stallAfter: Int?

        /// An answer of these parts.
        public init(status: Int = 200, headers: [String: String] = [:], body: [UInt8] = []) {
            (self.status, self.headers, self.body) = (status, headers, body)
        }

        /// The answer of a good server: the file, or the rest of it where it is still the version asked for.
        ///
        /// - Parameters:
        ///   - tag: The version, as an ETag; nil gives none.
        ///   - date: The time of the last change.
        ///   - checksCondition: Whether it is looked at which version the rest is wanted of.
        public static func file(
            _ bytes: [UInt8], tag: String?, date: String? = nil, checksCondition: Bool = true,
            to request: Request
        ) -> Reply {
            var reply = Reply(body: bytes)
            reply.headers["ETag"] = tag.map { "\"\($0)\"" }
            reply.headers["Last-Modified"] = date
            let condition = checksCondition ? request.headers["if-range"] : nil
            guard let offset = request.offset,
                condition == nil || reply.headers.values.contains(condition ?? "")
            else { return reply }
            reply.status = offset < bytes.count ? 206 : 416
            reply.body = Array(bytes.dropFirst(offset))
            reply.headers["Content-Range"] =
                "bytes " + (offset < bytes.count ? "\(offset)-\(bytes.count - 1)" : "*") + "/\(bytes.count)"
            return reply
        }
    }

    /// One request, and what became of it.
    public struct Exchange: Sendable {
        /// What was asked for.
        public let request: Request
        /// How many bytes of the body were sent.
        public internal(set) var sentByteCount = 0
    }

    /// `http://127.0.0.1:PORT`
    public let address: String
    private let listener: CInt
    private let answer: @Sendable (Request, Int) -> Reply
    private let log = Mutex<[Exchange]>([])

    /// A proxy that the environment names knows nothing of this machine's servers.
    private static let isProxyPassed: Bool = {
        let others = ProcessInfo.processInfo.environment["no_proxy"].map { "," + $0 } ?? ""
        return setenv("no_proxy", "127.0.0.1" + others, 1) == 0
    }()

    /// Starts to listen.
    ///
    /// - Parameter answer: Gives the answer to a request, of which there were so many of its kind to the same path before.
    /// - Throws: `POSIXError` where the system gives no port.
    public init(_ answer: @escaping @Sendable (Request, Int) -> Reply) throws {
        self.answer = answer
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        self.listener = listener
        var place = sockaddr_in()
        place.sin_family = sa_family_t(AF_INET)
        place.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isOpen = withUnsafeMutablePointer(to: &place) { place in
            place.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, size) == 0 && listen(listener, 16) == 0
                    && getsockname(listener, $0, &size) == 0
            }
        }
        guard isOpen, Self.isProxyPassed else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EINVAL) }
        address = "http://127.0.0.1:\(UInt16(bigEndian: place.sin_port))"
        Thread.detachNewThread { [weak self] in
            // Closed by this thread alone: closed elsewhere, its number could be another server's when it is next
            // accepted from, whose connections would end here.
            defer { close(listener) }
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else { return }
                // A program started meanwhile would keep a connection open that is cut here.
                _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
                guard let self else {
                    close(connection)
                    return
                }
                Thread.detachNewThread {
                    self.serve(connection)
                    close(connection)
                }
            }
        }
    }

    deinit { shutdown(listener, Int32(SHUT_RDWR)) }

    /// What was asked so far, in turn.
    public var exchanges: [Exchange] { log.withLock { $0 } }

    /// Answers one request. The connection ends with the answer, so that every fault is one connection's.
    private func serve(_ connection: CInt) {
        guard let request = Self.read(connection) else { return }
        let (number, earlier) = log.withLock { log in
            log.append(Exchange(request: request))
            return (
                log.count - 1,
                log.dropLast().count {
                    ($0.request.method, $0.request.path) == (request.method, request.path)
                }
            )
        }
        let reply = answer(request, earlier)
        var head = "HTTP/1.1 \(reply.status) Status\r\nConnection: close\r\n"
        if reply.headers["Content-Length"] == nil { head += "Content-Length: \(reply.body.count)\r\n" }
        // An empty value leaves a header out.
        for (name, value) in reply.headers where !value.isEmpty { head += "\(name): \(value)\r\n" }
        guard Self.send(Array((head + "\r\n").utf8)[...], to: connection), request.method != "HEAD" else {
            return
        }

        var rest = reply.body.prefix(min(reply.cutAfter ?? .max, reply.stallAfter ?? .max))
        while !rest.isEmpty {
            // Counted first: who has the last byte may look at once.
            log.withLock { $0[number].sentByteCount += min(4096, rest.count) }
            guard Self.send(rest.prefix(4096), to: connection) else { return }
            rest = rest.dropFirst(4096)
        }
        if reply.stallAfter != nil {
            var byte: UInt8 = 0
            _ = recv(connection, &byte, 1, 0)
        }
    }

    private static func send(_ bytes: ArraySlice<UInt8>, to connection: CInt) -> Bool {
        var rest = bytes
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Foundation.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    private static func read(_ connection: CInt) -> Request? {
        var text = ""
        var buffer = [UInt8](repeating: 0, count: 4096)
        while !text.hasSuffix("\r\n\r\n") {
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else { return nil }
            text += String(decoding: buffer.prefix(count), as: UTF8.self)
        }
        let lines = text.components(separatedBy: "\r\n")
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            headers[line[..<colon].lowercased()] =
                line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
        }
        let words = lines[0].split(separator: " ")
        guard words.count > 1 else { return nil }
        return Request(method: String(words[0]), path: String(words[1]), headers: headers)
    }
}
