import HTTPTypes

/// The page for people, at `/`: a picture, a question, the answers, and where the model looked. It uses the API as any other
/// program does.
enum Page {
    /// Its addresses. No key is asked for: they say nothing of the model, and the page asks for the key.
    static var routes: [Route] {
        [
            route("/", PackageResources.page_html, "text/html; charset=utf-8"),
            route("/page.css", PackageResources.page_css, "text/css; charset=utf-8"),
            route("/page.js", PackageResources.page_js, "text/javascript; charset=utf-8"),
        ]
    }

    private static func route(_ path: String, _ file: [UInt8], _ contentType: String) -> Route {
        Route(method: "GET", path: path, isOpen: true) { _, _ in
            var reply = Reply(file, contentType: contentType)
            reply.headers[.contentSecurityPolicy] = policy
            // The files are the program's: another version of it has others.
            reply.headers[.cacheControl] = "no-cache"
            return reply
        }
    }

    /// Nothing comes from elsewhere, nothing goes elsewhere, and no other page shows this one within itself.
    private static let policy =
        "default-src 'self'; img-src 'self' data: blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
}
