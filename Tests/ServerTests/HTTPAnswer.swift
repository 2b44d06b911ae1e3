import Foundation
import TestSupport
import Testing

extension HTTPAnswer {
    /// The body as JSON.
    func json() throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(body)) as? [String: Any], "\(text)")
    }

    /// Holds that it is a problem in the form of RFC 9457, in one line.
    func expectProblem(
        _ status: Int, _ kind: String, saying words: String = "",
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        #expect(self.status == status, "\(text)", sourceLocation: sourceLocation)
        #expect(headers["content-type"] == "application/problem+json", sourceLocation: sourceLocation)
        let json = try json()
        #expect(
            json["type"] as? String == "tag:rwsan,2026:" + kind, "\(text)", sourceLocation: sourceLocation)
        #expect(json["status"] as? Int == status, sourceLocation: sourceLocation)
        let detail = try #require(json["detail"] as? String, sourceLocation: sourceLocation)
        #expect(
            (words.isEmpty || detail.contains(words)) && !detail.contains(where: \.isNewline), "\(detail)",
            sourceLocation: sourceLocation)
        #expect((json["title"] as? String)?.isEmpty == false, sourceLocation: sourceLocation)
    }
}
