import Foundation

/// A repository of models on the Hugging Face hub.
package struct HubRepository: Sendable, Hashable, CustomStringConvertible {
    /// `unc-nlp/frcnn-vg-finetuned`: an organisation or person and a name; of some old ones, a name alone.
    package let id: String

    /// - Throws: `HubError` where the hub has no repository of such a name.
    package init(_ id: String) throws(HubError) {
        let parts = id.split(separator: "/", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), id.utf8.count <= 96, !id.contains("--"), !id.contains(".."),
            parts.allSatisfy(Self.isName)
        else {
            throw .unusableName(what: "a repository such as 'unc-nlp/frcnn-vg-finetuned'", found: id)
        }
        self.id = id
    }

    private static func isName(_ part: Substring) -> Bool {
        guard let first = part.first, let last = part.last else { return false }
        return !"-.".contains(first) && !"-.".contains(last)
            && part.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) }
    }

    /// The id.
    package var description: String { id }

    /// The folder of the repository in the hub's cache.
    var folderName: String { "models--" + id.replacing("/", with: "--") }

    /// The address of a file.
    func address(of file: HubPath, at revision: HubPath, on endpoint: String) -> String {
        "\(endpoint)/\(id)/resolve/\(revision.escaped(keeping: ""))/\(file.escaped(keeping: "/"))"
    }
}

/// The name of a file in a repository, or of a revision: parts with `/` between them, which lead nowhere else when they
/// are taken for a path.
struct HubPath: Sendable, Hashable {
    let text: String

    /// - Throws: `HubError` where it would lead somewhere else.
    init(_ text: String, what: String) throws(HubError) {
        let parts = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
        guard text.utf8.count <= 1024, !text.utf8.contains(0), !text.contains("\\"),
            parts.allSatisfy({ !["", ".", ".."].contains($0) })
        else { throw .unusableName(what: what, found: text) }
        self.text = text
    }

    /// Whether it is a commit by its whole name, so that it stays what it is.
    var isCommit: Bool { Self.isCommit(text) }

    /// Whether a text is 40 hexadecimal digits.
    static func isCommit(_ text: String) -> Bool {
        text.utf8.count == 40 && text.allSatisfy { $0.isHexDigit && !$0.isUppercase && $0.isASCII }
    }

    /// How many parts there are.
    var depth: Int { text.count { $0 == "/" } + 1 }

    /// As it stands in an address.
    func escaped(keeping others: String) -> String {
        let plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~" + others
        let kept = Set(plain.utf8)
        return text.utf8.map { byte in
            guard !kept.contains(byte) else { return String(UnicodeScalar(byte)) }
            return "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }.joined()
    }
}
