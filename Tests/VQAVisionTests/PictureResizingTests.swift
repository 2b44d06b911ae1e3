import Testing
import Torch

@testable import VQAVision

@Suite struct PictureResizingTests {
    /// A picture without any regularity, always the same: one number in millions is so near to a half that libtorch's
    /// single precision rounds it otherwise.
    private func noise(width: Int, height: Int) throws -> Picture {
        var state: UInt64 = 1
        let pixels = (0..<width * height * 3).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 56)
        }
        return try Picture(width: width, height: height, pixels: pixels)
    }

    /// What libtorch's antialiased bilinear interpolation makes of it, unrounded: [height, width, 3].
    private func reference(_ picture: Picture, width: Int, height: Int) throws -> [Float] {
        let pixels = try Tensor(picture.pixels, shape: [1, picture.height, picture.width, 3])
        return try Operator("aten::_upsample_bilinear2d_aa").tensor(
            .tensor(pixels.converted(to: .float32).permuted([0, 3, 1, 2])), .ints([height, width]),
            .bool(false), .none, .none
        ).permuted([0, 2, 3, 1]).contiguous().array(of: Float.self)
    }

    @Test(
        "a resized picture is libtorch's antialiased one, rounded",
        arguments: [(64, 64), (7, 5), (200, 90), (100, 8), (31, 23), (1, 1)])
    func matchesReference(width: Int, height: Int) throws {
        let picture = try noise(width: 97, height: 61)
        let resized = try picture.resized(width: width, height: height)
        #expect(resized.width == width)
        #expect(resized.height == height)
        let expected = try reference(picture, width: width, height: height)
        #expect(resized.pixels.count == expected.count)
        let differences = zip(resized.pixels, expected).map { abs(Float($0) - $1) }
        #expect(differences.allSatisfy { $0 < 0.501 })
    }

    @Test("a picture of one pixel becomes one of one colour")
    func onePixel() throws {
        let pixel = try Picture(width: 1, height: 1, pixels: [0, 128, 255])
        #expect(try pixel.resized(width: 2, height: 1).pixels == [0, 128, 255, 0, 128, 255])
    }

    @Test("a picture that has the size already stays as it is")
    func sameSize() throws {
        let picture = try noise(width: 9, height: 4)
        #expect(try picture.resized(width: 9, height: 4) == picture)
    }

    @Test("a size without pixels, or with too many, is refused")
    func impossibleSize() throws {
        let picture = try noise(width: 2, height: 2)
        for (width, height) in [(0, 2), (2, -1), (.max, .max), (20_000, 20_000)] {
            let error = #expect(throws: PictureError.self) {
                try picture.resized(width: width, height: height)
            }
            #expect(error?.problem == .unacceptableSize(width: width, height: height))
        }
    }
}
