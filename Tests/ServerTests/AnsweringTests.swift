import Foundation
import ServerInput
import TestSupport
import Testing
import VQAFeatures
import VisualQuestionAnswering

@testable import Server

/// What the server answers, held against the model asked without it.
@Suite struct AnsweringTests {
    private static let questions = ["is it red?", "how many are there?"]

    /// The answers in a reply.
    private static func answers(_ reply: HTTPAnswer) throws -> [[(String, Double)]] {
        #expect(reply.status == 200, "\(reply.text)")
        let questions = try #require(try reply.json()["answers"] as? [[String: Any]])
        return try questions.map { question in
            try #require(question["answers"] as? [[String: Any]]).map {
                (try #require($0["answer"] as? String), try #require($0["score"] as? Double))
            }
        }
    }

    private static func expect(_ found: [[(String, Double)]], _ expected: [[ScoredAnswer]]) {
        #expect(found.map { $0.map(\.0) } == expected.map { $0.map(\.text) })
        for (found, expected) in zip(found.joined(), expected.joined()) {
            #expect(abs(found.1 - expected.score) < 1e-5)
        }
    }

    @Test("features get the answers that the model gives, and say which model it was")
    func features() async throws {
        let server = try await TestedServer()
        let folder = try TemporaryFolder()
        let answerer = try TestedServer.answerer(.features, folder)
        let regions = try TestedServer.regions(1)
        let reply = try await server.post(
            "/v1/answers",
            [
                "features": Data(try TestedServer.file(regions)).base64EncodedString(),
                "questions": Self.questions,
                "top": 4,
            ])
        Self.expect(try Self.answers(reply), try answerer.ask(Self.questions, about: regions, top: 4))

        let json = try reply.json()
        let checksum = try sha256(folder.bytes(of: "mini.safetensors"))
        #expect(json["model"] as? [String: String] == ["name": "rwsan", "weights": "sha256:" + checksum])
        #expect(json["image"] as? [String: Int] == ["width": 20, "height": 4])
        let boxes = (json["regions"] as? [[String: Any]])?.map { $0["box"] as? [Double] }
        #expect(boxes == [[0, 0, 2, 2], [1, 0, 3, 2], [2, 0, 4, 2]])
        let asked = try #require(json["answers"] as? [[String: Any]])
        #expect(asked.map { $0["question"] as? String } == Self.questions)
        #expect(asked.allSatisfy { $0["isCut"] as? Bool == false })
    }

    @Test(
        "a picture gets the same answers as a form, in base64 and by its id; the id is a checksum of what was sent"
    )
    func pictures() async throws {
        let server = try await TestedServer(.pictures)
        let answerer = try TestedServer.answerer(.pictures, TemporaryFolder())
        let file = Fixtures.url("hub/pictures/a_landscape.png")
        let expected = try answerer.ask(Self.questions, about: answerer.regions(ofPictureIn: file))
        let bytes = try Data(contentsOf: file)
        let form =
            "--b\r\nContent-Disposition: form-data; name=\"questions\"\r\n\r\n\(Self.questions[0])\r\n--b\r\n"
            + "Content-Disposition: form-data; name=\"questions\"\r\n\r\n\(Self.questions[1])\r\n--b\r\n"
            + "Content-Disposition: form-data; name=\"picture\"; filename=\"a.png\"\r\n\r\n"
        let first = try await server.send(
            "POST", "/v1/answers", headers: ["Content-Type": "multipart/form-data; boundary=b"],
            body: Array(form.utf8) + bytes + Array("\r\n--b--\r\n".utf8))
        Self.expect(try Self.answers(first), expected)
        let second = try await server.post(
            "/v1/answers", ["picture": bytes.base64EncodedString(), "questions": Self.questions])
        Self.expect(try Self.answers(second), expected)
        let id = try #require(try first.json()["pictureId"] as? String)
        #expect(id == (try sha256([UInt8](bytes))))
        let third = try await server.post(
            "/v1/answers", ["pictureId": id, "questions": Self.questions, "regions": false])
        Self.expect(try Self.answers(third), expected)
        #expect(try third.json()["regions"] == nil)
        #expect(try await server.metric("rwsan_stage_seconds_count{stage=\"picture\"}") == 1)
    }

    @Test(
        "explanations are those that the model gives without a server", arguments: ExplanationMethod.allCases)
    func explanations(method: ExplanationMethod) async throws {
        let server = try await TestedServer()
        let answerer = try TestedServer.answerer(.features, TemporaryFolder())
        let regions = try TestedServer.regions(2)
        let expected = try answerer.explain(Self.questions[0], about: regions, by: method)
        let reply = try await server.post(
            "/v1/answers",
            [
                "features": Data(try TestedServer.file(regions)).base64EncodedString(),
                "questions": [Self.questions[0]], "explain": method.rawValue,
            ])
        Self.expect(try Self.answers(reply), [expected.answers])
        let asked = try #require((try reply.json()["answers"] as? [[String: Any]])?.first)
        let explanation = try #require(asked["explanation"] as? [String: Any])
        #expect(explanation["method"] as? String == method.rawValue)
        let weights = try #require(explanation["regions"] as? [Double])
        #expect(weights.count == 3 && zip(weights, expected.regions).allSatisfy { abs($0 - $1) < 1e-5 })
        let words = try #require(explanation["words"] as? [[String: Any]])
        #expect(words.map { $0["text"] as? String } == expected.words.map(\.text))
        for (word, other) in zip(words, expected.words) {
            #expect(abs(try #require(word["weight"] as? Double) - other.weight) < 1e-5)
        }
    }

    @Test("the methods that requests may name are those that there are")
    func methods() throws {
        #expect(AnswerRequest.Explanation.methods == ExplanationMethod.allCases.map(\.rawValue))
    }

    @Test("features are given with boxes, and with their numbers where these are wanted")
    func featureValues() async throws {
        let server = try await TestedServer()
        let regions = try TestedServer.regions(3, count: 2)
        let file = Data(try TestedServer.file(regions)).base64EncodedString()
        let plain = try await server.post("/v1/features", ["features": file]).json()
        #expect(plain["values"] == nil)
        let json = try await server.post("/v1/features", ["features": file, "values": true]).json()
        #expect((json["regions"] as? [Any])?.count == 2)
        let values = try #require(json["values"] as? [String: Any])
        #expect(values["shape"] as? [Int] == [2, 24])
        let text = try #require(values["float32"] as? String)
        let numbers = try #require(Data(base64Encoded: text))
        let found = numbers.withUnsafeBytes { bytes in
            (0..<48).map {
                Float(
                    bitPattern: UInt32(
                        littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self)))
            }
        }
        #expect(found == regions.features)
    }

    @Test("what regions are thought to be is told by names, or by numbers where there are none")
    func names() async throws {
        let objects = try #require(RegionLabels.Guesses(ids: [1, 0], confidences: [0.75, 0.5]))
        let attributes = try #require(RegionLabels.Guesses(ids: [0, 9], confidences: [0.25, 0.125]))
        let labels = try #require(RegionLabels(objects: objects, attributes: attributes))
        let folder = try TemporaryFolder()
        try TestedServer.regions(1, count: 2).writeOfficialFile(
            to: folder.file("labelled.npz"), labels: labels)
        let reply = try await TestedServer().post(
            "/v1/features", ["features": Data(folder.bytes(of: "labelled.npz")).base64EncodedString()])
        let regions = try #require(try reply.json()["regions"] as? [[String: Any]])
        let first = try #require(regions.first?["name"] as? [String: Any])
        #expect(first["object"] as? String == "object 1" && first["confidence"] as? Double == 0.75)
        #expect(
            first["attribute"] as? String == "attribute 0" && first["attributeConfidence"] as? Double == 0.25)

        let named = RegionName.all(labels, count: 1, objects: ["cat", "dog"], attributes: ["red"])
        #expect(
            named == [
                RegionName(object: "dog", confidence: 0.75, attribute: "red", attributeConfidence: 0.25)
            ])
    }

    @Test("what a model is, and takes, is told")
    func model() async throws {
        let json = try await TestedServer().send("GET", "/v1/model").json()
        #expect(json["takes"] as? [String] == ["features"])
        let limits = try #require(json["limits"] as? [String: Int])
        #expect(limits["featureWidth"] == 24 && limits["regions"] == 40 && limits["questions"] == 16)
        let other = try await TestedServer(.pictures).send("GET", "/v1/model").json()
        #expect(other["takes"] as? [String] == ["picture"])
    }

    @Test("why pictures cannot be taken is told at the start, and whoever sends one is told what to send")
    func noPictures() async throws {
        let server = try await TestedServer()
        #expect(server.notices.lines.count == 1)
        #expect(server.notices.lines.first?.contains("expected --detector") == true)
        let picture = try Data(contentsOf: Fixtures.url("hub/pictures/e_small.png")).base64EncodedString()
        try await server.post("/v1/answers", ["picture": picture, "questions": ["what?"]])
            .expectProblem(422, "pictures-not-taken", saying: "send features")
    }
}
