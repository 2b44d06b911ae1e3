import Foundation
import TestSupport
import Testing

@testable import VQAVision

/// Transparent pictures as models of the hub see them, held against Pillow's `convert("RGB")`
/// (`Tests/Fixtures/hub/transparent.py`).
@Suite("An unblended picture") struct UnblendedPictureTests {
    private static let folder = Fixtures.url("hub/transparent")

    private struct Expected: Decodable {
        let size: [Int]
        let rgb: [UInt8]
    }

    private static func expected() throws -> [String: Expected] {
        try JSONDecoder().decode(
            [String: Expected].self, from: Data(contentsOf: folder.appending(path: "expected.json")))
    }

    @Test("has Pillow's pixels, of every format with transparency")
    func asPillow() throws {
        let expected = try Self.expected()
        #expect(expected.count == 16)
        for (name, picture) in expected {
            let found = try Picture(
                contentsOf: Self.folder.appending(path: name), reading: .unblended)
            #expect([found.width, found.height] == picture.size, "\(name)")
            #expect(found.pixels == picture.rgb, "\(name)")
        }
    }

    @Test("differs from what OpenCV makes of it where that multiplies colours, or takes a background")
    func notAsOpenCV() throws {
        for name in ["rgba.tif", "associated.tif", "p.gif"] {
            let file = Self.folder.appending(path: name)
            #expect(
                try Picture(contentsOf: file, reading: .unblended)
                    != Picture(contentsOf: file, reading: .stored))
        }
    }

    @Test("is what ViLT's patches are made of")
    func patches() throws {
        #expect(try FeatureRecipe.patches(PatchRecipe(PatchSettings(), patchSize: 32)).reading == .unblended)
    }
}
