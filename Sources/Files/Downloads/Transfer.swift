import CCurl
import FileSystem
import Foundation

/// Requests to one address, one after another, on one connection where the server keeps it open.
///
/// libcurl goes by the proxies that the environment names (`https_proxy`, `no_proxy`, ...), and trusts certificates as
/// `TrustedCertificates` says.
final class Transfer {
    /// How a request ended.
    enum Ending {
        /// The response came to its end.
        case finished
        /// `shouldStop` said so.
        case stopped
        /// The receiver did not want it.
        case rejected(any Error)
        /// The transfer broke off, and could be tried again.
        case broken(String)
        /// Nobody answers, or the address is none.
        case failed(DownloadError.Reason)
    }

    /// Where to go on in the file, and how the server is to know that it is still the same.
    struct Continuation {
        let offset: Int
        /// What the server compares its version with; nil where it need not.
        let validator: String?
    }

    /// The head of the last response.
    private(set) var response = HTTPResponse()
    /// After how many seconds the server asks to come back, where it does.
    var retryAfter: Int? {
        let seconds = ccurl_figure(curl, CURLINFO_RETRY_AFTER)
        return seconds > 0 ? Int(seconds) : nil
    }

    /// Where the server leads on to, where that is not followed.
    var redirection: String? { ccurl_text(curl, CURLINFO_REDIRECT_URL).map { String(cString: $0) } }

    private let curl: UnsafeMutableRawPointer
    private let message: UnsafeMutablePointer<CChar>
    private let address: String
    private let settings: Downloader
    private let receive: (HTTPResponse, UnsafeRawBufferPointer) throws -> Void
    private let shouldStop: () -> Bool
    private var rejection: (any Error)?
    private var isStopped = false
    /// Whether the server has ever been connected to. One that has is worth waiting for.
    private var hasConnected = false

    private static let isLibraryReady = curl_global_init(Int(CURL_GLOBAL_ALL)) == CURLE_OK
    /// Fewer bytes a second than this are none.
    private static let slowestPace = 1000

    /// - Parameters:
    ///   - headOnly: Whether only the head of the answer is asked for, from the address itself.
    ///   - receive: Takes the head and the next bytes of the last response; what it throws ends the request.
    ///   - shouldStop: Asked after each part that comes, and every second while none does.
    /// - Throws: `DownloadError` where libcurl does not take the address.
    init(
        _ address: String, _ settings: Downloader, headOnly: Bool = false,
        receive: @escaping (HTTPResponse, UnsafeRawBufferPointer) throws -> Void,
        shouldStop: @escaping () -> Bool
    ) throws {
        guard Self.isLibraryReady, let curl = curl_easy_init() else {
            throw DownloadError(address: address, reason: .unreachable("libcurl does not start"))
        }
        self.curl = curl
        (self.address, self.settings) = (address, settings)
        (self.receive, self.shouldStop) = (receive, shouldStop)
        message = .allocate(capacity: Int(CURL_ERROR_SIZE))
        message.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        try setUp(headOnly: headOnly)
    }

    deinit {
        curl_easy_cleanup(curl)
        message.deallocate()
    }

    private func setUp(headOnly: Bool) throws {
        let context = Unmanaged.passUnretained(self).toOpaque()
        let numbers = [
            // No signal handlers of curl's; where SIGPIPE is not ignored, they would not help either.
            (CURLOPT_NOSIGNAL, 1), (CURLOPT_NOPROGRESS, 0), (CURLOPT_NOBODY, headOnly ? 1 : 0),
            (CURLOPT_FOLLOWLOCATION, headOnly ? 0 : 1), (CURLOPT_MAXREDIRS, 10),
            (CURLOPT_SUPPRESS_CONNECT_HEADERS, 1),
            (CURLOPT_CONNECTTIMEOUT_MS, Int(clamping: settings.connectTimeout / .milliseconds(1))),
            (CURLOPT_LOW_SPEED_LIMIT, Self.slowestPace),
            (CURLOPT_LOW_SPEED_TIME, max(1, Int(clamping: settings.stallTimeout / .seconds(1)))),
        ]
        let certificates = TrustedCertificates.file.map { ccurl_set_string(curl, CURLOPT_CAINFO, $0) }
        let codes =
            [
                certificates ?? CURLE_OK,
                ccurl_set_string(curl, CURLOPT_URL, address),
                ccurl_set_string(curl, CURLOPT_USERAGENT, "rwsan"),
                ccurl_restrict_protocols(curl), ccurl_set_error_buffer(curl, message),
                ccurl_set_receiver(curl, receiveBody, receiveHeader, receiveProgress, context),
            ] + numbers.map { ccurl_set_number(curl, $0, $1) }
        if let code = codes.first(where: { $0 != CURLE_OK }) {
            throw DownloadError(address: address, reason: .unusableAddress(Self.text(of: code)))
        }
    }

    /// Asks for the file, or for the rest of it where a continuation is given. A server that has another
    /// version by now answers with the whole file.
    func perform(_ continuation: Continuation?) -> Ending {
        response = HTTPResponse()
        (rejection, isStopped) = (nil, false)
        message[0] = 0
        let condition = continuation?.validator.map { ["If-Range: \($0)"] } ?? []
        var headers: UnsafeMutablePointer<curl_slist>?
        defer { curl_slist_free_all(headers) }
        for line in settings.headers + condition { headers = curl_slist_append(headers, line) }
        let range = continuation.map { "\($0.offset)-" }
        var code = ccurl_set_string(curl, CURLOPT_RANGE, range)
        if code == CURLE_OK { code = ccurl_set_headers(curl, headers) }
        if code == CURLE_OK { code = curl_easy_perform(curl) }
        if ccurl_figure(curl, CURLINFO_CONNECT_TIME_T) > 0 { hasConnected = true }
        return ending(code)
    }

    private func ending(_ code: CURLcode) -> Ending {
        if let rejection { return .rejected(rejection) }
        if isStopped { return .stopped }
        let said = String(cString: message)
        let text = said.isEmpty ? Self.text(of: code) : said
        switch code {
        case CURLE_OK: return .finished
        case CURLE_ABORTED_BY_CALLBACK: return .stopped
        case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL: return .failed(.unusableAddress(text))
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_CONNECT,
            CURLE_SSL_CONNECT_ERROR, CURLE_OPERATION_TIMEDOUT:
            return hasConnected ? .broken(text) : .failed(.unreachable(text))
        case CURLE_PARTIAL_FILE, CURLE_GOT_NOTHING, CURLE_RECV_ERROR, CURLE_SEND_ERROR, CURLE_HTTP2,
            CURLE_HTTP2_STREAM, CURLE_WEIRD_SERVER_REPLY:
            return .broken(text)
        default: return .failed(.unreachable(text))
        }
    }

    private static func text(of code: CURLcode) -> String { String(cString: curl_easy_strerror(code)) }

    fileprivate func take(_ bytes: UnsafeRawBufferPointer) -> Bool {
        do {
            try receive(response, bytes)
            // curl itself asks only now and then.
            isStopped = shouldStop()
            return !isStopped
        } catch {
            rejection = error
            return false
        }
    }

    fileprivate func take(headerLine: String) { response.read(headerLine: headerLine) }

    fileprivate var isToStop: Bool { shouldStop() }
}

/// The transfer that a callback of curl's is about.
private func transfer(_ context: UnsafeMutableRawPointer?) -> Transfer? {
    context.map { Unmanaged<Transfer>.fromOpaque($0).takeUnretainedValue() }
}

/// curl takes any other count than that of the bytes for an error.
private let receiveBody: curl_write_callback = { bytes, size, count, context in
    let buffer = UnsafeRawBufferPointer(start: bytes, count: size * count)
    return transfer(context)?.take(buffer) == true ? buffer.count : Int(CURL_WRITEFUNC_ERROR)
}

private let receiveHeader: curl_write_callback = { bytes, size, count, context in
    let buffer = UnsafeRawBufferPointer(start: bytes, count: size * count)
    transfer(context)?.take(headerLine: String(decoding: buffer, as: UTF8.self))
    return buffer.count
}

private let receiveProgress: curl_xferinfo_callback = { context, _, _, _, _ in
    transfer(context)?.isToStop == true ? 1 : 0
}
