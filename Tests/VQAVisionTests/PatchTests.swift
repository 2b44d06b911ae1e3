import Foundation
import TestSupport
import Testing
import Torch
import VQAFeatures

@testable import VQAVision

/// Pictures as ViLT reads them, held against what transformers and Pillow made of them.
@Suite struct PatchTests {
    private static func url(_ path: String) -> URL { Fixtures.url("hub/" + path) }

    /// What `images.json` says.
    private struct Expected: Decodable {
        let pictures: [PictureEntry]
        let releasedSizes: [SizeEntry]
        let resizeUnits: [UnitEntry]

        private enum CodingKeys: String, CodingKey {
            case pictures
            case releasedSizes = "released_sizes"
            case resizeUnits = "resize_units"
        }

        static func read() throws -> Expected {
            try JSONDecoder().decode(Expected.self, from: Data(contentsOf: url("images.json")))
        }
    }

    private struct PictureEntry: Decodable {
        let file: String
        let height: Int
        let width: Int
        let pixelsDigest: String
        let small: Resized
        let released: Resized

        private enum CodingKeys: String, CodingKey {
            case file, height, width, small, released
            case pixelsDigest = "rgb_sha256"
        }

        var name: String { String(file.prefix { $0 != "." }) }

        func read() throws -> Picture {
            try Picture(contentsOf: url("pictures/" + file), reading: .stored)
        }
    }

    private struct Resized: Decodable {
        let height: Int
        let width: Int
        let digest: String
        let sum: Int
        let mean: Double
        let rows: [Int]?

        private enum CodingKeys: String, CodingKey {
            case height, width, rows
            case digest = "resized_rgb_sha256"
            case sum = "sum_uint8"
            case mean = "mean_pixel_values"
        }
    }

    private struct SizeEntry: Decodable {
        let height: Int
        let width: Int
        let to: [Int]
    }

    private struct UnitEntry: Decodable {
        let name: String
        let from: [Int]
        let to: [Int]
    }

    private static func tensors() throws -> SafetensorsFile {
        try SafetensorsFile(path: url("images.safetensors").path)
    }

    private static func released() throws -> PatchExtractor {
        PatchExtractor(try PatchRecipe(PatchSettings(), patchSize: 32))
    }

    private static func small(patchSize: Int = 16) throws -> PatchExtractor {
        let settings = try PatchSettings(contentsOf: url("vilt/preprocessor_config.json").path)
        return PatchExtractor(try PatchRecipe(settings, patchSize: patchSize))
    }

    /// Patches put together again: [3, height, width].
    private static func pixels(_ regions: RegionFeatures, patchSize: Int, width: Int, height: Int) -> [Float]
    {
        var pixels = Array(repeating: Float.nan, count: regions.features.count)
        let columns = width / patchSize
        for (place, value) in regions.features.enumerated() {
            let (patch, inside) = place.quotientAndRemainder(dividingBy: regions.width)
            let (channel, pixel) = inside.quotientAndRemainder(dividingBy: patchSize * patchSize)
            let y = patch / columns * patchSize + pixel / patchSize
            let x = patch % columns * patchSize + pixel % patchSize
            pixels[(channel * height + y) * width + x] = value
        }
        return pixels
    }

    @Test("a picture is read, resized and numbered to the bit as by Pillow and transformers, at both sizes")
    func pictures() throws {
        let (tensors, entries) = (try Self.tensors(), try Expected.read().pictures)
        #expect(entries.count == 5)
        for entry in entries {
            let picture = try entry.read()
            #expect((picture.width, picture.height) == (entry.width, entry.height))
            #expect(try sha256(picture.pixels) == entry.pixelsDigest, "\(entry.file)")
            for (extractor, patchSize, expected) in [
                (try Self.small(), 16, entry.small), (try Self.released(), 32, entry.released),
            ] {
                let input = try extractor.input(of: picture, named: entry.file)
                let resized = input.resized
                #expect((resized.width, resized.height) == (expected.width, expected.height), "\(entry.file)")
                #expect(try sha256(resized.pixels) == expected.digest, "\(entry.file)")
                #expect(resized.pixels.reduce(0) { $0 + Int($1) } == expected.sum, "\(entry.file)")

                let regions = try extractor.regions(of: picture)
                let count = expected.width / patchSize * (expected.height / patchSize)
                #expect((regions.count, regions.width) == (count, 3 * patchSize * patchSize))
                let total = regions.features.reduce(0.0) { $0 + Double($1) }
                #expect(abs(total / Double(regions.features.count) - expected.mean) < 1e-6, "\(entry.file)")
                if let rows = expected.rows {
                    let bytes = rows.flatMap {
                        resized.pixels[$0 * 3 * resized.width..<($0 + 1) * 3 * resized.width]
                    }
                    #expect(
                        try tensors.tensor(entry.name + ".released_rows").array(of: UInt8.self) == bytes)
                } else {
                    #expect(
                        try tensors.tensor(entry.name + ".resized").array(of: UInt8.self) == resized.pixels)
                    let values = try tensors.tensor(entry.name + ".pixel_values").array(of: Float.self)
                    #expect(
                        Self.pixels(regions, patchSize: 16, width: resized.width, height: resized.height)
                            == values, "\(entry.file)")
                }
            }
        }
    }

    @Test("bicubic resizing is Pillow's to the bit, whichever sides shrink, grow or stay")
    func resizing() throws {
        let (tensors, units) = (try Self.tensors(), try Expected.read().resizeUnits)
        #expect(units.count == 6)
        for unit in units {
            let picture = try Picture(
                width: unit.from[1], height: unit.from[0],
                pixels: tensors.tensor(unit.name + ".in").array(of: UInt8.self))
            let resized = try picture.resizedBicubically(width: unit.to[1], height: unit.to[0])
            #expect((resized.height, resized.width) == (unit.to[0], unit.to[1]))
            #expect(
                try tensors.tensor(unit.name + ".out").array(of: UInt8.self) == resized.pixels, "\(unit.name)"
            )
        }
    }

    @Test(
        "resizing to a size without pixels, or with too many, is refused; to the same size it changes nothing"
    )
    func sizesOfResizing() throws {
        let picture = try Picture(width: 2, height: 1, pixels: [1, 2, 3, 4, 5, 6])
        #expect(try picture.resizedBicubically(width: 2, height: 1) == picture)
        for (width, height) in [(0, 2), (2, -1), (.max, .max), (20_000, 20_000)] {
            let error = #expect(throws: PictureError.self) {
                try picture.resizedBicubically(width: width, height: height)
            }
            #expect(error?.problem == .unacceptableSize(width: width, height: height))
        }
    }

    @Test("black and white edges do not run over, however far a picture is shrunk or enlarged")
    func extremes() throws {
        for (from, to) in [(65_535, 1), (65_535, 32), (1, 608), (2, 608), (33, 32), (3, 2)] {
            let row = (0..<from).flatMap { Array(repeating: UInt8($0 % 2 == 0 ? 255 : 0), count: 3) }
            let wide = try Picture(width: from, height: 1, pixels: row)
            let tall = try Picture(width: 1, height: from, pixels: row)
            let (resizedWide, resizedTall) = (
                try wide.resizedBicubically(width: to, height: 1),
                try tall.resizedBicubically(width: 1, height: to)
            )
            #expect(resizedWide.pixels == resizedTall.pixels)
            #expect(resizedWide.pixels.count == 3 * to)
        }
        let white = try Picture(width: 37, height: 5, pixels: Array(repeating: 255, count: 3 * 37 * 5))
        #expect(try white.resizedBicubically(width: 608, height: 2).pixels.allSatisfy { $0 == 255 })
    }

    @Test("sizes are those of transformers at the released settings, and at least the divisor")
    func sizes() throws {
        let (settings, entries) = (try PatchSettings(), try Expected.read().releasedSizes)
        #expect(entries.count == 27)
        for entry in entries {
            let found = settings.size(width: entry.width, height: entry.height)
            #expect(
                [found.height, found.width] == entry.to.map { max($0, 32) },
                "\(entry.height) x \(entry.width)")
        }
    }

    @Test("a size is bounded and a multiple of the divisor for every picture and setting")
    func boundedSizes() throws {
        for (edge, divisor) in [(1, 1), (1, 2048), (384, 32), (2048, 7), (2048, 2048)] {
            let settings = try PatchSettings(shortestEdge: edge, divisor: divisor)
            for width in [1, 2, 333, 65_535, .max] {
                for height in [1, 20, 20_000, .max] {
                    let size = settings.size(width: width, height: height)
                    for side in [size.width, size.height] {
                        #expect(side >= divisor && side <= 3412 && side.isMultiple(of: divisor))
                    }
                }
            }
        }
    }

    @Test("patches come row by row with their parts of the picture as boxes")
    func boxes() throws {
        let picture = try Picture(contentsOf: Self.url("pictures/a_landscape.png"), reading: .stored)
        let extractor = try Self.small()
        let regions = try extractor.regions(of: picture)
        #expect(extractor.grid(width: 100, height: 75) == (4, 5))
        #expect((regions.imageWidth, regions.imageHeight) == (100, 75))
        #expect(Array(regions.boxes[..<8]) == [0, 0, 20, 18.75, 20, 0, 40, 18.75])
        #expect(Array(regions.boxes.suffix(4)) == [80, 56.25, 100, 75])
        #expect(extractor.isComplete(regions))
        #expect(!extractor.isComplete(regions.prefix(19)))
        #expect(try !Self.released().isComplete(regions))
    }

    @Test("patches may be smaller than the divisor, and hold the same pixels")
    func smallerPatches() throws {
        let picture = try Picture(contentsOf: Self.url("pictures/a_landscape.png"), reading: .stored)
        let (large, small) = (
            try Self.small().regions(of: picture), try Self.small(patchSize: 8).regions(of: picture)
        )
        #expect((small.count, small.width) == (80, 192))
        #expect(
            Self.pixels(small, patchSize: 8, width: 80, height: 64)
                == Self.pixels(large, patchSize: 16, width: 80, height: 64))
    }

    @Test("patches that do not divide the divisor are refused", arguments: [0, -16, 3, 32, 17, Int.min])
    func otherPatchSizes(patchSize: Int) throws {
        let error = #expect(throws: PatchSettingsError.self) { try Self.small(patchSize: patchSize) }
        #expect(try #require(error).reason.contains("divides 16"))
    }

    @Test("an input of an extractor of other settings is refused")
    func otherInput() throws {
        let picture = try Picture(width: 5, height: 4, pixels: Array(repeating: 9, count: 60))
        let input = try Self.small().input(of: picture, named: "a")
        #expect(throws: PatchSettingsError.self) { try Self.released().extract([input]) }
    }

    @Test("a picture of 20,000 x 20 pixels has patches, either way")
    func thinPictures() throws {
        let extractor = try Self.released()
        for (width, height, columns, rows) in [(20_000, 20, 19, 1), (20, 20_000, 1, 19)] {
            let picture = try Picture(
                width: width, height: height, pixels: Array(repeating: 51, count: 3 * width * height))
            let regions = try extractor.regions(of: picture)
            #expect(regions.count == columns * rows)
            #expect(extractor.grid(width: width, height: height) == (rows, columns))
            #expect(regions.features.allSatisfy { abs($0 + 0.6) < 1e-6 })
            #expect(extractor.inputByteCount(width: width, height: height) < 3 << 20)
        }
    }

    @Test("the high byte of 16 bits counts, opacity is dropped, and a turned picture is set upright")
    func kinds() throws {
        let reading = try Self.small().recipe.reading
        func read(_ png: PNGFile) throws -> Picture {
            try Picture(decoding: png.bytes, named: "a.png", reading: reading)
        }
        let grey = PNGFile(
            width: 2, height: 1, bitDepth: 16, colorType: .grey, rows: [[0x12, 0xFF, 0xFE, 0]])
        #expect(try read(grey).pixels == [0x12, 0x12, 0x12, 0xFE, 0xFE, 0xFE])
        let clear = PNGFile(width: 1, height: 1, colorType: .rgbAndAlpha, rows: [[200, 100, 50, 0]])
        #expect(try read(clear).pixels == [200, 100, 50])
        let palette = PNGFile(
            width: 2, height: 1, colorType: .palette, palette: [1, 2, 3, 4, 5, 6], rows: [[1, 0]])
        #expect(try read(palette).pixels == [4, 5, 6, 1, 2, 3])
        let turned = try Picture(
            contentsOf: Fixtures.url("detector/formats/exif6.jpg"), reading: reading)
        let regions = try Self.small().regions(of: turned)
        #expect((regions.imageWidth, regions.imageHeight) == (turned.width, turned.height))
        #expect(try Self.small().isComplete(regions))
    }
}
