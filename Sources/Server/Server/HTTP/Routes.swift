import Hummingbird

/// An address of the server, and what it gives.
struct Route: Sendable {
    /// What a request is answered from.
    typealias Answer = @Sendable (_ request: Request, _ scope: RequestScope) async throws -> Reply

    /// `GET` or `POST`.
    let method: String
    /// The path.
    let path: String
    /// Whether no key is asked for.
    var isOpen = false
    let answer: Answer
}

/// A response before it is sent.
struct Reply: Sendable {
    var status = HTTPResponse.Status.ok
    var contentType = "application/json"
    var headers = HTTPFields()
    let body: [UInt8]

    /// A body of JSON.
    init(json value: some Encodable) { body = Self.json(value) }

    /// A body of any type, as it is.
    init(_ body: [UInt8], contentType: String) {
        (self.body, self.contentType) = (body, contentType)
    }

    /// What a problem is answered with.
    init(_ problem: Problem) {
        status = problem.status
        contentType = "application/problem+json"
        headers = problem.headers
        body = problem.json
    }
}
