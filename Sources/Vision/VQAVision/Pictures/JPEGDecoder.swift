import CTurboJPEG

/// Decodes a JPEG file with TurboJPEG.
func decodeJPEG(_ bytes: UnsafeRawBufferPointer, named name: String) throws -> Picture {
    func damaged(_ reason: String) -> PictureError {
        PictureError(file: name, problem: .damaged(format: .jpeg, reason: reason))
    }

    let source = bytes.bindMemory(to: UInt8.self)
    guard let decompressor = tjInitDecompress() else {
        throw damaged("TurboJPEG cannot start: \(String(cString: tjGetErrorStr2(nil)))")
    }
    defer { tjDestroy(decompressor) }

    func check(_ status: Int32) throws {
        guard status != 0 else { return }
        let message = String(cString: tjGetErrorStr2(decompressor))
        guard harmlessWarnings.contains(where: message.contains) else { throw damaged(message) }
    }

    var (width, height, subsampling, colorSpace) = (Int32(0), Int32(0), Int32(0), Int32(0))
    try check(
        tjDecompressHeader3(
            decompressor, source.baseAddress, UInt(source.count), &width, &height, &subsampling, &colorSpace))
    // No failure for TurboJPEG: such a file may hold tables for others to share.
    guard width > 0, height > 0 else { throw damaged("it has no picture in it") }
    let byteCount = try Picture.byteCount(width: Int(width), height: Int(height), of: name)
    guard colorSpace != TJCS_CMYK.rawValue, colorSpace != TJCS_YCCK.rawValue else {
        throw PictureError(file: name, problem: .unsupportedColors("CMYK"))
    }

    let pixels = try [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, initializedCount in
        // The limit is for files of a few bytes a scan, which could keep a decoder busy for hours.
        try check(
            tjDecompress2(
                decompressor, source.baseAddress, UInt(source.count), buffer.baseAddress,
                width, 0, height, Int32(TJPF_RGB.rawValue), TJFLAG_LIMITSCANS))
        initializedCount = byteCount
    }
    return Picture(width: Int(width), height: Int(height), checkedPixels: pixels)
}

/// What libjpeg says of files that many cameras write and that lack no pixel.
///
/// Told by their text, since TurboJPEG has one code for all warnings, even for an error that follows
/// one. All others are refused: what a truncated file lacks, for example, is only warned of and
/// painted grey.
private let harmlessWarnings = [
    "extraneous bytes before marker", "Invalid SOS parameters for sequential JPEG",
]
