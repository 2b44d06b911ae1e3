import Foundation
import TestSupport
import Testing
import VQAVision

@Suite struct FeatureRecipeTests {
    @Test("a recipe with a byte order mark is read as without")
    func byteOrderMark() throws {
        let recipe = FeatureRecipe.grid(GridRecipe(blocks: [3, 16], inputSize: 64))
        let text = String(decoding: try JSONEncoder().encode(recipe), as: UTF8.self)
        #expect(try FeatureRecipe(parsing: "\u{FEFF}" + text) == recipe)
        let folder = try TemporaryFolder()
        let file = try folder.write("extraction.json", "\u{FEFF}" + text)
        #expect(try FeatureRecipe(parsing: String(contentsOfFile: file, encoding: .utf8)) == recipe)
    }
}
