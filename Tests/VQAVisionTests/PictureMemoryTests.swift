import CTurboJPEG
import Foundation
import TestSupport
import Testing
import VQAFeatures

@testable import VQAVision

/// Memory for the pictures that several threads decode.
@Suite struct PictureMemoryTests {
    @Test("what a picture will take is told from its head, of PNG and JPEG")
    func stated() throws {
        let expected = 6 * 5 * 3 + 12 * 3 * 64
        let png = PNGFile(
            width: 5, height: 3, rows: Array(repeating: Array(repeating: 7, count: 15), count: 3))
        #expect(PictureMemory.byteCount(png.bytes, for: Resizing(size: 64)) == expected)
        let jpeg = try jpegFile(width: 5, height: 3, pixels: Array(repeating: 7, count: 45))
        #expect(PictureMemory.byteCount(jpeg, for: Resizing(size: 64)) == expected)
        // The largest that is decoded, and one that is refused.
        var large = png
        (large.width, large.height) = (10_000, 10_000)
        #expect(PictureMemory.byteCount(large.bytes, for: Resizing(size: 64)) == 600_000_000 + 12 * 640_000)
        (large.width, large.height) = (.max, .max)
        #expect(PictureMemory.byteCount(large.bytes, for: Resizing(size: 64)) == 0)
    }

    @Test("heads that are cut off or strange tell nothing, and end")
    func damaged() throws {
        let jpeg = try jpegFile(width: 5, height: 3, pixels: Array(repeating: 7, count: 45))
        for count in 0..<min(jpeg.count, 700) {
            _ = PictureMemory.byteCount(jpeg.prefix(count), for: Resizing(size: 64))
        }
        #expect(PictureMemory.byteCount(Data(repeating: 0xFF, count: 10_000), for: Resizing(size: 64)) == 0)
        #expect(PictureMemory.byteCount(Data(), for: Resizing(size: 64)) == 0)
    }

    @Test("pictures are decoded and resized as without it, and what is none is an error")
    func inputs() throws {
        let folder = try TemporaryFolder()
        let png = PNGFile(
            width: 5, height: 3, rows: Array(repeating: Array(repeating: 7, count: 15), count: 3))
        let file = FoundPicture(path: try folder.write("a.png", png.bytes))
        let memory = PictureMemory()
        for _ in 0..<3 { _ = try memory.input(file, for: Resizing(size: 4)) }
        let text = FoundPicture(path: try folder.write("b.png", "none"))
        #expect(throws: PictureError.self) { try memory.input(text, for: Resizing(size: 4)) }
        #expect(throws: PictureError.self) {
            try memory.input(FoundPicture(path: folder.file("c.png")), for: Resizing(size: 4))
        }
    }
}

/// An extractor that brings pictures to a size, and sees nothing in them.
struct Resizing: PictureFeatureExtractor {
    let size: Int
    let isConcurrent = true
    var recipe: FeatureRecipe { .grid(GridRecipe(blocks: [], inputSize: size)) }

    func input(of picture: Picture, named name: String) throws -> GridFeatures.Input {
        try GridFeatures.Input(picture, size: size)
    }

    func inputByteCount(width: Int, height: Int) -> Int { 12 * height * size }
    func extract(_ inputs: [GridFeatures.Input]) -> [ExtractedFeatures] {
        inputs.map { _ in .unfit(PictureError(file: "", problem: .empty)) }
    }
    func isComplete(_ features: RegionFeatures) -> Bool { false }
}
