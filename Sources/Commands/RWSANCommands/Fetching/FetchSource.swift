import ArgumentParser
import Downloads

/// `--retries COUNT`
struct RetriesOption: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How often in a row to try again when a connection is cut or the server fails.",
            valueName: "count"))
    var retries = 8
}

/// Where files are fetched from, and how patiently: `--mirror URL --retries COUNT`.
struct FetchSource {
    /// Another address than the authors', which ends in a slash.
    let mirror: String?
    let downloader: Downloader

    /// - Throws: `ValidationError` where the options cannot be meant.
    init(mirror: String?, retries: Int) throws {
        guard retries >= 0 else {
            throw ValidationError("--retries: expected 0 or more, found \(retries)")
        }
        if let mirror, !["http://", "https://", "file:///"].contains(where: mirror.lowercased().hasPrefix) {
            throw ValidationError(
                "--mirror: expected an address such as https://example.org/files/, found '\(mirror)'")
        }
        self.mirror = mirror.map { $0.hasSuffix("/") ? $0 : $0 + "/" }
        var downloader = Downloader()
        downloader.retryLimit = retries
        self.downloader = downloader
    }
}
