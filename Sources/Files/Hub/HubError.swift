/// A file of the Hugging Face hub that cannot be had, and why.
package enum HubError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Something is not named as such things are.
    case unusableName(what: String, found: String)
    /// The token cannot be sent.
    case unusableToken(source: String, reason: String)
    /// The file is not in the cache, and nothing is to be asked.
    case offline(repository: String, file: String, revision: String, cache: String)
    /// The repository is there for those who were let in.
    case gated(repository: String, endpoint: String)
    /// The hub does not take the token.
    case wrongToken(endpoint: String)
    /// The hub has no such repository, or shows it to others only.
    case noRepository(repository: String, endpoint: String)
    /// The repository has no such branch, tag or commit.
    case noRevision(repository: String, revision: String)
    /// The repository has no such file.
    case noFile(repository: String, file: String, revision: String)
    /// What answers is no hub.
    case otherServer(address: String, found: String)
    /// What came is not what the hub says it is.
    case damaged(address: String, expected: String, found: String)
    /// The cache cannot be read or written.
    case unusableCache(path: String, reason: String)

    /// One line: what was expected, what was found, and what to do.
    package var description: String {
        switch self {
        case .unusableName(let what, let found): "expected \(what), found '\(found)'"
        case .unusableToken(let source, let reason): "\(source): cannot be a token of the hub: \(reason)"
        case .offline(let repository, let file, let revision, let cache):
            "\(repository): expected \(file) of revision \(revision) in \(cache), found none; HF_HUB_OFFLINE keeps from "
                + "fetching it: unset it, or copy the folder of this repository there from a machine that has it"
        case .gated(let repository, let endpoint):
            "\(repository): is given to those alone who were let in: ask for access at \(endpoint)/\(repository), and "
                + "set HF_TOKEN to your token"
        case .wrongToken(let endpoint):
            "\(endpoint): does not accept the token: set HF_TOKEN to one that is valid, or unset it"
        case .noRepository(let repository, let endpoint):
            "\(repository): expected a repository at \(endpoint), found none that it shows; a private one needs HF_TOKEN"
        case .noRevision(let repository, let revision):
            "\(repository): expected a branch, tag or commit '\(revision)', found none"
        case .noFile(let repository, let file, let revision):
            "\(repository): expected a file '\(file)' at revision \(revision), found none"
        case .otherServer(let address, let found):
            "\(address): expected the answer of a Hugging Face hub, found \(found): see to HF_ENDPOINT and the proxy"
        case .damaged(let address, let expected, let found):
            "\(address): expected bytes of the checksum \(expected), found \(found)"
        case .unusableCache(let path, let reason): "\(path): cannot be used for the hub's cache: \(reason)"
        }
    }
}
