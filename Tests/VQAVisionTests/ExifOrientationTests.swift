import CTurboJPEG
import Foundation
import TestSupport
import Testing

@testable import VQAVision

/// Numbers that turn pictures: what programs write into EXIF data, and damage to them.
@Suite("A picture with EXIF data")
struct ExifOrientationTests {
    /// EXIF data with two tags, the second of which is the orientation.
    private func tiff(_ orientation: UInt16, isLittleEndian: Bool) -> [UInt8] {
        func bytes(_ value: UInt32, _ count: Int) -> [UInt8] {
            let all = withUnsafeBytes(of: value.littleEndian) { Array($0.prefix(count)) }
            return isLittleEndian ? all : all.reversed()
        }
        let mark = Array((isLittleEndian ? "II" : "MM").utf8)
        let header = mark + bytes(42, 2) + bytes(8, 4) + bytes(2, 2)
        let width = bytes(0x0100, 2) + bytes(4, 2) + bytes(1, 4) + bytes(9, 4)
        let turned = bytes(0x0112, 2) + bytes(3, 2) + bytes(1, 4) + bytes(UInt32(orientation), 2) + [0, 0]
        return header + width + turned + bytes(0, 4)
    }

    /// A JPEG with EXIF data behind its first segment.
    private func jpeg(_ jpeg: Data, exif: [UInt8]) -> Data {
        let content = Array("Exif\0\0".utf8) + exif
        let length = content.count + 2
        let firstEnd = 4 + Int(jpeg[4]) << 8 + Int(jpeg[5])
        return jpeg.prefix(firstEnd) + [0xFF, 0xE1, UInt8(length >> 8), UInt8(length & 0xFF)] + content
            + jpeg.dropFirst(firstEnd)
    }

    /// 3 x 2 pixels: 0 1 2 above 3 4 5.
    private let stored = (0..<6).map { UInt8($0) }

    private var picture: Picture {
        get throws { try Picture(width: 3, height: 2, pixels: stored.flatMap { [$0, $0, $0] }) }
    }

    @Test(
        "is set upright, and its width and height are those of the upright picture",
        arguments: [
            (1, [[0, 1, 2], [3, 4, 5]]), (2, [[2, 1, 0], [5, 4, 3]]), (3, [[5, 4, 3], [2, 1, 0]]),
            (4, [[3, 4, 5], [0, 1, 2]]), (5, [[0, 3], [1, 4], [2, 5]]), (6, [[3, 0], [4, 1], [5, 2]]),
            (7, [[5, 2], [4, 1], [3, 0]]), (8, [[2, 5], [1, 4], [0, 3]]),
        ] as [(UInt16, [[UInt8]])])
    func orientations(number: UInt16, rows: [[UInt8]]) throws {
        let upright = try picture.upright(from: #require(ExifOrientation(rawValue: number)))
        #expect((upright.width, upright.height) == (rows[0].count, rows.count))
        #expect(upright.pixels == rows.flatMap { $0 }.flatMap { [$0, $0, $0] })
    }

    @Test("is turned by what a JPEG notes in either byte order", arguments: [true, false])
    func jpegFile(isLittleEndian: Bool) throws {
        let plain = try VQAVisionTests.jpegFile(width: 2, height: 1, pixels: [0, 0, 0, 200, 200, 200])
        for number in 1...8 as ClosedRange<UInt16> {
            let bytes = jpeg(plain, exif: tiff(number, isLittleEndian: isLittleEndian))
            let picture = try Picture(decoding: bytes, named: "turned")
            #expect((picture.width, picture.height) == (number < 5 ? (2, 1) : (1, 2)))
            let first = picture.pixels[0]
            #expect([1, 4, 5, 6].contains(number) ? first < 50 : first > 150)
        }
    }

    @Test("is turned by what a PNG notes")
    func pngFile() throws {
        var file = PNGFile(
            width: 3, height: 2, rows: [[0, 1, 2], [3, 4, 5]].map { $0.flatMap { [$0, $0, $0] } })
        file.exif = tiff(6, isLittleEndian: false)
        let picture = try Picture(decoding: file.bytes, named: "turned")
        #expect((picture.width, picture.height) == (2, 3))
        #expect(picture.pixels == [3, 0, 4, 1, 5, 2].flatMap { [$0, $0, $0] })
    }

    @Test("is read as it is stored where they are damaged or cut off")
    func damaged() throws {
        let plain = try VQAVisionTests.jpegFile(width: 2, height: 1, pixels: [0, 0, 0, 200, 200, 200])
        let expected = try Picture(decoding: plain, named: "plain")
        let whole = tiff(6, isLittleEndian: true)
        var damages =
            (0..<32).map { Array(whole.prefix($0)) } + [
                tiff(0, isLittleEndian: true), tiff(9, isLittleEndian: false),
            ]
        for (place, value) in [(0, 0x58), (2, 43), (7, 0xFF), (4, 0xFF), (24, 4), (26, 2)] as [(Int, UInt8)] {
            var changed = whole
            changed[place] = value
            damages.append(changed)
        }
        for exif in damages {
            #expect(try Picture(decoding: jpeg(plain, exif: exif), named: "damaged") == expected)
        }
    }

    @Test("is read without a crash wherever a byte of the file is cut or changed")
    func anyDamage() throws {
        let plain = try VQAVisionTests.jpegFile(width: 2, height: 1, pixels: [0, 0, 0, 200, 200, 200])
        let whole = jpeg(plain, exif: tiff(6, isLittleEndian: true))
        for place in 0..<whole.count {
            for value in [0, 0x7F, 0xFF] as [UInt8] {
                var changed = [UInt8](whole)
                changed[place] = value
                for bytes in [changed, Array(changed.prefix(place))] {
                    bytes.withUnsafeBytes {
                        _ = (ExifOrientation(ofJPEG: $0), ExifOrientation(ofPNG: $0))
                    }
                }
            }
        }
    }
}
