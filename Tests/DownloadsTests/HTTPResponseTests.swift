import Testing
@testable import Downloads

/// Numbers that a server states.
@Suite struct HTTPResponseTests {
    @Test(
        "a length that is none is passed over",
        arguments: ["-9223372036854775808", "-1", "99999999999999999999", "x"])
    func contentLength(text: String) {
        var response = HTTPResponse()
        response.read(headerLine: "Content-Length: \(text)")
        #expect(response.contentLength == nil)
        response.read(headerLine: "Content-Length: 7")
        #expect(response.contentLength == 7)
    }

    @Test("what is left can be told of any numbers")
    func secondsLeft() {
        let progress = Downloader.Progress(byteCount: .max, totalByteCount: .min, bytesPerSecond: 1)
        #expect(progress.secondsLeft == -0x1p64)
    }
}
