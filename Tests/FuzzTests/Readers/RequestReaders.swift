import Foundation
import ServerInput

/// Readers of what comes over the network.
let requestReaders: [FuzzedReader] = [
    FuzzedReader(
        name: "json-request", maximumByteCount: 4 << 10,
        seeds: {
            [
                Array(
                    #"{"picture":"AQID","questions":["what?","why?"],"top":5,"explain":"attention","layer":2,"head":1}"#
                        .utf8),
                Array(#"{"pictureId":"x","questions":["\u00e9\ud83d\ude00"],"regions":false}"#.utf8),
            ]
        }
    ) { bytes, _ in
        _ = try AnswerRequest(bytes, contentType: "application/json")
    },
    FuzzedReader(
        name: "form-request", maximumByteCount: 4 << 10,
        seeds: {
            let parts = [("picture\"; filename=\"p.png", "\u{1}\r\n"), ("questions", "what?"), ("top", "5")]
                .map {
                    "--b\r\nContent-Disposition: form-data; name=\"\($0)\"\r\nX: y\r\n\r\n\($1)\r\n"
                }
            return [Array((parts.joined() + "--b--\r\n").utf8), Array("--b--".utf8)]
        }
    ) { bytes, _ in
        _ = try AnswerRequest(bytes, contentType: "multipart/form-data; boundary=b")
    },
    FuzzedReader(
        name: "header", maximumByteCount: 512,
        seeds: {
            [
                Array("multipart/form-data; boundary=b".utf8),
                Array("Multipart/Form-Data; charset=x; boundary=\"a\\\"b\"; c".utf8),
            ]
        }
    ) { bytes, _ in
        let value = HeaderValue(parsing: String(decoding: bytes, as: UTF8.self))
        _ = try MultipartForm(Array("--b--".utf8), contentType: value)
    },
]
