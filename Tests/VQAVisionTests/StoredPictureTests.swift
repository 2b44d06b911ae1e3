import Archives
import CTurboJPEG
import Foundation
import TestSupport
import Testing
import Torch

@testable import VQAVision

/// Pictures as OpenCV reads them, held against what it made of a file of each kind.
@Suite("A picture as it is stored") struct StoredPictureTests {
    private static let folder = "detector/formats"

    /// The files, and the pixels that OpenCV read, red first; nil where it read none.
    private static func expected() throws -> [String: Picture?] {
        let tensors = try SafetensorsFile(path: Fixtures.url(folder + "/expected_bgr.safetensors").path)
        let text = try Data(contentsOf: Fixtures.url(folder + "/expected.json"))
        let files = try #require(try JSONSerialization.jsonObject(with: text) as? [String: Any])
        var pictures: [String: Picture?] = [:]
        for (name, entry) in files {
            guard let entry = entry as? [String: Any] else {
                pictures.updateValue(nil, forKey: name)
                continue
            }
            let bytes = try tensors.tensor(name).array(of: UInt8.self)
            let starts = stride(from: 0, to: bytes.count, by: 3)
            let pixels = starts.flatMap { (start: Int) -> [UInt8] in
                [bytes[start + 2], bytes[start + 1], bytes[start]]
            }
            pictures[name] = try Picture(
                width: #require(entry["width"] as? Int), height: #require(entry["height"] as? Int),
                pixels: pixels)
        }
        return pictures
    }

    private static func stored(_ name: String) throws -> Picture {
        try Picture(contentsOf: Fixtures.url(folder + "/" + name), reading: .stored)
    }

    @Test("has OpenCV's pixels, of every format and kind")
    func asOpenCV() throws {
        let expected = try Self.expected()
        #expect(expected.count == 24)
        // OpenCV fills what a JPEG lacks with grey; here it is an error.
        for (name, picture) in expected where name != "cut_short.jpg" {
            guard let picture else {
                #expect(throws: PictureError.self, "\(name)") { try Self.stored(name) }
                continue
            }
            let found = try Self.stored(name)
            #expect((found.width, found.height) == (picture.width, picture.height), "\(name)")
            let difference = zip(found.pixels, picture.pixels).map { abs(Int($0) - Int($1)) }.max()
            #expect(try #require(difference) <= (name == "cmyk.jpg" ? 1 : 0), "\(name)")
        }
        #expect(throws: PictureError.self) { try Self.stored("cut_short.jpg") }
    }

    @Test("is as it is shown where there is nothing to be converted")
    func asShown() throws {
        for name in ["rgb.png", "rgb_420.jpg", "exif6.jpg", "rgb.webp", "rgb.tif", "rgb.gif", "rgb.bmp"] {
            let shown = try Picture(contentsOf: Fixtures.url(Self.folder + "/" + name))
            #expect(try Self.stored(name) == shown, "\(name)")
        }
        #expect(throws: PictureError.self) {
            try Picture(contentsOf: Fixtures.url(Self.folder + "/cmyk.jpg"), reading: .shown)
        }
    }

    @Test("is refused where the file is cut off anywhere before its last pixel, in every format")
    func cut() throws {
        for name in [
            "rgb.png", "rgb_420.jpg", "rgb.webp", "rgb.tif", "rgb.gif", "rgb.bmp", "rgba.png", "grey16.png",
        ] {
            let bytes = try Data(contentsOf: Fixtures.url(Self.folder + "/" + name))
            for reading in PictureReading.allCases {
                let whole = try Picture(decoding: bytes, named: name, reading: reading)
                var firstRead = bytes.count
                for count in 0..<bytes.count {
                    guard let picture = try? Self.decode(bytes.prefix(count), name, reading) else { continue }
                    #expect(picture == whole, "\(name) of \(count) bytes")
                    firstRead = min(firstRead, count)
                }
                // What follows the pixels may be missing: ends of files, checksums, an empty block.
                #expect(firstRead >= bytes.count - 24, "\(name)")
            }
        }
    }

    /// Decodes, where errors other than a picture's own are failures.
    private static func decode(_ bytes: Data, _ name: String, _ reading: PictureReading) throws -> Picture {
        do {
            return try Picture(decoding: bytes, named: name, reading: reading)
        } catch {
            #expect(error is PictureError)
            throw error
        }
    }

    @Test("is a picture or an error where any byte of the file is another, in every format")
    func damaged() throws {
        for name in ["rgb.png", "rgb_420.jpg", "rgb.webp", "rgb.tif", "rgb.gif", "rgb.bmp"] {
            let bytes = try Data(contentsOf: Fixtures.url(Self.folder + "/" + name))
            for place in stride(from: 0, to: min(bytes.count, 600), by: 3) {
                var damaged = bytes
                damaged[place] ^= 0xFF
                for reading in PictureReading.allCases { _ = try? Self.decode(damaged, name, reading) }
            }
        }
    }

    @Test("lacks opacity without being blended, and is not brightened by a gamma")
    func transparency() throws {
        let png = PNGFile(
            width: 2, height: 1, colorType: .rgbAndAlpha, rows: [[200, 100, 50, 0, 1, 2, 3, 128]])
        #expect(
            try Picture(decoding: png.bytes, named: "alpha", reading: .stored).pixels == [
                200, 100, 50, 1, 2, 3,
            ])
        let deep = PNGFile(width: 1, height: 1, bitDepth: 16, rows: [[0x12, 0xFF, 0x34, 0x80, 0x56, 0]])
        #expect(
            try Picture(decoding: deep.bytes, named: "16 bits", reading: .stored).pixels == [
                0x12, 0x34, 0x56,
            ])
    }

    @Test("of an interlaced PNG has every pass's pixels in its place")
    func interlaced() throws {
        // Of 2 x 2 pixels, the first pass has the first, the sixth the second, and the last the lower row.
        let png = PNGFile(
            width: 2, height: 2, isInterlaced: true, rows: [[1, 2, 3], [4, 5, 6], [7, 8, 9, 10, 11, 12]])
        for reading in PictureReading.allCases {
            let picture = try Picture(decoding: png.bytes, named: "interlaced", reading: reading)
            #expect(picture.pixels == Array(1...12))
        }
    }

    @Test("of a JPEG in a process that is not read is refused in words")
    func unsupportedJPEG() throws {
        let bytes = try jpegFile(width: 8, height: 8, pixels: Array(repeating: 77, count: 192))
        let frame = try #require(bytes.firstRange(of: Data([0xFF, 0xC0])))
        var deep = bytes
        deep[frame.upperBound + 2] = 12
        var lossless = bytes
        lossless[frame.lowerBound + 1] = 0xC3
        for file in [deep, lossless] {
            for reading in PictureReading.allCases {
                let error = try #require(throws: PictureError.self) {
                    try Picture(decoding: file, named: "cat.jpg", reading: reading)
                }
                guard case .unsupportedKind(.jpeg, _) = error.problem else {
                    Issue.record("\(error)")
                    return
                }
            }
        }
    }
}
