import CTurboJPEG
import CWebP
import FileSystem
import Foundation
import TestSupport
@testable import VQAVision

/// Readers of pictures.
let pictureReaders: [FuzzedReader] = [
    FuzzedReader(name: "png", maximumByteCount: 4 << 10, seeds: pngs) { bytes, _ in
        try decode(Packed.mendedPNG(bytes))
    },
    FuzzedReader(name: "jpeg", maximumByteCount: 4 << 10, seeds: jpegs) { bytes, _ in try decode(bytes) },
    FuzzedReader(name: "webp", maximumByteCount: 4 << 10, seeds: webPs) { bytes, _ in try decode(bytes) },
    FuzzedReader(name: "tiff", maximumByteCount: 4 << 10, seeds: tiffs) { bytes, _ in try decode(bytes) },
    FuzzedReader(name: "gif", maximumByteCount: 4 << 10, seeds: gifs) { bytes, _ in try decode(bytes) },
    FuzzedReader(name: "bmp", maximumByteCount: 4 << 10, seeds: bmps) { bytes, _ in try decode(bytes) },
    FuzzedReader(name: "exif", maximumByteCount: 1 << 10, seeds: { try pngs() + jpegs() + webPs() }) {
        bytes, _ in
        bytes.withUnsafeBytes {
            _ = (ExifOrientation(ofJPEG: $0), ExifOrientation(ofPNG: $0), ExifOrientation(ofWebP: $0))
        }
    },
    // What tells one kind of file from another.
    FuzzedReader(
        name: "kind", maximumByteCount: 1 << 10,
        seeds: {
            try pngs() + jpegs() + webPs() + tiffs() + gifs() + bmps() + [
                Packed.tar([("a", [1])]), Packed.zip([("a", [1])]), Array("a\tb\n".utf8),
            ]
                + [try fixture("torch/types.safetensors"), try fixture("torch/older_form.pt")]
        }
    ) { bytes, place in
        _ =
            "\(FileKind(startingWith: bytes)) \(String(describing: FileKind(contentsOf: try place.write(bytes))))"
    },
]

/// Reads a picture in every way.
private func decode(_ bytes: [UInt8]) throws {
    _ = bytes.withUnsafeBytes { StatedSize.of($0) }
    let readings = PictureReading.allCases.map { reading in
        Result { try Picture(decoding: Data(bytes), named: "input", reading: reading) }
    }
    for reading in readings { _ = try reading.get() }
}

/// What an `eXIf` chunk holds of a picture that is turned to the left.
private let tiff: [UInt8] = [
    0x4D, 0x4D, 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0,
]

@Sendable private func pngs() -> [[UInt8]] {
    [
        Packed.png(width: 2, height: 1, color: 2, others: [("eXIf", tiff)], rows: [0, 1, 2, 3, 4, 5, 6]),
        Packed.png(width: 1, height: 2, color: 6, rows: [0, 1, 2, 3, 4, 1, 5, 6, 7, 8]),
        Packed.png(
            width: 2, height: 1, depth: 16, color: 0, others: [("gAMA", [0, 0, 0xB1, 0x8F])],
            rows: [0, 1, 2, 3, 4]),
        Packed.png(
            width: 4, height: 1, depth: 1, color: 3, others: [("PLTE", [1, 2, 3, 4, 5, 6]), ("tRNS", [9])],
            rows: [0, 0xA0]),
    ]
}

@Sendable private func jpegs() throws -> [[UInt8]] {
    let plain = try jpeg(TJSAMP_420, flags: 0)
    let exif = Array("Exif\0\0".utf8) + tiff
    return [
        plain, try jpeg(TJSAMP_444, flags: TJFLAG_PROGRESSIVE), try jpeg(TJSAMP_GRAY, flags: 0),
        plain[..<2] + [0xFF, 0xE1, 0, UInt8(exif.count + 2)] + exif + plain[2...],
    ]
}

/// A JPEG of a few pixels.
private func jpeg(_ sampling: TJSAMP, flags: CInt) throws -> [UInt8] {
    let compressor = tjInitCompress()
    defer { tjDestroy(compressor) }
    var file: UnsafeMutablePointer<UInt8>?
    defer { tjFree(file) }
    var count: UInt = 0
    let pixels = (0..<9 * 8 * 3).map { UInt8($0) }
    let status = tjCompress2(
        compressor, pixels, 9, 0, 8, CInt(TJPF_RGB.rawValue), &file, &count, CInt(sampling.rawValue), 60,
        flags)
    guard status == 0 else { throw WorkplaceError(path: "a JPEG") }
    return Array(UnsafeBufferPointer(start: file, count: Int(count)))
}

@Sendable private func webPs() throws -> [[UInt8]] {
    let pixels = (0..<9 * 8 * 4).map { UInt8($0 % 256) }
    func file(_ encode: (inout UnsafeMutablePointer<UInt8>?) -> Int) throws -> [UInt8] {
        var start: UnsafeMutablePointer<UInt8>?
        let count = encode(&start)
        defer { WebPFree(start) }
        guard count > 0 else { throw WorkplaceError(path: "a WebP") }
        return Array(UnsafeBufferPointer(start: start, count: count))
    }
    return [
        try file { WebPEncodeLosslessRGB(pixels, 9, 8, 27, &$0) },
        try file { WebPEncodeLosslessRGBA(pixels, 9, 8, 36, &$0) },
        try file { WebPEncodeRGB(pixels, 9, 8, 27, 60, &$0) },
        try file { WebPEncodeRGBA(pixels, 9, 8, 36, 60, &$0) },
        [UInt8](Array("RIFF\u{32}\0\0\0WEBPEXIF".utf8) + [UInt8(tiff.count), 0, 0, 0] + tiff),
    ]
}

@Sendable private func tiffs() throws -> [[UInt8]] {
    let pixels = (0..<48).map { UInt8($0 * 5) }
    return [
        try fixture("detector/formats/rgb.tif"),
        PictureBytes.tiff(width: 4, height: 3, orientation: 6, pixels: Array(pixels.prefix(36))),
        PictureBytes.tiff(width: 4, height: 3, samples: 4, extraSample: 2, pixels: pixels),
        PictureBytes.tiff(width: 4, height: 3, samples: 4, extraSample: 1, pixels: pixels),
        PictureBytes.tiff(width: 4, height: 3, samples: 4, photometric: 5, pixels: pixels),
        PictureBytes.tiff(width: 4, height: 3, samples: 1, photometric: 1, pixels: Array(pixels.prefix(12))),
    ]
}

@Sendable private func gifs() throws -> [[UInt8]] {
    let indices = (0..<15).map { UInt8($0) }
    let palette = (0..<48).map { UInt8($0 * 5) }
    return [
        try fixture("detector/formats/rgb.gif"),
        PictureBytes.gif(width: 5, height: 3, palette: palette, transparent: 3, indices: indices),
        PictureBytes.gif(
            width: 8, height: 8, palette: palette, frame: [1, 2, 5, 3], isInterlaced: true, indices: indices),
    ]
}

@Sendable private func bmps() throws -> [[UInt8]] {
    let palette = (0..<16).map { UInt8($0 * 16) }
    func file(_ bits: UInt16, _ row: [UInt8], masks: [UInt32] = []) -> [UInt8] {
        PictureBytes.bmp(
            width: 2, height: -2, bitsPerPixel: bits, compression: masks.isEmpty ? 0 : 3,
            headerByteCount: masks.isEmpty ? 40 : 108, masks: masks, palette: bits > 8 ? [] : palette,
            rows: [row, row])
    }
    return [
        try fixture("detector/formats/rgb.bmp"), file(1, [0x40]), file(4, [0x12]), file(8, [1, 2]),
        file(16, [1, 2, 3, 4]), file(16, [1, 2, 3, 4], masks: [0xF800, 0x7E0, 0x1F, 0]),
        file(32, [1, 2, 3, 4, 5, 6, 7, 8], masks: [0xFF_0000, 0xFF00, 0xFF, 0xFF00_0000]),
    ]
}
