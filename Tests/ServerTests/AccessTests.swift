import ServerInput
import TestSupport
import Testing

@testable import Server

/// Who may use a server.
@Suite struct AccessTests {
    private static let key = "a-key-of-some-length"

    @Test("a server with keys asks for one of them, but for what says whether it runs and what it takes")
    func keys() async throws {
        let server = try await TestedServer { $0.keys = ["another-key-of-some-length", Self.key] }
        for path in ["/v1/model", "/metrics"] {
            let refused = try await server.send("GET", path)
            try refused.expectProblem(401, "wrong-key", saying: "Authorization: Bearer")
            #expect(refused.headers["www-authenticate"] == "Bearer")
            for wrong in [
                Self.key, "Basic \(Self.key)", "Bearer", "Bearer ", "Bearer \(Self.key)x",
                "Bearer \(Self.key.dropLast())",
            ] {
                let other = try await server.send("GET", path, headers: ["Authorization": wrong])
                #expect(other.status == 401, "\(wrong)")
            }
            for key in ["another-key-of-some-length", Self.key] {
                #expect(
                    try await server.send("GET", path, headers: ["Authorization": "Bearer \(key)"]).status
                        == 200)
            }
        }
        #expect(try await server.post("/v1/answers", [:]).status == 401)
        for path in ["/health/live", "/health/ready", "/openapi.json"] {
            #expect(try await server.send("GET", path).status == 200)
        }
    }

    @Test("a server for this machine answers to names of this machine alone")
    func hosts() async throws {
        let server = try await TestedServer()
        for host in ["localhost", "LOCALHOST:1", "127.0.0.1:\(server.port)", "127.8.9.10", "[::1]:80"] {
            #expect(
                try await server.send("GET", "/v1/model", headers: ["Host": host]).status == 200, "\(host)")
        }
        for host in [
            "example.org", "localhost.example.org", "127.0.0.1.example.org", "10.0.0.1", "[::2]",
            "127.0.0.256",
        ] {
            try await server.send("GET", "/v1/model", headers: ["Host": host]).expectProblem(
                403, "other-host")
        }
    }

    @Test("pages of other servers may neither send requests nor read answers")
    func foreignPages() async throws {
        let server = try await TestedServer()
        for origin in [
            "https://example.org", "null", "http://localhost:1",
            "http://localhost.example.org:\(server.port)",
        ] {
            let refused = try await server.send("GET", "/v1/model", headers: ["Origin": origin])
            try refused.expectProblem(403, "other-origin")
            #expect(refused.headers["access-control-allow-origin"] == nil)
        }
        let own = "localhost:\(server.port)"
        let page = try await server.send(
            "GET", "/v1/model", headers: ["Host": own, "Origin": "http://\(own)"])
        #expect(page.status == 200)
    }

    @Test(
        "pages of an origin that is allowed may do both, and their browsers' questions are answered without a key"
    )
    func allowedPages() async throws {
        let server = try await TestedServer { settings in
            settings.allowedOrigin = "https://example.org"
            settings.keys = [Self.key]
        }
        let answer = try await server.send(
            "GET", "/v1/model",
            headers: ["Origin": "https://example.org", "Authorization": "Bearer \(Self.key)"])
        #expect(answer.status == 200)
        #expect(answer.headers["access-control-allow-origin"] == "https://example.org")
        #expect(answer.headers["vary"] == "Origin")
        let asked = ["Access-Control-Request-Method": "POST", "Origin": "https://example.org"]
        let preflight = try await server.send("OPTIONS", "/v1/answers", headers: asked)
        #expect(preflight.status == 204)
        #expect(preflight.headers["access-control-allow-methods"] == "POST")
        #expect(preflight.headers["access-control-allow-headers"]?.contains("Authorization") == true)
        let others = asked.merging(["Origin": "https://example.com"]) { $1 }
        #expect(try await server.send("OPTIONS", "/v1/answers", headers: others).status == 403)
    }
}
