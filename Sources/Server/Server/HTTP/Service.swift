import Foundation
import Hub
import Hummingbird
import ServerInput
import VisualQuestionAnswering

/// What the routes give.
struct Service: Sendable {
    let description: ModelDescription
    let vocabulary: Vocabulary
    let settings: ServerSettings
    let metrics: Metrics
    let bodies: BodyReader
    let connections: Connections
    let pictures: PictureWork
    let answers: AnswerWork
    let kept: KeptPictures

    /// The addresses.
    var routes: [Route] {
        [
            Route(method: "POST", path: "/v1/answers", answer: answer),
            Route(method: "POST", path: "/v1/features", answer: features),
            Route(method: "GET", path: "/v1/model") { _, _ in Reply(json: model) },
            Route(method: "GET", path: "/health/live", isOpen: true) { _, _ in Reply(json: ["status": "live"])
            },
            Route(method: "GET", path: "/health/ready", isOpen: true) { _, _ in
                Reply(json: ["status": "ready"])
            },
            Route(method: "GET", path: "/metrics") { _, _ in
                Reply(
                    Array(metrics.text(state).utf8), contentType: "text/plain; version=0.0.4; charset=utf-8")
            },
            Route(method: "GET", path: "/openapi.json", isOpen: true) { _, _ in
                Reply(Self.document, contentType: "application/json")
            },
        ] + Page.routes
    }

    /// What the addresses take and give, with the version that the file leaves open.
    private static let document = Array(
        String(decoding: PackageResources.openapi_json, as: UTF8.self)
            .replacing(
                "\"version\": \"\"", with: "\"version\": \"\(PackageVersion.current)\"", maxReplacements: 1
            ).utf8)

    private var model: ModelReply {
        ModelReply(
            version: PackageVersion.current, model: description.identity, device: description.device,
            precision: description.precision,
            words: description.wordCount, answers: description.answerCount,
            takes: (pictures.areTaken ? ["picture"] : []) + (description.takesFeatures ? ["features"] : []),
            limits: ModelReply.Limits(
                questions: AnswerRequest.mostQuestions, questionBytes: AnswerRequest.longestQuestion,
                questionWords: description.mostWords, answers: AnswerRequest.mostAnswers,
                regions: description.mostRegions, featureWidth: description.featureWidth,
                bodyBytes: settings.mostBodyBytes, pixels: settings.mostPixels))
    }

    private var state: Metrics.State {
        let size = kept.size
        return Metrics.State(
            waitingQuestions: answers.queue.count, waitingPictures: pictures.queue.count,
            connections: connections.count, keptPictures: size.count, keptBytes: size.byteCount,
            bodyBytes: bodies.byteCount)
    }

    // MARK: - Answers

    private func answer(_ request: Request, _ scope: RequestScope) async throws -> Reply {
        let (asked, picture) = try await read(AnswerRequest.self, request, scope)
        let explanation = asked.explanation.flatMap(WantedExplanation.init)
        let jobs = asked.questions.map {
            AnswerJob(question: $0, regions: picture.regions, top: asked.top, explanation: explanation)
        }
        guard answers.queue.add(jobs) else { throw Problem.queueFull }
        let found = try await scope.values(of: jobs.map(\.result)) { [queue = answers.queue] in
            queue.removeEnded()
        }
        return Reply(
            json: AnswerReply(
                model: description.identity, pictureId: picture.id, image: ImageSize(of: picture),
                regions: asked.regions ? SeenRegion.all(of: picture) : nil,
                answers: zip(asked.questions, found).map { question, found in
                    AnsweredQuestion(
                        question: question, answers: found.answers,
                        explanation: found.explanation.map(AnswerExplanation.init),
                        unknownWords: vocabulary.unknownWords(in: question),
                        isCut: vocabulary.isCut(question, maximumCount: description.mostWords))
                }))
    }

    private func features(_ request: Request, _ scope: RequestScope) async throws -> Reply {
        let (asked, picture) = try await read(FeaturesRequest.self, request, scope)
        return Reply(
            json: FeaturesReply(
                model: description.identity, pictureId: picture.id, image: ImageSize(of: picture),
                regions: SeenRegion.all(of: picture),
                values: asked.values ? FeatureValues(of: picture.regions) : nil))
    }

    /// What a request asks for, and what is known of its image. The body is kept no longer.
    private func read<Asked: ImageRequest>(_ type: Asked.Type, _ request: Request, _ scope: RequestScope)
        async throws -> (asked: Asked, picture: KeptPicture)
    {
        let start = ContinuousClock.now
        return try await bodies.withBody(of: request) { body in
            metrics.note(.upload, since: start)
            let asked = try Asked(body, contentType: request.headers[.contentType])
            return (asked, try await imageOf(asked.image, scope))
        }
    }

    /// What is known of the image of a request, made where it was not sent before.
    private func imageOf(_ source: ImageSource, _ scope: RequestScope) async throws -> KeptPicture {
        let bytes: PictureJob.Bytes
        let id: String?
        switch source {
        case .kept(let id):
            guard let picture = kept[id] else { throw Problem.notKept(id) }
            return picture
        case .picture(let file): (bytes, id) = (.picture(file), BlobChecksum.sha256(of: file))
        case .features(let file): (bytes, id) = (.features(file), BlobChecksum.sha256(of: file))
        }
        guard let id else { throw Problem.queueFull }
        if let picture = kept[id] { return picture }
        let job = PictureJob(id: id, bytes: bytes)
        guard pictures.queue.add([job]) else { throw Problem.queueFull }
        let made = try await scope.values(of: [job.result]) { [queue = pictures.queue] in queue.removeEnded()
        }
        for picture in made { kept.keep(picture) }
        return made[0]
    }
}

extension WantedExplanation {
    /// Nil for a method that there is not.
    fileprivate init?(_ asked: AnswerRequest.Explanation) {
        guard let method = ExplanationMethod(rawValue: asked.method) else { return nil }
        self.init(
            method: method, attention: asked.layer.map { .layer($0, head: asked.head) } ?? .output)
    }
}
