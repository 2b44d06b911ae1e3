import Foundation
import ServerInput
import Synchronization
import TestSupport
import Testing
import VQADatasets
import VQAFeatures
import VQASettings
import VQATraining
import VisualQuestionAnswering

@testable import Server

/// A server in this process, on a port of its own, until the test lets go of it.
final class TestedServer: Sendable {
    let port: Int
    /// What it has written down.
    let notices: Notices
    private let task: Task<Void, any Error>
    private let folder: TemporaryFolder

    /// Lines that were told.
    final class Notices: Sendable {
        private let told = Mutex<[String]>([])
        var lines: [String] { told.withLock { $0 } }
        func add(_ line: String) { told.withLock { $0.append(line) } }
    }

    /// Which model is served.
    enum Model {
        /// RWSAN, small, which takes features 24 wide.
        case features
        /// ViLT, small, which looks at pictures.
        case pictures
    }

    /// Starts a server.
    init(_ model: Model = .features, _ change: (inout ServerSettings) -> Void = { _ in }) async throws {
        var settings = ServerSettings()
        settings.port = 0
        settings.windowSeconds = 0
        // Other tests may have the processor for long.
        settings.sendingSeconds = 600
        settings.deadlineSeconds = 600
        change(&settings)
        let folder = try TemporaryFolder()
        let notices = Notices()
        let server = try AnswerServer(Self.answerer(model, folder), settings, onNotice: notices.add)
        let (ports, told) = AsyncStream<Int>.makeStream()
        task = Task.detached { try await server.runUntilCancelled { told.yield($0) } }
        self.folder = folder
        self.notices = notices
        port = try #require(await ports.first { _ in true })
    }

    deinit { task.cancel() }

    /// A model for questions asked without a server.
    static func answerer(_ model: Model, _ folder: TemporaryFolder) throws -> Answerer {
        var options = Answerer.Options()
        options.device = .cpu
        if model == .pictures { return try Answerer(publishedModel: Fixtures.url("hub/vilt").path, options) }
        var configuration = Configuration()
        for (key, text) in MiniRun.settings { try configuration.set(key, to: SettingValue(parsing: text)) }
        var checkpoint = Checkpoint(weights: try Checkpoint(contentsOf: MiniRun.checkpoint(2).path).weights)
        checkpoint.settings = configuration.dictionary
        checkpoint.vocabulary = try OfficialDataset(MiniRun.datasets).vocabulary()
        checkpoint.answers = try AnswerList(contentsOf: MiniRun.answers)
        try checkpoint.write(to: folder.file("mini.safetensors"))
        return try Answerer(checkpoint: folder.file("mini.safetensors"), options)
    }

    /// Regions for the model that takes features, others for each number.
    static func regions(_ number: Int, count: Int = 3) throws -> RegionFeatures {
        let features = (0..<count * 24).map { Float(($0 * 7 + number * 5) % 11) / 11 - 0.4 }
        let boxes: [Float] = (0..<count).flatMap { [Float($0), 0, Float($0 + 2), 2] }
        return try RegionFeatures(width: 24, features: features, boxes: boxes, imageHeight: 4, imageWidth: 20)
    }

    /// Regions that make the model overflow.
    static func overflowing() throws -> RegionFeatures {
        let features = (0..<48).map { $0 % 2 == 0 ? Float(3e38) : -3e38 }
        return try RegionFeatures(
            width: 24, features: features, boxes: [0, 0, 1, 1, 0, 0, 2, 2], imageHeight: 4, imageWidth: 4)
    }

    /// The same as a file.
    static func file(_ regions: RegionFeatures) throws -> [UInt8] {
        let folder = try TemporaryFolder()
        try regions.writeOfficialFile(to: folder.file("features.npz"))
        return try folder.bytes(of: "features.npz")
    }

    // MARK: - Requests

    /// Sends one request on a connection of its own.
    func send(
        _ method: String, _ path: String, headers: [String: String] = [:], body: [UInt8] = []
    ) async throws -> HTTPAnswer {
        let connection = try HTTPConnection(port: port)
        connection.send(Self.request(method, path, headers: headers, body: body))
        return try #require(await connection.response(to: method), "no response to \(method) \(path)")
    }

    /// Sends JSON.
    func post(_ path: String, _ json: [String: Any], headers: [String: String] = [:]) async throws
        -> HTTPAnswer
    {
        let body = [UInt8](try JSONSerialization.data(withJSONObject: json))
        return try await send(
            "POST", path, headers: headers.merging(["Content-Type": "application/json"]) { $1 }, body: body)
    }

    /// The bytes of a request.
    static func request(_ method: String, _ path: String, headers: [String: String] = [:], body: [UInt8] = [])
        -> [UInt8]
    {
        var head = "\(method) \(path) HTTP/1.1\r\n"
        let usual = ["Host": "localhost", "Content-Length": "\(body.count)"]
        for (name, value) in usual.merging(headers, uniquingKeysWith: { $1 }) {
            head += "\(name): \(value)\r\n"
        }
        return Array((head + "\r\n").utf8) + body
    }

    /// The bytes of a request that asks about features.
    static func question(_ question: String, about regions: RegionFeatures) throws -> [UInt8] {
        let json: [String: Any] = [
            "features": Data(try file(regions)).base64EncodedString(), "questions": [question],
        ]
        return request(
            "POST", "/v1/answers", headers: ["Content-Type": "application/json"],
            body: [UInt8](try JSONSerialization.data(withJSONObject: json)))
    }

    /// The value of a metric; nil where it is not there.
    func metric(_ name: String) async throws -> Double? {
        let text = try await send("GET", "/metrics").text
        return text.split(separator: "\n").first { $0.hasPrefix(name + " ") }
            .flatMap { Double($0.dropFirst(name.count + 1)) }
    }

    /// Waits until a metric has a value; a test fails where that takes too long.
    func wait(until name: String, is value: Double) async throws {
        let end = ContinuousClock.now + .seconds(300)
        while try await metric(name) != value {
            try #require(ContinuousClock.now < end, "\(name) did not become \(value)")
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}
