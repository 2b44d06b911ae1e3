import FileSystem
import Foundation

/// What the environment says of the hub, by the variables that Python's `huggingface_hub` goes by.
package struct HubEnvironment: Sendable {
    /// The folder of the hub's cache: `HF_HUB_CACHE` (older: `HUGGINGFACE_HUB_CACHE`), else `hub` in ``home``.
    package let cacheFolder: String
    /// Where the hub is: `HF_ENDPOINT`, else `https://huggingface.co`.
    package let endpoint: String
    /// Whether nothing is to be asked: `HF_HUB_OFFLINE` is 1, true, yes or on.
    package let isOffline: Bool
    /// `HF_HOME`, else `huggingface` in `XDG_CACHE_HOME`, else `~/.cache/huggingface`.
    private let home: String
    private let variables: [String: String]

    /// No token is longer.
    private static let longestToken = 4096

    /// - Parameter variables: The variables to go by.
    package init(_ variables: [String: String] = ProcessInfo.processInfo.environment) {
        self.variables = variables.filter { !$0.value.isEmpty }
        let userHome = self.variables["HOME"] ?? NSHomeDirectory()
        func path(_ name: String) -> String? {
            guard let value = variables[name], !value.isEmpty else { return nil }
            return value == "~" || value.hasPrefix("~/") ? userHome + value.dropFirst() : value
        }
        home = path("HF_HOME") ?? (path("XDG_CACHE_HOME") ?? userHome + "/.cache") + "/huggingface"
        cacheFolder = path("HF_HUB_CACHE") ?? path("HUGGINGFACE_HUB_CACHE") ?? home + "/hub"
        var endpoint = self.variables["HF_ENDPOINT"] ?? "https://huggingface.co"
        while endpoint.hasSuffix("/") { endpoint.removeLast() }
        self.endpoint = endpoint
        isOffline = Self.isTrue(self.variables["HF_HUB_OFFLINE"])
        tokenPath = path("HF_TOKEN_PATH") ?? home + "/token"
    }

    private let tokenPath: String

    private static func isTrue(_ value: String?) -> Bool {
        value.map { ["1", "true", "yes", "on"].contains($0.lowercased()) } ?? false
    }

    /// What tells the hub who asks: `HF_TOKEN`, else what the file `HF_TOKEN_PATH` holds, else `token` in `HF_HOME`; nil
    /// for nobody. `HF_HUB_DISABLE_IMPLICIT_TOKEN` keeps it back.
    ///
    /// - Throws: `HubError` where it cannot be one; the error does not show it.
    func token() throws(HubError) -> String? {
        guard !Self.isTrue(variables["HF_HUB_DISABLE_IMPLICIT_TOKEN"]) else { return nil }
        for name in ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"] {
            if let token = try Self.token(variables[name] ?? "", from: name) { return token }
        }
        guard access(tokenPath, F_OK) == 0 else { return nil }
        do {
            let bytes = try SmallFile.contents(of: tokenPath, byteLimit: Self.longestToken)
            return try Self.token(String(decoding: bytes, as: UTF8.self), from: tokenPath)
        } catch let error as HubError {
            throw error
        } catch {
            throw .unusableToken(
                source: tokenPath, reason: (error as? SmallFileError)?.description ?? systemReason(of: error))
        }
    }

    private static func token(_ text: String, from source: String) throws(HubError) -> String? {
        let token = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard !token.isEmpty else { return nil }
        // Anything else could begin another line of what is sent.
        guard token.utf8.count <= longestToken, token.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw .unusableToken(source: source, reason: "expected letters, digits and signs without spaces")
        }
        return token
    }
}
