import CTurboJPEG

/// Decodes a JPEG file with TurboJPEG.
func decodeJPEG(_ source: EncodedPicture) throws -> Picture {
    guard let decompressor = tjInitDecompress() else {
        throw source.damaged("TurboJPEG cannot start: \(String(cString: tjGetErrorStr2(nil)))")
    }
    defer { tjDestroy(decompressor) }

    func check(_ status: Int32) throws {
        guard status != 0 else { return }
        let message = String(cString: tjGetErrorStr2(decompressor))
        guard !harmlessWarnings.contains(where: message.contains) else { return }
        throw source.refused(message)
    }

    let bytes = source.bytes.bindMemory(to: UInt8.self)
    var (width, height, subsampling, colorSpace) = (Int32(0), Int32(0), Int32(0), Int32(0))
    try check(
        tjDecompressHeader3(
            decompressor, bytes.baseAddress, UInt(bytes.count), &width, &height, &subsampling, &colorSpace))
    // No failure for TurboJPEG: such a file may hold tables for others to share.
    guard width > 0, height > 0 else { throw source.damaged("it has no picture in it") }
    let byteCount = try Picture.byteCount(width: Int(width), height: Int(height), of: source.name)

    func pixels(_ format: TJPF, byteCount: Int) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, initializedCount in
            // The limit is for files of a few bytes a scan, which could keep a decoder busy for hours.
            try check(
                tjDecompress2(
                    decompressor, bytes.baseAddress, UInt(bytes.count), buffer.baseAddress,
                    width, 0, height, Int32(clamping: format.rawValue), TJFLAG_LIMITSCANS))
            initializedCount = byteCount
        }
    }

    guard colorSpace == TJCS_CMYK.rawValue || colorSpace == TJCS_YCCK.rawValue else {
        return Picture(
            width: Int(width), height: Int(height), checkedPixels: try pixels(TJPF_RGB, byteCount: byteCount))
    }
    guard source.reading != .shown else {
        throw PictureError(file: source.name, problem: .unsupportedColors("CMYK"))
    }
    let inks = try pixels(TJPF_CMYK, byteCount: byteCount / 3 * 4)
    return try source.picture(width: Int(width), height: Int(height)) { convert(inks, into: $0) }
}

/// Makes red, green and blue of cyan, magenta, yellow and black, which files have the other way round (255 is no ink), by
/// OpenCV's formula: each colour's light, of which black lets only a part through.
private func convert(_ inks: [UInt8], into pixels: UnsafeMutableBufferPointer<UInt8>) {
    inks.withUnsafeBufferPointer { inks in
        for pixel in 0..<min(inks.count / 4, pixels.count / 3) {
            let black = Int(inks[4 * pixel + 3])
            for channel in 0..<3 {
                let ink = 255 - Int(inks[4 * pixel + channel])
                pixels[3 * pixel + channel] = UInt8(clamping: black - (ink * black) >> 8)
            }
        }
    }
}

/// What libjpeg says of files that many cameras write and that lack no pixel.
///
/// Told by their text, since TurboJPEG has one code for all warnings, even for an error that follows
/// one. All others are refused: what a truncated file lacks, for example, is only warned of and
/// painted grey.
private let harmlessWarnings = [
    "extraneous bytes before marker", "Invalid SOS parameters for sequential JPEG",
]
