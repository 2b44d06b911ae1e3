import Foundation
import Testing

@testable import ServerInput

/// Bodies of requests, in both forms.
@Suite struct AnswerRequestTests {
    private func request(_ json: String) throws -> AnswerRequest {
        try AnswerRequest(Array(json.utf8), contentType: "application/json; charset=utf-8")
    }

    private func form(_ fields: [(String, String)]) -> [UInt8] {
        let parts = fields.map { "--b\r\nContent-Disposition: form-data; name=\"\($0)\"\r\n\r\n\($1)\r\n" }
        return Array((parts.joined() + "--b--\r\n").utf8)
    }

    @Test("JSON and a form say the same")
    func sameInBothForms() throws {
        let json = try request(
            #"{"picture":"AQID","questions":["what?","why?"],"top":5,"explain":"attention","layer":2,"head":1,"regions":false}"#
        )
        let sent = form([
            ("picture", "\u{1}\u{2}\u{3}"), ("questions", "what?"), ("questions", "why?"), ("top", "5"),
            ("explain", "attention"), ("layer", "2"), ("head", "1"), ("regions", "false"),
        ])
        let other = try AnswerRequest(sent, contentType: "multipart/form-data; boundary=b")
        #expect(json == other)
        #expect(json.image == .picture([1, 2, 3]))
        #expect(json.questions == ["what?", "why?"])
        #expect((json.top, json.regions) == (5, false))
        #expect(json.explanation == .init(method: "attention", layer: 2, head: 1))
    }

    @Test("what is left out has its default")
    func defaults() throws {
        let found = try request(#"{"pictureId":"x","questions":["what?"]}"#)
        #expect(found.image == .kept("x"))
        #expect((found.top, found.regions) == (3, true))
        #expect(found.explanation == nil)
        #expect(
            try FeaturesRequest(Array(#"{"features":"AQ=="}"#.utf8), contentType: "application/json").image
                == .features([1]))
    }

    @Test(
        "what is wrong with a body is told in one line that names the field",
        arguments: [
            ("", "the body"), ("[]", "an object"), ("{", "the body"), ("\u{0}", "the body"),
            ("null", "the body"),
            (#"{"questions":["a"]}"#, "found none"),
            (#"{"questions":["a"],"picture":"AQ==","pictureId":"x"}"#, "found several"),
            (#"{"questions":["a"],"picture":"A"}"#, "picture: expected a file in base64"),
            (#"{"questions":["a"],"picture":"A Q="}"#, "picture: expected a file in base64"),
            (#"{"questions":["a"],"picture":7}"#, "'picture': expected a text"),
            (#"{"questions":["a"],"picture":null}"#, "'picture': expected a text"),
            (#"{"questions":"a","pictureId":"x"}"#, "'questions': expected a list"),
            (#"{"questions":["a",1],"pictureId":"x"}"#, "'questions [1]': expected a text"),
            (#"{"pictureId":"x"}"#, "questions: expected 1 to 16, found 0"),
            (#"{"questions":[],"pictureId":"x"}"#, "questions: expected 1 to 16, found 0"),
            (#"{"questions":[" ?"],"pictureId":"x"}"#, "without a word"),
            (#"{"questions":["a"],"pictureId":"x","top":0}"#, "top: expected 1 to 100, found 0"),
            (#"{"questions":["a"],"pictureId":"x","top":1.5}"#, "'top': expected a whole number, found 1.5"),
            (#"{"questions":["a"],"pictureId":"x","top":true}"#, "'top': expected a whole number"),
            (#"{"questions":["a"],"pictureId":"x","top":1e99}"#, "'top': expected a whole number"),
            (#"{"questions":["a"],"pictureId":"x","regions":1}"#, "'regions': expected true or false"),
            (#"{"questions":["a"],"pictureId":"x","topp":1}"#, "'topp': no such field"),
            (
                #"{"questions":["a"],"pictureId":"x","values":true}"#,
                "values: the address takes no such field"
            ),
            (
                #"{"questions":["a"],"pictureId":"x","explain":"why"}"#,
                "explain: expected attention or occlusion"
            ),
            (#"{"questions":["a"],"pictureId":"x","layer":1}"#, "expected explain"),
            (#"{"questions":["a"],"pictureId":"x","explain":"attention","head":1}"#, "expected layer"),
            (#"{"questions":["a"],"pictureId":"x","explain":"attention","layer":0}"#, "from 1 on"),
        ])
    func refused(json: String, reason: String) throws {
        let error = try #require(#expect(throws: RequestError.self) { try request(json) })
        #expect(error.kind == .malformed)
        #expect(error.description.contains(reason), "\(error)")
        #expect(!error.description.contains { $0.isNewline }, "\(error)")
    }

    @Test("too many questions, one that is too long, and JSON that is nested too deeply are refused")
    func limits() throws {
        let many = Array(repeating: #""a""#, count: 17).joined(separator: ",")
        #expect(throws: RequestError.self) { try request(#"{"pictureId":"x","questions":[\#(many)]}"#) }
        let long = String(repeating: "a", count: 2001)
        #expect(throws: RequestError.self) { try request(#"{"pictureId":"x","questions":["\#(long)"]}"#) }
        let deep = String(repeating: "[", count: 100_000)
        #expect(throws: RequestError.self) { try request(deep) }
    }

    @Test("a field of a form that comes twice, or is no text, is told")
    func forms() throws {
        func refusal(_ fields: [(String, String)]) -> String {
            let error = #expect(throws: RequestError.self) {
                try AnswerRequest(
                    form([("pictureId", "x"), ("questions", "a")] + fields),
                    contentType: "multipart/form-data; boundary=b")
            }
            return error?.description ?? ""
        }
        #expect(refusal([("top", "1"), ("top", "1")]).contains("found it again"))
        #expect(refusal([("top", "one")]).contains("expected a whole number, found 'one'"))
        #expect(refusal([("regions", "yes")]).contains("true or false"))
        #expect(refusal([("colour", "x")]).contains("no such field"))
        var bytes = form([("pictureId", "x"), ("questions", "@@")])
        for index in bytes.indices where bytes[index] == UInt8(ascii: "@") { bytes[index] = 0xFF }
        let error = #expect(throws: RequestError.self) {
            try AnswerRequest(bytes, contentType: "multipart/form-data; boundary=b")
        }
        #expect(try #require(error).description.contains("UTF-8"))
    }

    @Test(
        "a type that is not read is told",
        arguments: [nil, "text/plain", "application/x-www-form-urlencoded", ""])
    func types(type: String?) throws {
        let error = try #require(
            #expect(throws: RequestError.self) { try AnswerRequest([], contentType: type) })
        #expect(error.kind == .unsupportedType)
    }
}
