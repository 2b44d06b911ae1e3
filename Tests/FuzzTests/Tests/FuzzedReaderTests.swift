import Foundation
import TestSupport
import Testing

/// Every reader of files, on inputs that are not what they should be. docs/reliability.md says how more are tried.
@Suite struct FuzzedReaderTests {
    /// How many mutations of its seeds a reader is given.
    private static let count =
        ProcessInfo.processInfo.environment["RWSAN_MUTATIONS"].flatMap { Int($0) } ?? 200

    @Test("a reader gives a value for good inputs", arguments: FuzzedReader.all)
    func seeds(reader: FuzzedReader) throws {
        let place = try Workplace()
        let seeds = try reader.shortSeeds()
        #expect(!seeds.isEmpty)
        // A recipe is read, and then lacks weights.
        let areRead = seeds.contains { (try? reader.read($0, place)) != nil }
        #expect(areRead || reader.name == "recipe")
        for seed in seeds { #expect(reader.problem(with: seed, in: place) == nil) }
    }

    @Test("mutated inputs give a value or an error of the package's own", arguments: FuzzedReader.all)
    func mutations(reader: FuzzedReader) throws {
        let place = try Workplace()
        var mutations = Mutations(
            of: try reader.shortSeeds(), maximumByteCount: reader.maximumByteCount, seed: 1)
        for _ in 0..<Self.count { #expect(reader.problem(with: mutations.next(), in: place) == nil) }
    }

    @Test("inputs that once did harm are harmless", arguments: FoundInput.all())
    func found(input: FoundInput) throws {
        let reader = try #require(FuzzedReader.all.first { $0.name == input.reader })
        let bytes = try fixture("fuzz/\(input.reader)/\(input.name)")
        #expect(reader.problem(with: bytes, in: try Workplace()) == nil)
    }
}

extension FuzzedReader: CustomTestStringConvertible {
    var testDescription: String { name }
}

/// An input in `Tests/Fixtures/fuzz/READER`.
struct FoundInput: Sendable, CustomTestStringConvertible {
    let reader: String
    let name: String
    var testDescription: String { "\(reader)/\(name)" }

    /// All that have ever been found; none where there is no folder of them.
    static func all() -> [FoundInput] {
        names(in: "fuzz").flatMap { reader in
            names(in: "fuzz/" + reader).map { FoundInput(reader: reader, name: $0) }
        }
    }

    private static func names(in folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: Fixtures.url(folder).path)) ?? []).sorted()
    }
}
