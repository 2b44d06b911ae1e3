/// Where a server listens, and how much it takes on.
public struct ServerSettings: Sendable {
    /// The address or name to listen on; other machines reach the server only where it is not this machine's own.
    public var host = "127.0.0.1"
    /// The port; 0 for one that is free.
    public var port = 8080
    /// The keys that requests may bear; none for a server that asks for none.
    public var keys: [String] = []
    /// The origin whose pages in browsers may use the server; nil for its own alone.
    public var allowedOrigin: String?

    /// The most questions that are answered together.
    public var mostBatch = 64
    /// How long the first of them waits for others, in seconds.
    public var windowSeconds = 0.002
    /// The most questions that wait.
    public var queue = 512
    /// The most images that wait to be looked at.
    public var pictureQueue = 32
    /// How long a request may take from its head to its answer, in seconds.
    public var deadlineSeconds = 30.0
    /// How long sending a request may take, and how long a connection may be idle, in seconds.
    public var sendingSeconds = 20.0

    /// The most bytes of a request's body.
    public var mostBodyBytes = 16 << 20
    /// The most bytes of all bodies that are read at once.
    public var mostBodyBytesTogether = 128 << 20
    /// The most pixels of a picture.
    public var mostPixels = 32_000_000
    /// The most bytes of images that are kept.
    public var keptBytes = 256 << 20
    /// The most connections.
    public var mostConnections = 1000

    /// The defaults of the properties.
    public init() {}

    /// Whether nobody but this machine reaches the server.
    public var isLoopback: Bool { Self.isLoopback(host) }

    /// Whether a name or an address is this machine's own.
    package static func isLoopback(_ host: String) -> Bool {
        let host = host.lowercased()
        guard host != "localhost", host != "::1", host != "[::1]" else { return true }
        let numbers = host.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        return numbers.count == 4 && numbers.first == 127 && !numbers.contains(nil)
    }
}
