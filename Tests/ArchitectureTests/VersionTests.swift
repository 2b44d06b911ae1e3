import Foundation
import Testing

/// The version is written in one place; what cannot take it from there says the same.
@Suite struct VersionTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    private static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    private static func version() throws -> String {
        let text = try text("Sources/Pipeline/VisualQuestionAnswering/PackageVersion.swift")
        return String(try #require(text.firstMatch(of: /current = "(\d+\.\d+\.\d+)"/)).1)
    }

    @Test(
        "README and the example ask for this version",
        arguments: ["README.md", "Examples/OwnModel/Package.swift"])
    func dependents(file: String) throws {
        let asked = try Self.text(file).matches(of: /from: "([^"]+)"/).map { String($0.1) }
        #expect(asked == [try Self.version()])
    }

    @Test("the change log has this version first of those that are out, with a day")
    func changeLog() throws {
        let headings = try Self.text("CHANGELOG.md").split(separator: "\n").filter { $0.hasPrefix("## ") }
        #expect(headings.first == "## [Unreleased]")
        let last = try #require(headings.dropFirst().first)
        #expect(last.wholeMatch(of: /## \[([\d.]+)\] - \d{4}-\d\d-\d\d/)?.1 == Substring(try Self.version()))
    }

    @Test("no other source writes it")
    func onePlace() throws {
        let sources = try #require(
            FileManager.default.enumerator(
                at: Self.root.appending(path: "Sources"), includingPropertiesForKeys: nil))
        let written = "\"\(try Self.version())\""
        let found = sources.compactMap { $0 as? URL }.filter {
            (try? String(contentsOf: $0, encoding: .utf8))?.contains(written) == true
        }
        #expect(found.map(\.lastPathComponent) == ["PackageVersion.swift"])
    }
}
