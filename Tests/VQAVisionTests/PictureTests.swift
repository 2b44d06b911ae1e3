import CTurboJPEG
import Foundation
import TestSupport
import Testing

@testable import VQAVision

/// Calls `body` with a path in a folder of its own, removed afterwards.
private func withTemporaryFile(named name: String, _ body: (URL) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "picture-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder.appending(path: name))
}

/// What is wrong with bytes that must not decode.
private func problem(decoding bytes: Data) throws -> PictureError.Problem {
    let error = try #require(throws: PictureError.self) { try Picture(decoding: bytes, named: "cat.png") }
    #expect(error.file == "cat.png")
    return error.problem
}

@Suite("A picture from a PNG")
struct PNGTests {
    private let twoByTwo: [UInt8] = [255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 20, 30]

    private var rgb: PNGFile {
        PNGFile(width: 2, height: 2, rows: [Array(twoByTwo.prefix(6)), Array(twoByTwo.suffix(6))])
    }

    @Test("has the file's size and pixels, row by row")
    func decodesRGB() throws {
        let picture = try Picture(decoding: rgb.bytes, named: "rgb")
        #expect(picture.width == 2)
        #expect(picture.height == 2)
        #expect(picture.pixels == twoByTwo)
    }

    @Test("has the palette's colours")
    func decodesPalette() throws {
        let file = PNGFile(
            width: 4, height: 1, bitDepth: 2, colorType: .palette, palette: twoByTwo, rows: [[0b00_01_10_11]])
        #expect(try Picture(decoding: file.bytes, named: "palette").pixels == twoByTwo)
    }

    @Test("repeats a grey intensity in all three channels")
    func decodesGrey() throws {
        let file = PNGFile(width: 3, height: 1, colorType: .grey, rows: [[0, 100, 255]])
        #expect(
            try Picture(decoding: file.bytes, named: "grey").pixels == [
                0, 0, 0, 100, 100, 100, 255, 255, 255,
            ])
    }

    @Test("keeps the upper 8 of 16 bits, taken as sRGB")
    func decodesSixteenBits() throws {
        let file = PNGFile(
            width: 1, height: 2, bitDepth: 16, rows: [[0, 0, 0x80, 0x80, 0xFF, 0xFF], [1, 1, 2, 2, 3, 3]])
        #expect(try Picture(decoding: file.bytes, named: "16 bits").pixels == [0, 128, 255, 1, 2, 3])
    }

    @Test("is laid over white where it is transparent")
    func compositesOnWhite() throws {
        let file = PNGFile(
            width: 3, height: 1, colorType: .rgbAndAlpha,
            rows: [[200, 100, 50, 255, 200, 100, 50, 0, 0, 0, 0, 128]])
        // The last: of white's light there is left 1 - 128/255, at PNG's usual gamma 186 of 255.
        #expect(
            try Picture(decoding: file.bytes, named: "alpha").pixels
                == [200, 100, 50, 255, 255, 255, 186, 186, 186])
    }

    @Test("is refused when the file is cut off anywhere before the end of its pixels")
    func refusesTruncation() throws {
        let bytes = rgb.bytes
        let endOfPixels = bytes.count - 12 /* IEND */ - 4 /* IDAT's checksum */ - 4 /* zlib's */
        for count in 8..<endOfPixels {
            guard case .damaged(.png, _) = try problem(decoding: bytes.prefix(count)) else {
                Issue.record("\(count) bytes: expected a damaged PNG")
                return
            }
        }
    }

    @Test("is refused when a bit of the pixels has flipped")
    func refusesDamage() throws {
        var bytes = rgb.bytes
        bytes[bytes.count - 12 - 4 - 4 - 1] ^= 1
        guard case .damaged(.png, _) = try problem(decoding: bytes) else {
            Issue.record("expected a damaged PNG")
            return
        }
    }

    @Test("is refused, before memory is taken, when the header claims too many pixels")
    func refusesBomb() throws {
        var file = rgb
        file.width = 20_000
        file.height = 20_000
        #expect(try problem(decoding: file.bytes) == .unacceptableSize(width: 20_000, height: 20_000))
    }
}

@Suite("A picture from a JPEG")
struct JPEGTests {
    private let width = 24
    private let height = 16

    /// [height, width, 3], smooth, so that compression changes little.
    private var gradient: [UInt8] {
        var pixels: [UInt8] = []
        for row in 0..<height {
            for column in 0..<width { pixels += [UInt8(column * 10), UInt8(row * 15), 128] }
        }
        return pixels
    }

    private func gradientFile() throws -> Data {
        try jpegFile(width: Int32(width), height: Int32(height), pixels: gradient)
    }

    @Test("has the file's size and, but for compression, its pixels")
    func decodesRGB() throws {
        let picture = try Picture(decoding: gradientFile(), named: "gradient")
        #expect(picture.width == width)
        #expect(picture.height == height)
        let differences = zip(picture.pixels, gradient).map { abs(Int($0) - Int($1)) }
        #expect(differences.count == width * height * 3)
        #expect(differences.allSatisfy { $0 <= 2 })
    }

    @Test("repeats a grey intensity in all three channels")
    func decodesGrey() throws {
        let file = try jpegFile(
            width: 8, height: 8, pixels: Array(repeating: 77, count: 64), pixelFormat: TJPF_GRAY,
            subsampling: TJSAMP_GRAY)
        #expect(try Picture(decoding: file, named: "grey").pixels == Array(repeating: 77, count: 192))
    }

    @Test("is refused when its colours are inks")
    func refusesCMYK() throws {
        let file = try jpegFile(
            width: 8, height: 8, pixels: Array(repeating: 77, count: 256), pixelFormat: TJPF_CMYK)
        #expect(try problem(decoding: file) == .unsupportedColors("CMYK"))
    }

    @Test("is refused when the file is cut off anywhere")
    func refusesTruncation() throws {
        let bytes = try gradientFile()
        for count in 3..<bytes.count {
            guard case .damaged(.jpeg, _) = try problem(decoding: bytes.prefix(count)) else {
                Issue.record("\(count) bytes: expected a damaged JPEG")
                return
            }
        }
    }

    @Test("is not taken for whole because the thumbnail in it is")
    func seesThroughThumbnails() throws {
        let bytes = try gradientFile()
        let exif: [UInt8] = [0xFF, 0xE1, 0, 6, 0x45, 0x78, 0xFF, 0xD9]
        let file = bytes.prefix(2) + exif + bytes.dropFirst(2)
        #expect(try Picture(decoding: file, named: "whole").width == width)
        guard case .damaged(.jpeg, _) = try problem(decoding: file.dropLast(20)) else {
            Issue.record("expected a damaged JPEG")
            return
        }
    }

    @Test("is read though stray bytes precede its end marker")
    func ignoresStrayBytes() throws {
        let bytes = try gradientFile()
        let expected = try Picture(decoding: bytes, named: "gradient")
        let file = bytes.dropLast(2) + [1, 2, 3, 4, 5, 6, 7, 8] + bytes.suffix(2)
        #expect(try Picture(decoding: file, named: "stray bytes") == expected)
    }

    @Test("is read though bytes that mean nothing follow its end")
    func ignoresTrailingBytes() throws {
        let bytes = try gradientFile()
        let expected = try Picture(decoding: bytes, named: "gradient")
        #expect(try Picture(decoding: bytes + [0, 0, 0, 1, 2, 3], named: "gradient") == expected)
    }

    @Test("is refused when the header claims too many pixels")
    func refusesBomb() throws {
        var bytes = try gradientFile()
        let startOfFrame = try #require(bytes.firstRange(of: Data([0xFF, 0xC0])))
        bytes.replaceSubrange(
            startOfFrame.upperBound + 3..<startOfFrame.upperBound + 7, with: [0xFF, 0, 0xFF, 0])
        #expect(try problem(decoding: bytes) == .unacceptableSize(width: 65_280, height: 65_280))
    }
}

@Suite("A picture file")
struct PictureFileTests {
    private let png = PNGFile(width: 1, height: 1, rows: [[1, 2, 3]])

    @Test("is told by its content, whatever its name says")
    func ignoresTheName() throws {
        try withTemporaryFile(named: "picture.jpg") { file in
            try png.bytes.write(to: file)
            #expect(try Picture(contentsOf: file).pixels == [1, 2, 3])
        }
    }

    @Test("that is missing is named in the error")
    func missing() throws {
        try withTemporaryFile(named: "none.png") { file in
            let error = try #require(throws: PictureError.self) { try Picture(contentsOf: file) }
            #expect(error.description == "\(file.path): cannot read the picture: there is no such file")
        }
    }

    @Test("that is a folder is refused")
    func folder() throws {
        try withTemporaryFile(named: "folder") { file in
            try FileManager.default.createDirectory(at: file, withIntermediateDirectories: false)
            let error = try #require(throws: PictureError.self) { try Picture(contentsOf: file) }
            #expect(error.problem == .unreadable(reason: "it is not a regular file"))
        }
    }

    @Test("that is too large for a picture is refused unread")
    func tooLarge() throws {
        try withTemporaryFile(named: "features.tar.gz") { file in
            try Data().write(to: file)
            let handle = try FileHandle(forWritingTo: file)
            try handle.truncate(atOffset: UInt64(PictureFile.maximumByteCount) + 1)
            try handle.close()
            let error = try #require(throws: PictureError.self) { try Picture(contentsOf: file) }
            #expect(error.problem == .unreadable(reason: "it has more than 1000000000 bytes"))
        }
    }

    @Test("is read through a link")
    func link() throws {
        try withTemporaryFile(named: "picture.png") { file in
            try png.bytes.write(to: file)
            let link = file.deletingLastPathComponent().appending(path: "link.png")
            try FileManager.default.createSymbolicLink(at: link, withDestinationURL: file)
            #expect(try Picture(contentsOf: link).pixels == [1, 2, 3])
        }
    }

    @Test("that is empty, or of another format, is refused by what it holds")
    func notAPicture() throws {
        #expect(try problem(decoding: Data()) == .empty)
        #expect(
            try problem(decoding: Data("GIF".utf8)) == .unknownFormat(firstBytes: Array("GIF".utf8)))
        let error = PictureError(file: "cat.gif", problem: .unknownFormat(firstBytes: [0x47, 0x0A]))
        #expect(
            error.description
                == "cat.gif: expected a PNG, JPEG, WebP, TIFF, GIF or BMP picture, found bytes that start with 47 0a"
        )
    }

    @Test("in memory must have three bytes a pixel, and a pixel")
    func pixelsInMemory() throws {
        #expect(try Picture(width: 1, height: 2, pixels: [1, 2, 3, 4, 5, 6]).height == 2)
        #expect(throws: PictureError.self) { try Picture(width: 1, height: 2, pixels: [1, 2, 3]) }
        #expect(throws: PictureError.self) { try Picture(width: 0, height: 2, pixels: []) }
        #expect(throws: PictureError.self) { try Picture(width: .max, height: .max, pixels: []) }
        // Each row of it would be resized to as many numbers as one of any width.
        let side = Picture.maximumSide
        #expect(
            try Picture(width: 1, height: side, pixels: Array(repeating: 0, count: 3 * side)).height == side)
        #expect(throws: PictureError.self) {
            try Picture(width: 1, height: side + 1, pixels: Array(repeating: 0, count: 3 * side + 3))
        }
    }
}
