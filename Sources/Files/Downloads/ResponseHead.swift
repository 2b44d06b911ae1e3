/// What a server says of a file without sending it.
package struct ResponseHead: Sendable {
    /// 200, 302, 404 and so on.
    package let status: Int
    /// Where the server leads on to, in full; nil where it does not.
    package let redirection: String?
    private let response: HTTPResponse

    init(_ response: HTTPResponse, redirection: String?) {
        (status, self.response, self.redirection) = (response.status, response, redirection)
    }

    /// A header as it came.
    package subscript(_ name: String) -> String? { response[name.lowercased()] }
}

extension Downloader {
    /// Asks what a server says of a file (`HEAD`). A redirection is told and not followed.
    ///
    /// - Parameters:
    ///   - address: Of `http` or `https`.
    ///   - onEvent: Called where it is tried again.
    ///   - shouldStop: Asked at least once a second.
    /// - Returns: What it says, whatever the status, but for those that pass, which are tried again; nil where somebody
    ///   asked to stop.
    /// - Throws: `DownloadError` where nobody answers, or the failure lasts.
    package func head(
        of address: String, onEvent: @escaping (Event) -> Void = { _ in },
        shouldStop: @escaping () -> Bool = { false }
    ) throws -> ResponseHead? {
        let transfer = try Transfer(
            address, self, headOnly: true, receive: { _, _ in }, shouldStop: shouldStop)
        var retries = Retries(self, address, onEvent: onEvent, shouldStop: shouldStop)
        while !shouldStop() {
            do throws(Setback) {
                switch transfer.perform(nil) {
                case .stopped: return nil
                case .failed(let reason): throw Setback(reason: reason, canPass: false)
                case .broken(let cause):
                    throw Setback(reason: .cutShort(expected: nil, found: 0, cause: cause))
                case .rejected, .finished: break
                }
                let response = transfer.response
                guard !Setback.passes(response.status) else {
                    throw Setback(status: response.status, retryAfter: transfer.retryAfter)
                }
                return ResponseHead(response, redirection: transfer.redirection)
            } catch {
                try retries.pause(after: error)
            }
        }
        return nil
    }
}
