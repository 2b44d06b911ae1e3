/// The bytes of a picture, as a decoder is given them.
struct EncodedPicture {
    let bytes: UnsafeRawBufferPointer
    let format: PictureFormat
    /// What to call the picture in an error.
    let name: String
    let reading: PictureReading

    /// Decodes the picture and sets it upright.
    func decoded() throws -> Picture {
        switch format {
        case .png: try decodePNG(self).upright(from: ExifOrientation(ofPNG: bytes))
        case .jpeg: try decodeJPEG(self).upright(from: ExifOrientation(ofJPEG: bytes))
        case .webP: try decodeWebP(self).upright(from: ExifOrientation(ofWebP: bytes))
        case .tiff: try decodeTIFF(self)
        case .gif: try decodeGIF(self)
        case .bmp: try decodeBMP(self)
        }
    }

    /// The error that the file is cut off or damaged.
    func damaged(_ reason: String) -> PictureError {
        PictureError(file: name, problem: .damaged(format: format, reason: reason))
    }

    /// The error that the file, which may be whole, is of a kind that is not read.
    func unsupported(_ found: String) -> PictureError {
        PictureError(file: name, problem: .unsupportedKind(format: format, found: found))
    }

    /// The error that a library gives in its words, which say whether the file is damaged or of a kind that the library
    /// was not made for: a JPEG of 12 bits, for example, or a TIFF's compression.
    func refused(_ message: String) -> PictureError {
        let refusals = ["Unsupported", "not implemented", "not supported", "not configured"]
        return refusals.contains(where: message.contains) ? unsupported(message) : damaged(message)
    }

    /// A picture of a size that was checked.
    ///
    /// - Parameter fill: Writes every byte of the pixels, or throws.
    func picture(
        width: Int, height: Int, fill: (UnsafeMutableBufferPointer<UInt8>) throws -> Void
    ) throws -> Picture {
        let byteCount = try Picture.byteCount(width: width, height: height, of: name)
        let pixels = try [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, initializedCount in
            try fill(UnsafeMutableBufferPointer(rebasing: buffer[..<byteCount]))
            initializedCount = byteCount
        }
        return Picture(width: width, height: height, checkedPixels: pixels)
    }
}

/// The text in an array of C, which Swift sees as a tuple of characters.
func text<Characters>(of characters: Characters) -> String {
    withUnsafeBytes(of: characters) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
}
