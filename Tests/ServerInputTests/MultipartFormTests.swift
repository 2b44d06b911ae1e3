import Testing

@testable import ServerInput

/// Forms as programs send them, and as they should not be.
@Suite struct MultipartFormTests {
    /// What `curl -F picture=@p.bin -F 'questions=what is it?'` sends (curl 7.88.1), with a picture of four bytes.
    private static let ofCurl =
        "--------------------------d74496d66958873e\r\n"
        + "Content-Disposition: form-data; name=\"picture\"; filename=\"p.bin\"\r\n"
        + "Content-Type: application/octet-stream\r\n\r\n\u{1}\r\n\u{2}\r\n"
        + "--------------------------d74496d66958873e\r\n"
        + "Content-Disposition: form-data; name=\"questions\"\r\n\r\nwhat is it?\r\n"
        + "--------------------------d74496d66958873e--\r\n"

    private func parts(_ body: String, _ contentType: String) throws -> [(String, String)] {
        try MultipartForm(Array(body.utf8), contentType: HeaderValue(parsing: contentType)).parts.map {
            ($0.name, String(decoding: $0.contents, as: UTF8.self))
        }
    }

    @Test("the parts of a form are what was sent, whatever bytes they are")
    func curl() throws {
        let found = try parts(
            Self.ofCurl, "multipart/form-data; boundary=------------------------d74496d66958873e")
        #expect(found.map(\.0) == ["picture", "questions"])
        #expect(found.map(\.1) == ["\u{1}\r\n\u{2}", "what is it?"])
    }

    @Test("a boundary in quotes, spaces behind one, a preamble, an empty part and names with quotes are read")
    func variants() throws {
        let body =
            "to be passed over\r\n--a b\r\nContent-Disposition: form-data; name=\"x\\\"y\"\r\n\r\n\r\n--a b \t\r\n"
            + "X-More: 1\r\ncontent-disposition:form-data;name=z\r\n\r\n--a b is not the end\r\n--a b--to be passed over"
        let found = try parts(body, "Multipart/Form-Data; charset=x; boundary=\"a b\"")
        #expect(found.map(\.0) == ["x\"y", "z"])
        #expect(found.map(\.1) == ["", "--a b is not the end"])
        #expect(try parts("--a--", "multipart/form-data; boundary=a").isEmpty)
    }

    @Test(
        "what is no form, or not all of one, is told",
        arguments: [
            ("", "cut off"), ("--a", "line's end"), ("--a\r\n", "no end of them"),
            ("--a\r\nContent-Disposition: form-data; name=x\r\n\r\ntext", "cut off"),
            ("--a\r\n\r\ntext\r\n--a--", "part without it"),
            ("--a\r\nContent-Disposition: attachment; name=x\r\n\r\ntext\r\n--a--", "part without it"),
            ("--ab\r\n", "line's end"),
            ("--a\r\nX: " + String(repeating: "y", count: 5000) + "\r\n\r\n\r\n--a--", "4096 bytes"),
            (
                String(repeating: "--a\r\nContent-Disposition: form-data; name=x\r\n\r\n\r\n", count: 65)
                    + "--a--", "64 parts"
            ),
        ])
    func refused(body: String, reason: String) throws {
        let error = #expect(throws: RequestError.self) { try parts(body, "multipart/form-data; boundary=a") }
        #expect(try #require(error).description.contains(reason))
    }

    @Test(
        "a type without a boundary, or with one that cannot be, is told",
        arguments: [
            "", "; boundary=", "; boundary=\"\"", "; boundary=\(String(repeating: "x", count: 71))",
            "; boundary=é",
        ])
    func boundaries(parameters: String) throws {
        let error = #expect(throws: RequestError.self) {
            try parts("--a--", "multipart/form-data" + parameters)
        }
        #expect(try #require(error).description.contains("boundary"))
    }
}
