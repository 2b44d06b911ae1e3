import Foundation
import HTTPTypes
import Hub
import ServerInput
import Hummingbird

/// Who may use the server.
struct AccessRules: Sendable {
    /// The checksums of the keys.
    private let keys: [[UInt8]]
    private let allowedOrigin: String?
    private let isLoopback: Bool

    init(_ settings: ServerSettings) {
        keys = settings.keys.map(Self.checksum)
        allowedOrigin = settings.allowedOrigin
        isLoopback = settings.isLoopback
    }

    /// Makes sure that a request may be answered.
    ///
    /// - Parameter isOpen: Whether the address is for everybody who reaches the server.
    /// - Throws: ``Problem``.
    func check(_ request: Request, isOpen: Bool) throws(Problem) {
        let authority = request.head.authority ?? ""
        // A page elsewhere can have its own name lead to this machine, and would then be of the same origin.
        if isLoopback, !authority.isEmpty, !ServerSettings.isLoopback(Self.host(of: authority)) {
            throw Problem.otherHost
        }
        // A form of another page is sent without asking; only the reading of its answer is not allowed.
        if let origin = request.headers[.origin], origin != allowedOrigin,
            URLComponents(string: origin).map({ Self.authority(of: $0) }) != authority.lowercased()
        {
            throw Problem.otherOrigin
        }
        guard !isOpen, !keys.isEmpty else { return }
        let header = request.headers[.authorization] ?? ""
        let parts = header.split(separator: " ", maxSplits: 1)
        let given = Self.checksum(
            parts.count == 2 && parts[0].lowercased() == "bearer" ? String(parts[1]) : "")
        // All keys are compared, and all bytes of each, so that the time says nothing of how much is right.
        var isKnown = false
        for key in keys {
            let difference = zip(key, given).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) }
            isKnown = (difference == 0 && !given.isEmpty) || isKnown
        }
        guard isKnown else { throw Problem.wrongKey }
    }

    /// The headers that let pages of another origin read an answer.
    func headers(for request: Request) -> HTTPFields {
        var headers = HTTPFields()
        guard let allowedOrigin else { return headers }
        headers[.vary] = "Origin"
        guard request.headers[.origin] == allowedOrigin else { return headers }
        headers[.accessControlAllowOrigin] = allowedOrigin
        return headers
    }

    /// The headers that answer a browser which asks whether its page may send a request.
    func preflight(_ methods: [String]) -> HTTPFields {
        [
            .accessControlAllowMethods: methods.joined(separator: ", "),
            .accessControlAllowHeaders: "Content-Type, Authorization", .accessControlMaxAge: "600",
        ]
    }

    /// Keys are compared by checksums, which are all of one length.
    private static func checksum(_ key: String) -> [UInt8] {
        Array((BlobChecksum.sha256(of: Array(key.utf8)) ?? "").utf8)
    }

    private static func host(of authority: String) -> String {
        if authority.hasPrefix("[") { return String(authority.prefix { $0 != "]" }) + "]" }
        return String(authority.prefix { $0 != ":" })
    }

    private static func authority(of origin: URLComponents) -> String {
        let host = (origin.host ?? "").lowercased()
        return origin.port.map { "\(host):\($0)" } ?? host
    }
}
