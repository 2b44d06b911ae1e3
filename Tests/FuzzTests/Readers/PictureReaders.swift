import CTurboJPEG
import FileSystem
import Foundation
@testable import VQAVision

/// Readers of pictures.
let pictureReaders: [FuzzedReader] = [
    FuzzedReader(name: "png", maximumByteCount: 4 << 10, seeds: pngs) { bytes, _ in
        let mended = Packed.mendedPNG(bytes)
        _ = mended.withUnsafeBytes(PictureMemory.statedSize)
        _ = try Picture(decoding: Data(mended), named: "input")
    },
    FuzzedReader(name: "jpeg", maximumByteCount: 4 << 10, seeds: jpegs) { bytes, _ in
        _ = bytes.withUnsafeBytes(PictureMemory.statedSize)
        _ = try Picture(decoding: Data(bytes), named: "input")
    },
    FuzzedReader(name: "exif", maximumByteCount: 1 << 10, seeds: { try pngs() + jpegs() }) { bytes, _ in
        bytes.withUnsafeBytes { _ = (ExifOrientation(ofJPEG: $0), ExifOrientation(ofPNG: $0)) }
    },
    // What tells one kind of file from another.
    FuzzedReader(
        name: "kind", maximumByteCount: 1 << 10,
        seeds: {
            try pngs() + jpegs() + [Packed.tar([("a", [1])]), Packed.zip([("a", [1])]), Array("a\tb\n".utf8)]
                + [try fixture("torch/types.safetensors"), try fixture("torch/older_form.pt")]
        }
    ) { bytes, place in
        _ =
            "\(FileKind(startingWith: bytes)) \(String(describing: FileKind(contentsOf: try place.write(bytes))))"
    },
]

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
