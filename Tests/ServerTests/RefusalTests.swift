import Foundation
import ServerInput
import TestSupport
import Testing
import VQAFeatures

@testable import Server

/// Requests that are not answered, and what is said of each.
@Suite struct RefusalTests {
    @Test("an address that is not there, and one that takes another method, are told")
    func addresses() async throws {
        let server = try await TestedServer()
        try await server.send("GET", "/v1/answer").expectProblem(
            404, "no-such-address", saying: "/v1/answers")
        let other = try await server.send("GET", "/v1/answers")
        try other.expectProblem(405, "other-method", saying: "POST")
        #expect(other.headers["allow"] == "POST")
        #expect(try await server.send("POST", "/metrics").headers["allow"] == "GET, HEAD")
        let head = try await server.send("HEAD", "/v1/model")
        #expect(head.status == 200 && head.body.isEmpty && head.headers["content-length"] != "0")
    }

    @Test("a body that is longer than bodies may be is refused, whether its length is stated or not")
    func longBodies() async throws {
        let server = try await TestedServer { $0.mostBodyBytes = 1000 }
        let body = [UInt8](repeating: 0x20, count: 1001)
        try await server.send(
            "POST", "/v1/answers", headers: ["Content-Type": "application/json"], body: body
        )
        .expectProblem(413, "body-too-long", saying: "1000 bytes")
        let connection = try HTTPConnection(port: server.port)
        let chunk = "1f4\r\n" + String(repeating: " ", count: 500) + "\r\n"
        connection.send(
            "POST /v1/answers HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
                + "Content-Type: application/json\r\n\r\n" + chunk + chunk + chunk)
        try #require(await connection.response()).expectProblem(413, "body-too-long")
        #expect(try await server.metric("rwsan_body_bytes") == 0)
    }

    @Test("where too many bytes are sent at once, the next is refused")
    func manyBodies() async throws {
        let server = try await TestedServer { settings in
            settings.mostBodyBytes = 1000
            settings.mostBodyBytesTogether = 1500
        }
        let first = try HTTPConnection(port: server.port)
        first.send("POST /v1/answers HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n ")
        try await server.wait(until: "rwsan_body_bytes", is: 1000)
        let refused = try await server.send(
            "POST", "/v1/answers", body: [UInt8](repeating: 0x20, count: 600))
        try refused.expectProblem(503, "queue-full")
        #expect(refused.headers["retry-after"] == "1")
        first.leave()
        try await server.wait(until: "rwsan_body_bytes", is: 0)
    }

    @Test("a picture that states more pixels than pictures may have is refused before it is decoded")
    func bombs() async throws {
        let server = try await TestedServer(.pictures) { $0.mostPixels = 1000 }
        // 60,000 x 60,000 pixels in 33 bytes.
        var png: [UInt8] = [
            0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52,
        ]
        png += [0, 0, 0xEA, 0x60, 0, 0, 0xEA, 0x60, 8, 2, 0, 0, 0, 0, 0, 0, 0]
        try await ask(server, ["picture": Data(png).base64EncodedString()])
            .expectProblem(413, "too-many-pixels", saying: "3600000000")
        let whole = try Data(contentsOf: Fixtures.url("hub/pictures/a_landscape.png"))
        try await ask(server, ["picture": whole.base64EncodedString()])
            .expectProblem(413, "too-many-pixels", saying: "1000 pixels")
    }

    @Test("pictures and features that cannot be read, or are of another kind, are told")
    func unreadable() async throws {
        let server = try await TestedServer(.pictures)
        let picture = try Data(contentsOf: Fixtures.url("hub/pictures/a_landscape.png"))
        func sent(_ name: String, _ bytes: Data) -> [String: Any] { [name: bytes.base64EncodedString()] }
        try await ask(server, sent("picture", Data("a text".utf8)))
            .expectProblem(422, "unreadable-picture", saying: "picture: expected a PNG")
        try await ask(server, sent("picture", picture.prefix(picture.count / 2)))
            .expectProblem(422, "unreadable-picture", saying: "truncated or damaged")
        try await ask(server, sent("picture", Data())).expectProblem(
            422, "unreadable-picture", saying: "no bytes")
        try await ask(server, sent("features", Data(try TestedServer.file(TestedServer.regions(1)))))
            .expectProblem(422, "features-not-taken", saying: "send picture")
        try await ask(server, ["pictureId": "nothing"]).expectProblem(
            404, "no-such-picture", saying: "send the picture")

        let other = try await TestedServer()
        try await ask(other, sent("features", picture)).expectProblem(
            422, "unreadable-features", saying: "features")
        let narrow = try RegionFeatures(
            width: 8, features: [Float](repeating: 1, count: 8), boxes: [0, 0, 1, 1], imageHeight: 1,
            imageWidth: 1)
        try await ask(other, sent("features", Data(try TestedServer.file(narrow))))
            .expectProblem(
                422, "other-features",
                saying: "expected 24 numbers a region, as the model takes them, found 8")
        #expect(server.notices.lines.isEmpty)
    }

    @Test("what cannot be explained is told")
    func explanations() async throws {
        let server = try await TestedServer()
        let file = Data(try TestedServer.file(TestedServer.regions(1))).base64EncodedString()
        let far = ["features": file, "explain": "attention", "layer": 99] as [String: Any]
        try await ask(server, far).expectProblem(422, "not-explained", saying: "99")
    }

    @Test("a body that is malformed, or of a type that is not read, is told")
    func malformed() async throws {
        let server = try await TestedServer()
        try await server.post("/v1/answers", ["questions": []]).expectProblem(400, "malformed-request")
        try await server.send("POST", "/v1/answers", body: [1]).expectProblem(
            415, "other-type", saying: "found none")
        try await server.post("/v1/features", ["pictureId": "x", "questions": ["a"]])
            .expectProblem(400, "malformed-request", saying: "questions")
    }

    private func ask(_ server: TestedServer, _ fields: [String: Any]) async throws -> HTTPAnswer {
        try await server.post("/v1/answers", fields.merging(["questions": ["what?"]]) { $1 })
    }
}
