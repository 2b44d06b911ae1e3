import Foundation

/// A connection to a server on this machine, byte by byte, so that a test can be as rude as it wants to.
public final class HTTPConnection: Sendable {
    private let socket: CInt

    /// Connects.
    ///
    /// - Throws: `POSIXError` where nobody listens.
    public init(port: Int) throws {
        socket = Foundation.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var place = sockaddr_in()
        place.sin_family = sa_family_t(AF_INET)
        place.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        place.sin_port = UInt16(port).bigEndian
        var limit = timeval(tv_sec: 300, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        let isConnected = withUnsafePointer(to: &place) { place in
            place.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isConnected else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EINVAL) }
    }

    deinit { close(socket) }

    /// Sends bytes.
    public func send(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Foundation.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    /// Sends a text.
    public func send(_ text: String) { send(Array(text.utf8)) }

    /// Goes away.
    public func leave() { shutdown(socket, Int32(SHUT_RDWR)) }

    /// The next response, waited for on a thread of its own: those of Swift's tasks are the server's here.
    public func response(to method: String = "GET") async -> HTTPAnswer? {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: self.nextResponse(to: method)) }
        }
    }

    /// Whether the server has closed the connection, waited for.
    public func isClosed() async -> Bool {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: self.waitForEnd()) }
        }
    }

    /// Whether the server has closed the connection, waited for on this thread.
    public func waitForEnd() -> Bool {
        var byte: UInt8 = 0
        while true {
            let count = recv(socket, &byte, 1, 0)
            if count <= 0 { return count == 0 || errno != EAGAIN }
        }
    }

    /// The next response, waited for on this thread: for a server in another process.
    public func nextResponse(to method: String = "GET") -> HTTPAnswer? {
        var bytes: [UInt8] = []
        let end = Array("\r\n\r\n".utf8)
        while !bytes.suffix(4).elementsEqual(end) {
            guard let byte = receive(1) else { return nil }
            bytes += byte
        }
        let lines = String(decoding: bytes, as: UTF8.self).components(separatedBy: "\r\n")
        guard let status = lines[0].split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
            return nil
        }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2 {
                headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
            }
        }
        let length = method == "HEAD" ? 0 : headers["content-length"].flatMap { Int($0) } ?? 0
        guard let body = receive(length) else { return nil }
        return HTTPAnswer(status: status, headers: headers, body: body)
    }

    private func receive(_ count: Int) -> [UInt8]? {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: max(1, min(count, 1 << 16)))
        while bytes.count < count {
            let received = recv(socket, &buffer, min(buffer.count, count - bytes.count), 0)
            guard received > 0 else { return nil }
            bytes += buffer[..<received]
        }
        return bytes
    }
}

/// What a server answered.
public struct HTTPAnswer: Sendable {
    /// The status: 200, 404, ...
    public let status: Int
    /// Their names in small letters.
    public let headers: [String: String]
    /// The bytes.
    public let body: [UInt8]

    /// The body as a text.
    public var text: String { String(decoding: body, as: UTF8.self) }
}
