import Archives
import Foundation
import HTTPTypes
import ServerInput
import Torch
import VisualQuestionAnswering

/// Why a request is not answered, as RFC 9457 has it (`application/problem+json`).
struct Problem: Error, Sendable {
    /// The status.
    let status: HTTPResponse.Status
    /// Which problem it is, for programs.
    let kind: String
    /// Which problem it is, in some words that are always the same.
    let title: String
    /// What was found, and what to do, in one line.
    let detail: String
    /// Headers that the answer has besides.
    var headers = HTTPFields()

    init(_ status: HTTPResponse.Status, _ kind: String, _ title: String, _ detail: String) {
        (self.status, self.kind, self.title, self.detail) = (status, kind, title, detail)
    }

    /// The same with a header that says when to come again.
    func after(seconds: Int) -> Problem {
        var problem = self
        problem.headers[.retryAfter] = "\(seconds)"
        return problem
    }

    /// The body.
    var json: [UInt8] {
        struct Body: Encodable {
            let type: String
            let title: String
            let status: Int
            let detail: String
        }
        return Reply.json(
            Body(type: "tag:rwsan,2026:" + kind, title: title, status: status.code, detail: detail))
    }
}

// MARK: - What can be wrong

extension Problem {
    static func noSuchAddress(_ known: [String]) -> Problem {
        Problem(
            .notFound, "no-such-address", "There is no such address",
            "expected one of \(known.joined(separator: ", "))")
    }

    static func otherMethod(_ allowed: [String]) -> Problem {
        var problem = Problem(
            .methodNotAllowed, "other-method", "The address takes another method",
            "expected \(allowed.joined(separator: " or "))")
        problem.headers[.allow] = allowed.joined(separator: ", ")
        return problem
    }

    static let wrongKey: Problem = {
        var problem = Problem(
            .unauthorized, "wrong-key", "The server asks for a key",
            "expected a header 'Authorization: Bearer KEY' with a key of the server, found none or another")
        problem.headers[.wwwAuthenticate] = "Bearer"
        return problem
    }()

    static let otherHost = Problem(
        .forbidden, "other-host", "The request is for another server",
        "expected a header Host with a name of this machine, such as localhost, found another")

    static let otherOrigin = Problem(
        .forbidden, "other-origin", "Pages of other servers may not use this one",
        "expected a page of this server, or of the origin that --allow-origin names, found another")

    static func tooLong(limit: Int) -> Problem {
        Problem(
            .contentTooLarge, "body-too-long", "The body is too long",
            "expected at most \(limit) bytes, found more: send a smaller picture")
    }

    static func tooManyPixels(limit: Int, found: Int) -> Problem {
        Problem(
            .contentTooLarge, "too-many-pixels", "The picture is too large",
            "picture: expected at most \(limit) pixels, found \(found): send it smaller")
    }

    static let cutOff = Problem(
        .badRequest, "malformed-request", "The request is malformed",
        "the body: expected as many bytes as Content-Length says, or whole chunks, found an end before or something else"
    )

    static func notKept(_ id: String) -> Problem {
        Problem(
            .notFound, "no-such-picture", "There is no such picture",
            "pictureId: expected the id of a picture that was sent lately, found another: send the picture again"
        )
    }

    static let featuresNotTaken = Problem(
        .unprocessableContent, "features-not-taken", "The model takes no features",
        "features: the model looks at pictures themselves: send picture")

    static func picturesNotTaken<Success>(_ reason: Result<Success, any Error>) -> Problem {
        Problem(
            .unprocessableContent, "pictures-not-taken", "The server takes no pictures",
            "picture: nothing here makes regions of pictures as the model wants them: send features, or start the "
                + "server with what it said at its start")
    }

    static func otherWidth(expected: Int, found: Int) -> Problem {
        Problem(
            .unprocessableContent, "other-features", "The features are of another kind",
            "features: expected \(expected) numbers a region, as the model takes them, found \(found)")
    }

    static let queueFull = Problem(
        .serviceUnavailable, "queue-full", "The server is busy",
        "as much waits as may wait: come again later, or raise --queue or --picture-queue"
    ).after(seconds: 1)

    static let tooManyBodies = Problem(
        .serviceUnavailable, "queue-full", "The server is busy",
        "too much is being sent at once: come again later"
    ).after(seconds: 1)

    static let tooLate = Problem(
        .serviceUnavailable, "deadline", "The time of the request is over",
        "it waited for longer than the server lets a request wait (--deadline): come again later"
    ).after(seconds: 2)

    static let stopping = Problem(
        .serviceUnavailable, "stopping", "The server is stopping", "it takes no more requests: ask another"
    ).after(seconds: 5)

    /// The client has gone; nobody reads this.
    static let left = Problem(
        .badRequest, "left", "The client has gone", "the connection was closed before the answer")

    /// What an error of the work comes to.
    ///
    /// - Parameter error: Any error.
    init(_ error: any Error) {
        switch error {
        case let problem as Problem: self = problem
        case let error as RequestError where error.kind == .unsupportedType:
            self.init(
                .unsupportedMediaType, "other-type", "The body is of a type that is not read",
                error.description)
        case let error as RequestError:
            self.init(.badRequest, "malformed-request", "The request is malformed", error.description)
        case let error as PictureError:
            if case .unacceptableSize = error.problem {
                self.init(.contentTooLarge, "too-many-pixels", "The picture is too large", "\(error)")
            } else {
                self.init(
                    .unprocessableContent, "unreadable-picture", "The picture cannot be read", "\(error)")
            }
        case is ArchiveError, is NPZError, is RegionFeaturesError:
            self.init(
                .unprocessableContent, "unreadable-features", "The features cannot be read", "\(error)")
        case is LogitsNotFiniteError:
            self.init(
                .unprocessableContent, "no-numbers", "The model answers with no numbers",
                "the features make the model overflow: send others, or mend the checkpoint")
        case is AttentionError, is AttentionChoiceError:
            self.init(
                .unprocessableContent, "not-explained", "The answer cannot be explained so", "\(error)")
        default:
            self.init(
                .internalServerError, "failure", "The server could not do it",
                "the server has written down why; come again later")
        }
    }

    /// Whether it is the server's own fault, for which it gives a reason.
    var isFailure: Bool { kind == "failure" }
}
