import CCurl
import Foundation

/// The file of the certificates by which servers are known.
///
/// libcurl has the place compiled in that the system has on which it was built. A program that runs on another one would
/// trust nobody; so what the environment names counts first, as for OpenSSL and Python, and where libcurl's place is empty,
/// those of other systems are looked at.
enum TrustedCertificates {
    /// Where Debian, Fedora, openSUSE and Alpine have it.
    static let places = [
        "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
        "/etc/ssl/cert.pem",
    ]

    /// The file that libcurl is told of; nil where it finds one by itself, or there is none.
    static let file = file(
        environment: ProcessInfo.processInfo.environment,
        builtIn: ccurl_certificates().map { String(cString: $0) },
        isThere: { access($0, R_OK) == 0 })

    /// - Parameters:
    ///   - builtIn: The place that libcurl has compiled in.
    ///   - isThere: Whether a file can be read.
    static func file(environment: [String: String], builtIn: String?, isThere: (String) -> Bool) -> String? {
        if let named = environment["SSL_CERT_FILE"], !named.isEmpty { return named }
        if let builtIn, isThere(builtIn) { return nil }
        return places.first(where: isThere)
    }
}
