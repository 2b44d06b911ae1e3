import Testing
import VQAFeatures

@testable import Server

/// Images that are kept to be asked about again.
@Suite struct KeptPicturesTests {
    private func picture(_ id: String, count: Int = 10) throws -> KeptPicture {
        KeptPicture(id: id, regions: try TestedServer.regions(1, count: count), names: nil)
    }

    @Test("the one that was used longest ago goes first, when there is no room for another")
    func order() throws {
        let size = try picture("a").byteCount
        let kept = KeptPictures(byteLimit: 3 * size)
        for id in ["a", "b", "c"] { kept.keep(try picture(id)) }
        #expect(kept.size == (3, 3 * size))
        #expect(kept["a"] != nil)
        kept.keep(try picture("d"))
        #expect(kept["b"] == nil)
        #expect(["a", "c", "d"].allSatisfy { kept[$0] != nil })
        kept.keep(try picture("a"))
        #expect(kept.size == (3, 3 * size))
    }

    @Test("one that takes more than all may is not kept, and drives no other out")
    func tooLarge() throws {
        let kept = KeptPictures(byteLimit: try picture("a").byteCount)
        kept.keep(try picture("a"))
        kept.keep(try picture("b", count: 1000))
        #expect(kept["a"] != nil && kept["b"] == nil)
        let none = KeptPictures(byteLimit: 0)
        none.keep(try picture("a"))
        #expect(none.size == (0, 0))
    }
}
