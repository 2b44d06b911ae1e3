import Foundation
import TestSupport
import Testing
import VisualQuestionAnswering

@testable import Server

/// What the server says of itself.
@Suite struct DocumentTests {
    @Test("the document has the addresses that there are, with their methods, and no others")
    func addresses() async throws {
        let server = try await TestedServer()
        let document = try await server.send("GET", "/openapi.json").json()
        #expect(document["openapi"] as? String == "3.1.0")
        #expect((document["info"] as? [String: Any])?["version"] as? String == PackageVersion.current)
        #expect(
            try await server.send("GET", "/v1/model").json()["version"] as? String == PackageVersion.current)
        let paths = try #require(document["paths"] as? [String: [String: Any]])
        var described: Set<String> = []
        for (path, methods) in paths {
            for method in methods.keys { described.insert("\(method.uppercased()) \(path)") }
        }
        // Each address is known, and takes no other method.
        for path in paths.keys {
            let allowed = try await server.send("DELETE", path)
            #expect(allowed.status == 405)
            let methods = Set(try #require(allowed.headers["allow"]).components(separatedBy: ", "))
                .subtracting(["HEAD"])
            #expect(
                methods
                    == Set(
                        described.filter { $0.hasSuffix(" " + path) }.map { String($0.prefix { $0 != " " }) })
            )
        }
        let known = try await server.send("GET", "/nothing").json()["detail"] as? String
        for path in paths.keys { #expect(known?.contains(path) == true) }
        #expect(known?.components(separatedBy: ", ").count == paths.count)
    }

    @Test(
        "metrics are in the text form of Prometheus: every line is a comment or a number, each name has a type"
    )
    func metrics() async throws {
        let server = try await TestedServer()
        _ = try await server.post("/v1/answers", [:])
        let answer = try await server.send("GET", "/metrics")
        #expect(answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
        var types: Set<String> = []
        for line in answer.text.split(separator: "\n") {
            if line.hasPrefix("# TYPE ") { types.insert(String(line.split(separator: " ")[2])) }
            guard !line.hasPrefix("#") else { continue }
            let match = try #require(
                line.wholeMatch(of: /([a-z_]+)(\{([a-z]+="[^"\\]*",?)+\})? ([0-9.e+-]+)/), "\(line)")
            let name = String(match.1).replacing(/_(bucket|sum|count)$/, with: "")
            #expect(types.contains(name) || types.contains(String(match.1)), "\(line)")
        }
        let refused = try await server.metric(
            "rwsan_requests_total{path=\"/v1/answers\",outcome=\"refused\"}")
        #expect(refused == 1)
    }

    @Test("a histogram counts what is at most as large as each of its ends")
    func histogram() {
        var histogram = Histogram([1, 2])
        for value in [0.5, 1, 1.5, 3] { histogram.add(value) }
        #expect(
            histogram.lines("x", "a=\"b\"") == [
                "x_bucket{a=\"b\",le=\"1.0\"} 2", "x_bucket{a=\"b\",le=\"2.0\"} 3",
                "x_bucket{a=\"b\",le=\"+Inf\"} 4",
                "x_sum{a=\"b\"} 6.0", "x_count{a=\"b\"} 4",
            ])
    }
}
