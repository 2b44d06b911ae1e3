import Foundation
import ServerInput
import TestSupport
import Testing

@testable import Server

/// More requests than one at a time.
@Suite struct LoadTests {
    @Test("questions that arrive together are answered in one batch, each with its own answers")
    func batch() async throws {
        let alone = try await TestedServer()
        let together = try await TestedServer { settings in
            settings.windowSeconds = 600
            settings.mostBatch = 6
        }
        let requests = try (0..<6).map {
            try TestedServer.question(
                "is number \($0) red?", about: TestedServer.regions($0, count: $0 % 3 + 1))
        }
        func scores(_ answer: HTTPAnswer) throws -> [Double] {
            #expect(answer.status == 200, "\(answer.text)")
            let first = try #require((try answer.json()["answers"] as? [[String: Any]])?.first)
            return try #require(first["answers"] as? [[String: Any]]).map {
                try #require($0["score"] as? Double)
            }
        }
        let connections = try requests.map { request in
            let connection = try HTTPConnection(port: together.port)
            connection.send(request)
            return connection
        }
        for (connection, request) in zip(connections, requests) {
            let found = try scores(try #require(await connection.response()))
            let other = try HTTPConnection(port: alone.port)
            other.send(request)
            let expected = try scores(try #require(await other.response()))
            #expect(found.count == 3 && zip(found, expected).allSatisfy { abs($0 - $1) < 1e-5 })
        }
        #expect(try await together.metric("rwsan_batch_questions_count") == 1)
        #expect(try await together.metric("rwsan_batch_questions_sum") == 6)
        #expect(try await alone.metric("rwsan_batch_questions_count") == 6)
    }

    /// A server that has questions wait for long, with one that waits.
    private func waiting(_ change: (inout ServerSettings) -> Void = { _ in }) async throws
        -> (TestedServer, HTTPConnection)
    {
        let server = try await TestedServer { settings in
            settings.windowSeconds = 600
            change(&settings)
        }
        let connection = try HTTPConnection(port: server.port)
        connection.send(try TestedServer.question("is it red?", about: TestedServer.regions(1)))
        try await server.wait(until: "rwsan_waiting_questions", is: 1)
        return (server, connection)
    }

    @Test("where as much waits as may wait, the next is refused at once, and told when to come again")
    func fullQueue() async throws {
        let (server, first) = try await waiting { $0.queue = 1 }
        let other = try HTTPConnection(port: server.port)
        other.send(try TestedServer.question("is it blue?", about: TestedServer.regions(2)))
        let refused = try #require(await other.response())
        try refused.expectProblem(503, "queue-full")
        #expect(refused.headers["retry-after"] == "1")
        first.leave()
        try await server.wait(until: "rwsan_waiting_questions", is: 0)
        #expect(try await server.metric("rwsan_requests_total{path=\"/v1/answers\",outcome=\"busy\"}") == 1)
    }

    @Test("a client that goes away has its place taken by others")
    func left() async throws {
        let (server, first) = try await waiting()
        first.leave()
        try await server.wait(until: "rwsan_waiting_questions", is: 0)
        try await server.wait(until: "rwsan_requests_total{path=\"/v1/answers\",outcome=\"left\"}", is: 1)
    }

    @Test("a request that waits for too long is told so, and gives up its place")
    func deadline() async throws {
        let server = try await TestedServer { settings in
            settings.windowSeconds = 600
            settings.deadlineSeconds = 0.3
        }
        let first = try HTTPConnection(port: server.port)
        first.send(try TestedServer.question("is it red?", about: TestedServer.regions(1)))
        let late = try #require(await first.response())
        try late.expectProblem(503, "deadline")
        #expect(late.headers["retry-after"] != nil)
        #expect(try await server.metric("rwsan_waiting_questions") == 0)
        #expect(try await server.metric("rwsan_requests_total{path=\"/v1/answers\",outcome=\"late\"}") == 1)
    }

    @Test("what makes a model overflow is refused, and those that were asked together with it are answered")
    func overflow() async throws {
        let server = try await TestedServer { settings in
            settings.windowSeconds = 600
            settings.mostBatch = 2
        }
        let huge = try TestedServer.overflowing()
        let (bad, good) = (try HTTPConnection(port: server.port), try HTTPConnection(port: server.port))
        bad.send(try TestedServer.question("is it red?", about: huge))
        good.send(try TestedServer.question("is it red?", about: TestedServer.regions(1)))
        try #require(await bad.response()).expectProblem(422, "no-numbers")
        #expect(await good.response()?.status == 200)
        #expect(server.notices.lines.count == 1)
    }

    @Test("explanations that wait are limited, and let questions by")
    func explanations() {
        let queue = WorkQueue<TestJob>(limit: 10, limitAlone: 2)
        #expect(queue.add([TestJob(1, isDoneAlone: true), TestJob(2, isDoneAlone: true)]))
        #expect(!queue.add([TestJob(3, isDoneAlone: true)]))
        #expect(queue.add([TestJob(4), TestJob(5)]))
        #expect(queue.next(upTo: 8, waiting: 0)?.map(\.number) == [1])
        #expect(queue.next(upTo: 8, waiting: 0)?.map(\.number) == [2])
        #expect(queue.add([TestJob(6, isDoneAlone: true), TestJob(7)]))
        #expect(queue.next(upTo: 8, waiting: 0)?.map(\.number) == [4, 5, 7])
        queue.close()
        #expect(queue.next(upTo: 8, waiting: 0)?.map(\.number) == [6])
        #expect(queue.next(upTo: 8, waiting: 0) == nil)
        #expect(!queue.add([TestJob(8)]))
    }

    private struct TestJob: QueuedJob {
        let number: Int
        let isDoneAlone: Bool
        var isEnded: Bool { false }

        init(_ number: Int, isDoneAlone: Bool = false) {
            self.number = number
            self.isDoneAlone = isDoneAlone
        }
    }
}
