import CWebP
import Foundation
import TestSupport
import Testing

@testable import VQAVision

/// Pictures of formats other than PNG and JPEG, put together byte by byte.
@Suite("A picture from a WebP, TIFF, GIF or BMP") struct PictureFormatTests {
    private func pixels(_ bytes: [UInt8], _ reading: PictureReading = .shown) throws -> [UInt8] {
        try Picture(decoding: Data(bytes), named: "picture", reading: reading).pixels
    }

    private func problem(_ bytes: [UInt8], _ reading: PictureReading = .shown) throws -> PictureError.Problem
    {
        try #require(throws: PictureError.self) {
            try Picture(decoding: Data(bytes), named: "picture", reading: reading)
        }.problem
    }

    /// Two pixels, one half transparent.
    private let translucent: [UInt8] = [200, 100, 50, 255, 10, 20, 30, 128]

    /// The same as libpng shows them.
    private var overWhite: [UInt8] {
        get throws {
            let png = PNGFile(width: 2, height: 1, colorType: .rgbAndAlpha, rows: [translucent])
            return try Picture(decoding: png.bytes, named: "png").pixels
        }
    }

    @Test("is laid over white as libpng does it, at every intensity and opacity")
    func asLibPNG() throws {
        for start in stride(from: 0, to: 256, by: 32) {
            let rows = (start..<start + 32).map { opacity in
                (0...255).flatMap { [UInt8($0), UInt8($0), UInt8($0), UInt8(opacity)] }
            }
            let png = PNGFile(width: 256, height: 32, colorType: .rgbAndAlpha, rows: rows)
            let expected = try Picture(decoding: png.bytes, named: "png").pixels
            let found = rows.flatMap { row in
                (0...255).flatMap { column -> [UInt8] in
                    let value = Transparency.overWhite(row[4 * column], opacity: row[4 * column + 3])
                    return [value, value, value]
                }
            }
            let differences = zip(found, expected).map { abs(Int($0) - Int($1)) }
            let largest = differences.max() ?? 0
            #expect(largest == 0, "\(differences.count { $0 > 0 }) differ, by up to \(largest)")
        }
    }

    @Test("shows what is transparent over white, and stores it as it is")
    func transparency() throws {
        var file: UnsafeMutablePointer<UInt8>?
        let count = WebPEncodeLosslessRGBA(translucent, 2, 1, 8, &file)
        defer { WebPFree(file) }
        let webP = Array(UnsafeBufferPointer(start: file, count: count))
        let stored: [UInt8] = [200, 100, 50, 10, 20, 30]
        #expect(try pixels(webP) == overWhite)
        #expect(try pixels(webP, .stored) == stored)

        let tiff = PictureBytes.tiff(width: 2, height: 1, samples: 4, extraSample: 2, pixels: translucent)
        #expect(try pixels(tiff) == overWhite)
        // As libtiff gives it to OpenCV: multiplied with the opacity.
        #expect(try pixels(tiff, .stored) == [200, 100, 50, 5, 10, 15])
        let multiplied = PictureBytes.tiff(
            width: 2, height: 1, samples: 4, extraSample: 1, pixels: [200, 100, 50, 255, 5, 10, 15, 128])
        #expect(try pixels(multiplied, .stored) == [200, 100, 50, 5, 10, 15])
        #expect(try zip(pixels(multiplied), overWhite).allSatisfy { abs(Int($0) - Int($1)) <= 2 })

        let bmp = PictureBytes.bmp(
            width: 2, height: 1, bitsPerPixel: 32, compression: 3, headerByteCount: 108,
            masks: [0xFF, 0xFF00, 0xFF_0000, 0xFF00_0000], rows: [translucent])
        #expect(try pixels(bmp) == overWhite)
        #expect(try pixels(bmp, .stored) == stored)
    }

    @Test("of a GIF has white, or as stored the background, where the first frame is not seen")
    func gif() throws {
        let palette: [UInt8] = [9, 9, 9, 1, 2, 3, 4, 5, 6]
        let file = PictureBytes.gif(
            width: 3, height: 1, background: 0, palette: palette, transparent: 2, frame: [1, 0, 2, 1],
            indices: [1, 2])
        #expect(try pixels(file) == [255, 255, 255, 1, 2, 3, 255, 255, 255])
        #expect(try pixels(file, .stored) == [9, 9, 9, 1, 2, 3, 9, 9, 9])
        let rows: [UInt8] = [0, 4, 2, 6, 1, 3, 5, 7]
        let interlaced = PictureBytes.gif(
            width: 1, height: 8, palette: (0..<8).flatMap { [$0, $0, $0] }, isInterlaced: true, indices: rows)
        #expect(try pixels(interlaced) == (0..<8).flatMap { [$0, $0, $0] })
        let beyond = PictureBytes.gif(
            width: 2, height: 1, palette: palette, frame: [1, 0, 2, 1], indices: [1, 1])
        guard case .damaged(.gif, _) = try problem(beyond) else {
            Issue.record("expected a damaged GIF")
            return
        }
    }

    @Test("of a TIFF is set upright by its orientation, and is grey or refused by its colours")
    func tiff() throws {
        let numbers: [UInt8] = [0, 1, 2, 3, 4, 5]
        for orientation in 1...8 as ClosedRange<UInt16> {
            let file = PictureBytes.tiff(
                width: 3, height: 2, samples: 1, photometric: 1, orientation: UInt32(orientation),
                pixels: numbers)
            let plain = try Picture(width: 3, height: 2, pixels: numbers.flatMap { [$0, $0, $0] })
            let expected = try plain.upright(from: #require(ExifOrientation(rawValue: orientation)))
            for reading in PictureReading.allCases {
                #expect(try Picture(decoding: Data(file), named: "tiff", reading: reading) == expected)
            }
        }
        let inks = PictureBytes.tiff(width: 1, height: 1, samples: 4, photometric: 5, pixels: [0, 0, 0, 0])
        #expect(try problem(inks) == .unsupportedColors("CMYK"))
        #expect(try pixels(inks, .stored) == [255, 255, 255])
        // Twice as many rows as the one strip has: the height's entry is the second.
        var tall = PictureBytes.tiff(width: 1, height: 2, pixels: [1, 2, 3, 4, 5, 6])
        tall[30] = 4
        #expect(try problem(tall) == .damaged(format: .tiff, reason: "it lacks a part of its pixels"))
        // A compression of Pixar's, which libtiff is built without.
        let packed = PictureBytes.tiff(width: 1, height: 1, compression: 32_908, pixels: [1, 2, 3])
        guard case .unsupportedKind(.tiff, _) = try problem(packed) else {
            Issue.record("expected a TIFF that is not read")
            return
        }
    }

    @Test("of a WebP is set upright by its EXIF data")
    func turnedWebP() throws {
        var file: UnsafeMutablePointer<UInt8>?
        let count = WebPEncodeLosslessRGB([1, 2, 3, 4, 5, 6], 2, 1, 6, &file)
        defer { WebPFree(file) }
        let plain = Array(UnsafeBufferPointer(start: file, count: count))
        let exif: [UInt8] = [
            0x4D, 0x4D, 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 8, 0, 0, 0, 0, 0, 0,
        ]
        for prefix in [[], Array("Exif\0\0".utf8)] {
            let content = prefix + exif
            let header = Array("WEBPVP8X".utf8) + [10, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0, 0]
            let body = header + plain[12...] + Array("EXIF".utf8) + [UInt8(content.count), 0, 0, 0] + content
            let picture = try Picture(
                decoding: Data(Array("RIFF".utf8) + [UInt8(body.count), 0, 0, 0] + body), named: "webp")
            #expect((picture.width, picture.height) == (1, 2))
            #expect(picture.pixels == [4, 5, 6, 1, 2, 3])
        }
        // An animation's first chunk says that it is one.
        let animation =
            Array("RIFF\u{1A}\0\0\0WEBPVP8X".utf8) + [10, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]
        #expect(throws: PictureError.self) { try pixels(animation) }
    }

    @Test("of a BMP has the colours of 1, 4, 8, 16, 24 and 32 bits")
    func bmp() throws {
        let palette: [UInt8] = [0, 0, 0, 0, 30, 20, 10, 0]
        let colors: [UInt8] = [10, 20, 30, 0, 0, 0, 10, 20, 30]
        func file(_ bits: UInt16, _ row: [UInt8]) -> [UInt8] {
            PictureBytes.bmp(width: 3, height: 1, bitsPerPixel: bits, palette: palette, rows: [row])
        }
        for bytes in [file(1, [0b1010_0000]), file(4, [0x10, 0x10]), file(8, [1, 0, 1])] {
            #expect(try pixels(bytes) == colors)
            #expect(try pixels(bytes, .stored) == colors)
        }
        let deep = PictureBytes.bmp(
            width: 1, height: -2, bitsPerPixel: 24, rows: [[30, 20, 10], [3, 2, 1]])
        #expect(try pixels(deep) == [10, 20, 30, 1, 2, 3])
        let wide = PictureBytes.bmp(
            width: 1, height: 2, bitsPerPixel: 32, rows: [[30, 20, 10, 0], [3, 2, 1, 9]])
        #expect(try pixels(wide) == [1, 2, 3, 10, 20, 30])
        // The lightest of 5 bits are shown as white; OpenCV makes 248 of them.
        let short = PictureBytes.bmp(width: 2, height: 1, bitsPerPixel: 16, rows: [[0xFF, 0x7F, 0x1F, 0]])
        #expect(try pixels(short) == [255, 255, 255, 0, 0, 255])
        #expect(try pixels(short, .stored) == [248, 248, 248, 0, 0, 248])
        let masked = PictureBytes.bmp(
            width: 2, height: 1, bitsPerPixel: 16, compression: 3, masks: [0xF800, 0x7E0, 0x1F],
            rows: [[0xE0, 7, 0, 0xF8]])
        #expect(try pixels(masked) == [0, 255, 0, 255, 0, 0])
        #expect(try pixels(masked, .stored) == [0, 252, 0, 248, 0, 0])
    }

    @Test("of a BMP is refused in words where it is compressed, and where numbers in it mean nothing")
    func refusedBMP() throws {
        func file(_ bits: UInt16, _ compression: UInt32, masks: [UInt32] = []) -> [UInt8] {
            PictureBytes.bmp(
                width: 1, height: 1, bitsPerPixel: bits, compression: compression, masks: masks,
                rows: [[1, 2, 3, 4]])
        }
        #expect(
            try problem(file(8, 1))
                == .unsupportedKind(format: .bmp, found: "compression by run lengths (RLE)"))
        #expect(try problem(file(2, 0)) == .unsupportedKind(format: .bmp, found: "2 bits a pixel"))
        for bytes in [file(32, 9), file(32, 3, masks: [0xF0F, 0, 0])] {
            guard case .damaged(.bmp, _) = try problem(bytes) else {
                Issue.record("expected a damaged BMP")
                return
            }
        }
    }

    @Test("is refused, before memory is taken, when the header claims too many pixels")
    func bombs() throws {
        let large: UInt32 = 20_000
        let tiff = PictureBytes.tiff(width: large, height: large, pixels: [1, 2, 3])
        let gif = PictureBytes.gif(
            width: 20_000, height: 20_000, palette: [], frame: [0, 0, 1, 1], indices: [0])
        let bmp = PictureBytes.bmp(width: 20_000, height: 20_000, bitsPerPixel: 24, rows: [])
        for file in [tiff, gif, bmp] {
            for reading in PictureReading.allCases {
                #expect(try problem(file, reading) == .unacceptableSize(width: 20_000, height: 20_000))
            }
        }
        let sides = UInt32(16_383) | UInt32(16_383) << 14
        let webP =
            Array("RIFF\u{1A}\0\0\0WEBPVP8L\u{D}\0\0\0\u{2F}".utf8)
            + withUnsafeBytes(of: sides.littleEndian) { Array($0) } + [UInt8](repeating: 0, count: 9)
        #expect(try problem(webP) == .unacceptableSize(width: 16_384, height: 16_384))
        let none = PictureBytes.bmp(width: 0, height: 1, bitsPerPixel: 24, rows: [])
        #expect(try problem(none) == .unacceptableSize(width: 0, height: 1))
        let least = PictureBytes.bmp(width: 1, height: .min, bitsPerPixel: 24, rows: [])
        #expect(try problem(least) == .unacceptableSize(width: 1, height: 1 << 31))
    }

    @Test("takes memory that its head tells")
    func memory() throws {
        for name in ["rgb.webp", "rgb.tif", "rgb.gif", "rgb.bmp"] {
            let bytes = try Data(contentsOf: Fixtures.url("detector/formats/" + name))
            #expect(
                PictureMemory.byteCount(bytes, for: Resizing(size: 64)) == 14 * 32 * 24 + 12 * 24 * 64,
                "\(name)")
            for count in 0..<64 { _ = PictureMemory.byteCount(bytes.prefix(count), for: Resizing(size: 64)) }
        }
    }
}
