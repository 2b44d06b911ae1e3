import ServerInput
import TestSupport
import Testing

@testable import Server

/// Clients that are slow, rude or gone.
@Suite struct ConnectionTests {
    @Test(
        "a connection is kept for the next request, and requests that are sent at once are answered in turn")
    func kept() async throws {
        let server = try await TestedServer()
        let connection = try HTTPConnection(port: server.port)
        let request = TestedServer.request("GET", "/health/live")
        for _ in 0..<3 {
            connection.send(request)
            #expect(await connection.response()?.status == 200)
        }
        connection.send(request + TestedServer.request("GET", "/health/ready") + request)
        for expected in ["live", "ready", "live"] {
            #expect(await connection.response()?.text == "{\"status\":\"\(expected)\"}")
        }
        connection.send(try TestedServer.question("is it red?", about: TestedServer.regions(1)))
        #expect(await connection.response()?.status == 200)
    }

    @Test("a client that takes too long to send a head, or a body, or sends a byte now and then, is cut off")
    func slow() async throws {
        let server = try await TestedServer { $0.sendingSeconds = 0.3 }
        let head = try HTTPConnection(port: server.port)
        head.send("POST /v1/answers HTTP/1.1\r\nHost:")
        let body = try HTTPConnection(port: server.port)
        body.send("POST /v1/answers HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n ")
        let trickle = try HTTPConnection(port: server.port)
        trickle.send("POST /v1/answers HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n")
        for _ in 0..<8 {
            try await Task.sleep(for: .milliseconds(100))
            trickle.send(" ")
        }
        #expect(await head.isClosed())
        #expect(await body.isClosed())
        #expect(await trickle.isClosed())
        try await server.wait(until: "rwsan_body_bytes", is: 0)
        try await server.wait(until: "rwsan_connections", is: 1)
    }

    @Test("a client that takes none of its answers is cut off")
    func takesNothing() async throws {
        let server = try await TestedServer { $0.sendingSeconds = 0.5 }
        let connection = try HTTPConnection(port: server.port)
        // Far more than the system keeps for it.
        let request = TestedServer.request("GET", "/openapi.json")
        connection.send(Array(repeatElement(request, count: 1000).joined()))
        try await server.wait(until: "rwsan_connections", is: 1)
    }

    @Test("an upload that is cut off leaves nothing behind")
    func cut() async throws {
        let server = try await TestedServer()
        for count in [0, 1, 500] {
            let connection = try HTTPConnection(port: server.port)
            connection.send("POST /v1/answers HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n")
            connection.send([UInt8](repeating: 0x20, count: count))
            connection.leave()
        }
        try await server.wait(until: "rwsan_connections", is: 1)
        #expect(try await server.metric("rwsan_body_bytes") == 0)
        #expect(server.notices.lines.count == 1, "what is told at the start")
    }

    @Test(
        "what is no HTTP is refused, and the connection closed",
        arguments: [
            "hello\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
            "POST /v1/answers HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
            "POST /v1/answers HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: localhost\r\n" + String(repeating: "X: y\r\n", count: 2000) + "\r\n",
            "POST /v1/answers HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        ])
    func noHTTP(text: String) async throws {
        let server = try await TestedServer { $0.sendingSeconds = 1 }
        let connection = try HTTPConnection(port: server.port)
        connection.send(text)
        if let answer = await connection.response() { #expect((400..<500).contains(answer.status)) }
        #expect(await connection.isClosed())
        #expect(try await server.send("GET", "/health/live").status == 200)
    }

    @Test("a client that asks first whether to send a body is told to go on, or that it is too long")
    func asksFirst() async throws {
        let server = try await TestedServer { $0.mostBodyBytes = 100 }
        func ask(_ length: Int) throws -> HTTPConnection {
            let connection = try HTTPConnection(port: server.port)
            connection.send(
                "POST /v1/answers HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(length)\r\nExpect: 100-continue\r\n"
                    + "Content-Type: application/json\r\n\r\n")
            return connection
        }
        let short = try ask(2)
        #expect(await short.response()?.status == 100)
        short.send("{}")
        #expect(await short.response()?.status == 400)
        #expect(await (try ask(101)).response()?.status == 413)
    }

    @Test("connections beyond the most that there may be wait until others end")
    func many() async throws {
        let server = try await TestedServer { $0.mostConnections = 2 }
        let first = [try HTTPConnection(port: server.port), try HTTPConnection(port: server.port)]
        for connection in first {
            connection.send(TestedServer.request("GET", "/health/live"))
            #expect(await connection.response()?.status == 200)
        }
        let third = try HTTPConnection(port: server.port)
        third.send(TestedServer.request("GET", "/health/live"))
        first[0].leave()
        #expect(await third.response()?.status == 200)
    }
}
