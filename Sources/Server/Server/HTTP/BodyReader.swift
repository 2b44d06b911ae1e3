import ServerInput
import Hummingbird
import NIOCore
import Synchronization

/// Reads bodies of requests, within limits on each and on all of them together.
final class BodyReader: Sendable {
    private let limit: Int
    private let limitTogether: Int
    private let taken = Mutex(0)

    init(_ settings: ServerSettings) {
        limit = settings.mostBodyBytes
        limitTogether = max(settings.mostBodyBytesTogether, settings.mostBodyBytes)
    }

    /// How many bytes are being read, or worked on.
    var byteCount: Int { taken.withLock { $0 } }

    /// Reads a body and does something with it; until that is done, its bytes count.
    ///
    /// - Throws: ``Problem`` where it is too long, or too many are read at once, or it was cut off; what `body` throws.
    func withBody<Value>(of request: Request, _ body: ([UInt8]) async throws -> Value) async throws -> Value {
        let stated = request.headers[.contentLength].flatMap { Int($0) }
        guard (stated ?? 0) <= limit else { throw Problem.tooLong(limit: limit) }
        var reserved = 0
        defer { taken.withLock { $0 -= reserved } }
        try reserve(stated ?? 0, &reserved)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(stated ?? 0)
        var parts = request.body.makeAsyncIterator()
        while let part = try await Self.next(of: &parts) {
            guard bytes.count + part.readableBytes <= limit else { throw Problem.tooLong(limit: limit) }
            try reserve(max(0, bytes.count + part.readableBytes - reserved), &reserved)
            bytes.append(contentsOf: part.readableBytesView)
        }
        if let stated, bytes.count != stated { throw Problem.cutOff }
        return try await body(bytes)
    }

    private static func next(of parts: inout RequestBody.AsyncIterator) async throws(Problem) -> ByteBuffer? {
        do {
            return try await parts.next()
        } catch {
            // What the parser says of it, or the connection.
            throw Problem.cutOff
        }
    }

    private func reserve(_ count: Int, _ reserved: inout Int) throws {
        let isRoom = taken.withLock { taken in
            guard taken + count <= limitTogether else { return false }
            taken += count
            return true
        }
        guard isRoom else { throw Problem.tooManyBodies }
        reserved += count
    }
}
