import ArgumentParser
import FileSystem
import Foundation
import ServerInput

/// Where a server listens, and how much it takes on.
struct ServerOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The address to listen on. Any but this machine's own asks for --api-key-file.",
            valueName: "address"))
    var host = ServerSettings().host
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The port; 0 takes one that is free.", valueName: "number"))
    var port = ServerSettings().port
    @Option(
        help: ArgumentHelp(
            "A file of keys, one a line, of which requests have to bear one (Authorization: Bearer KEY).",
            valueName: "file"))
    var apiKeyFile: String?
    @Option(
        help: ArgumentHelp(
            "The origin, such as https://example.org, whose pages in browsers may use the server; none if not given.",
            valueName: "origin"))
    var allowOrigin: String?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The most questions that are answered together.", valueName: "count"))
    var maxBatch = ServerSettings().mostBatch
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("How long the first of them waits for others.", valueName: "milliseconds"))
    var batchWait = ServerSettings().windowSeconds * 1000
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The most questions that wait; more are refused.", valueName: "count"))
    var queue = ServerSettings().queue
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The most pictures that wait; more are refused.", valueName: "count"))
    var pictureQueue = ServerSettings().pictureQueue
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("How long a request may take before it is given up.", valueName: "seconds"))
    var deadline = ServerSettings().deadlineSeconds
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("How long a client may take to send a request.", valueName: "seconds"))
    var sendTime = ServerSettings().sendingSeconds
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The largest body of a request, in MiB.", valueName: "number"))
    var maxBody = ServerSettings().mostBodyBytes >> 20
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The largest picture, in millions of pixels.", valueName: "number"))
    var maxPixels = ServerSettings().mostPixels / 1_000_000
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How much memory pictures may take that are kept to be asked about again, in MiB.",
            valueName: "number"))
    var keep = ServerSettings().keptBytes >> 20
    @Option(
        parsing: .unconditional, help: ArgumentHelp("The most connections.", valueName: "count"))
    var maxConnections = ServerSettings().mostConnections

    /// What the options ask for.
    ///
    /// - Throws: `ValidationError` where they cannot be; `KeyFileError`.
    func settings() throws -> ServerSettings {
        var settings = ServerSettings()
        settings.host = host
        settings.port = try Self.number(port, "--port", in: 0...65_535)
        settings.allowedOrigin = try allowOrigin.map(Self.origin)
        settings.mostBatch = try Self.number(maxBatch, "--max-batch", in: 1...1024)
        settings.windowSeconds = try Self.number(batchWait, "--batch-wait", in: 0...1000) / 1000
        settings.queue = try Self.number(queue, "--queue", in: 16...100_000)
        settings.pictureQueue = try Self.number(pictureQueue, "--picture-queue", in: 1...10_000)
        settings.deadlineSeconds = try Self.number(deadline, "--deadline", in: 0.1...3600)
        settings.sendingSeconds = try Self.number(sendTime, "--send-time", in: 0.1...3600)
        settings.mostBodyBytes = try Self.number(maxBody, "--max-body", in: 1...1024) << 20
        settings.mostPixels = try Self.number(maxPixels, "--max-pixels", in: 1...100) * 1_000_000
        settings.keptBytes = try Self.number(keep, "--keep", in: 0...1_000_000) << 20
        settings.mostConnections = try Self.number(maxConnections, "--max-connections", in: 1...100_000)
        settings.keys = try apiKeyFile.map(Self.keys) ?? []
        guard settings.isLoopback || !settings.keys.isEmpty else {
            throw ValidationError(
                "--host \(host): expected --api-key-file, for other machines reach the server there")
        }
        return settings
    }

    private static func number<Number: Comparable>(
        _ number: Number, _ name: String, in range: ClosedRange<Number>
    )
        throws -> Number
    {
        guard range.contains(number) else {
            throw ValidationError(
                "\(name): expected \(range.lowerBound) to \(range.upperBound), found \(number)")
        }
        return number
    }

    /// An origin as browsers send it.
    private static func origin(_ text: String) throws -> String {
        let parts = URLComponents(string: text)
        guard let parts, ["http", "https"].contains(parts.scheme), parts.host?.isEmpty == false,
            parts.path.isEmpty,
            parts.query == nil, parts.fragment == nil, parts.user == nil
        else {
            throw ValidationError(
                "--allow-origin: expected an origin such as https://example.org, found '\(text)'")
        }
        return text.lowercased()
    }

    /// A key that is shorter can be guessed.
    private static let shortestKey = 16

    private static func keys(in file: String) throws -> [String] {
        let bytes: Data
        do {
            bytes = try SmallFile.contents(of: file, byteLimit: 1 << 20)
        } catch let error as SmallFileError {
            throw KeyFileError(file: file, reason: "\(error)")
        } catch {
            throw KeyFileError(file: file, reason: "cannot be read: \(systemReason(of: error))")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw KeyFileError(file: file, reason: "expected a key a line, found bytes that are no text")
        }
        let keys = text.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
            .filter { !$0.isEmpty }
        guard !keys.isEmpty else {
            throw KeyFileError(file: file, reason: "expected a key a line, found none")
        }
        for (number, key) in keys.enumerated() {
            guard key.utf8.count >= shortestKey, key.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
                throw KeyFileError(
                    file: file,
                    reason:
                        "key \(number + 1): expected at least \(shortestKey) letters, digits and signs of ASCII"
                )
            }
        }
        return keys
    }
}

/// A file of keys that is none. No key is in the text.
private struct KeyFileError: Error, CustomStringConvertible {
    let file: String
    let reason: String
    var description: String { "\(file): \(reason)" }
}
