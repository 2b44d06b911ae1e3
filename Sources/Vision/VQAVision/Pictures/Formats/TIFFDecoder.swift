import CTIFF
import Foundation

/// Decodes the first page of a TIFF file with libtiff.
func decodeTIFF(_ source: EncodedPicture) throws -> Picture {
    // Before libtiff takes memory for it.
    guard let (width, height) = StatedSize.ofTIFF(source.bytes) else {
        throw source.damaged("it states no size")
    }
    _ = try Picture.byteCount(width: width, height: height, of: source.name)

    prepareLibTIFF
    var file = ctiff_source()
    file.bytes = source.bytes.bindMemory(to: UInt8.self).baseAddress
    file.count = UInt64(source.bytes.count)
    return try withUnsafeMutablePointer(to: &file) { file in
        guard let tiff = ctiff_open(file, maximumPartByteCount) else {
            throw source.refused(text(of: file.pointee.message))
        }
        defer { TIFFClose(tiff) }
        guard Int(ctiff_side(tiff, UInt32(TIFFTAG_IMAGEWIDTH))) == width,
            Int(ctiff_side(tiff, UInt32(TIFFTAG_IMAGELENGTH))) == height
        else { throw source.damaged("it states two sizes") }
        return try TIFFPage(source: source, file: file, tiff: tiff, width: width, height: height).picture()
    }
}

/// What a part of a file (a strip, a tile, a table) may take, unpacked: more than a page of the most pixels of 8 bytes.
private let maximumPartByteCount: tmsize_t = 1 << 30

/// Where libtiff's messages go is settled before any file is opened.
private let prepareLibTIFF: Void = ctiff_prepare()

/// The page of a file that libtiff has opened.
private struct TIFFPage {
    let source: EncodedPicture
    let file: UnsafeMutablePointer<ctiff_source>
    let tiff: OpaquePointer
    let width: Int
    let height: Int

    /// Reads the page and sets it upright.
    func picture() throws -> Picture {
        try refuseOtherKinds()
        try checkParts()
        let alpha = ctiff_first_extra_sample(tiff)
        // The reading of OpenCV has such colours multiplied, as libtiff does by itself.
        if source.reading != .stored, alpha == EXTRASAMPLE_UNASSALPHA {
            _ = ctiff_take_colors_as_they_are(tiff)
        }

        let orientation = ctiff_choice(tiff, UInt32(TIFFTAG_ORIENTATION), UInt16(ORIENTATION_TOPLEFT))
        let rows = try rows(orientation)
        defer { free(rows) }
        return try source.picture(width: width, height: height) { pixels in
            for place in 0..<width * height {
                let pixel = rows[place]
                let opacity = UInt8(clamping: pixel >> 24)
                for channel in 0..<3 {
                    let value = UInt8(clamping: pixel >> (8 * channel) & 0xFF)
                    pixels[3 * place + channel] =
                        opacity == 255 ? value : translucent(value, opacity: opacity, alpha)
                }
            }
        }.upright(from: ExifOrientation(rawValue: orientation) ?? .upright)
    }

    /// What becomes of an intensity that is not opaque.
    private func translucent(_ value: UInt8, opacity: UInt8, _ alpha: Int32) -> UInt8 {
        switch source.reading {
        case .stored: value
        case .unblended where alpha == EXTRASAMPLE_ASSOCALPHA:
            opacity == 0 ? 0 : UInt8(clamping: Int(value) * 255 / Int(opacity))
        case .unblended: value
        case .shown:
            Transparency.overWhite(
                alpha == EXTRASAMPLE_UNASSALPHA
                    ? value : Transparency.undoMultiplication(value, opacity: opacity), opacity: opacity)
        }
    }

    /// The page's pixels from its first row on, however the picture is turned: red in the lowest byte, opacity in the
    /// highest.
    private func rows(_ orientation: UInt16) throws -> UnsafeMutablePointer<UInt32> {
        // Such memory comes when it is first written to: a file that states a size and has no pixels takes none.
        guard let memory = calloc(width * height, MemoryLayout<UInt32>.size) else {
            throw source.damaged("there is no memory for it")
        }
        let rows = memory.bindMemory(to: UInt32.self, capacity: width * height)
        // Asked for in the order that they have, rows are not turned.
        let isRead = TIFFReadRGBAImageOriented(
            tiff, UInt32(clamping: width), UInt32(clamping: height), rows, Int32(clamping: orientation), 1)
        guard isRead != 0, file.pointee.message.0 == 0 else {
            free(memory)
            let message = text(of: file.pointee.message)
            throw source.refused(message.isEmpty ? "its pixels cannot be decoded" : message)
        }
        return rows
    }

    private func refuseOtherKinds() throws {
        var reason = [CChar](repeating: 0, count: 1024)
        guard TIFFRGBAImageOK(tiff, &reason) != 0 else {
            let words = String(
                decoding: reason.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            throw source.unsupported(words)
        }
        let photometric = ctiff_choice(tiff, UInt32(TIFFTAG_PHOTOMETRIC), UInt16(PHOTOMETRIC_RGB))
        if source.reading == .shown, photometric == UInt16(PHOTOMETRIC_SEPARATED) {
            throw PictureError(file: source.name, problem: .unsupportedColors("CMYK"))
        }
    }

    /// Refuses strips or tiles that are not there, of which libtiff makes what it finds elsewhere, and a few bytes that
    /// stand for large parts, of which a page of a few pixels would need many.
    private func checkParts() throws {
        let isTiled = TIFFIsTiled(tiff) != 0
        let size = isTiled ? TIFFTileSize64(tiff) : TIFFStripSize64(tiff)
        let count = isTiled ? TIFFNumberOfTiles(tiff) : TIFFNumberOfStrips(tiff)
        let (all, overflows) = size.multipliedReportingOverflow(by: UInt64(clamping: count))
        guard !overflows, size <= UInt64(clamping: maximumPartByteCount),
            all <= UInt64(clamping: 1 << 28 + 32 * width * height)
        else { throw source.damaged("its parts are much larger than the picture") }
        for part in 0..<count {
            let start = TIFFGetStrileOffset(tiff, part)
            guard start > 0, TIFFGetStrileByteCount(tiff, part) > 0, start < UInt64(source.bytes.count) else {
                throw source.damaged("it lacks a part of its pixels")
            }
        }
    }
}
