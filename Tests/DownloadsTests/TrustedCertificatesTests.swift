import Testing

@testable import Downloads

@Suite struct TrustedCertificatesTests {
    private let debians = "/etc/ssl/certs/ca-certificates.crt"

    private func file(_ environment: [String: String] = [:], builtIn: String?, among files: String...)
        -> String?
    {
        TrustedCertificates.file(environment: environment, builtIn: builtIn, isThere: files.contains)
    }

    @Test("The file that the environment names counts before all others, whether it is there or not")
    func named() {
        let environment = ["SSL_CERT_FILE": "/home/me/own.pem"]
        #expect(file(environment, builtIn: debians, among: debians) == "/home/me/own.pem")
        #expect(file(["SSL_CERT_FILE": ""], builtIn: debians, among: debians) == nil)
    }

    @Test("libcurl's own place is left to libcurl where there is a file")
    func builtIn() {
        #expect(file(builtIn: "/own/place", among: "/own/place", debians) == nil)
    }

    @Test(
        "Another system's place is found where libcurl's own has nothing",
        arguments: ["/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"])
    func elsewhere(place: String) {
        #expect(file(builtIn: debians, among: place) == place)
        #expect(file(builtIn: nil, among: place, debians) == debians)
    }

    @Test("Without any file nothing is said to libcurl, whose error names what it lacks")
    func nowhere() {
        #expect(file(builtIn: debians) == nil)
    }
}
