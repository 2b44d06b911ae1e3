import CPNG

/// Decodes a PNG file with libpng.
func decodePNG(_ source: EncodedPicture) throws -> Picture {
    switch source.reading {
    case .shown: try decodeShownPNG(source)
    case .stored, .unblended: try decodeStoredPNG(source)
    }
}

/// Decodes with libpng's simplified interface, which blends, and converts gamma.
private func decodeShownPNG(_ source: EncodedPicture) throws -> Picture {
    var image = png_image()
    image.version = png_uint_32(PNG_IMAGE_VERSION)
    defer { png_image_free(&image) }

    guard png_image_begin_read_from_memory(&image, source.bytes.baseAddress, source.bytes.count) != 0 else {
        throw source.damaged(text(of: image.message))
    }
    let (width, height) = (Int(image.width), Int(image.height))
    image.format = png_uint_32(PNG_FORMAT_RGB)
    // Without it, libpng takes 16-bit intensities that name no gamma to be linear; writers mean sRGB.
    image.flags |= png_uint_32(PNG_IMAGE_FLAG_16BIT_sRGB)
    var white = png_color(red: 255, green: 255, blue: 255)
    return try source.picture(width: width, height: height) { pixels in
        guard png_image_finish_read(&image, &white, pixels.baseAddress, 0, nil) != 0 else {
            throw source.damaged(text(of: image.message))
        }
    }
}

/// Decodes the numbers as they are stored.
private func decodeStoredPNG(_ source: EncodedPicture) throws -> Picture {
    guard let (width, height) = StatedSize.ofPNG(source.bytes) else {
        throw source.damaged("it ends within its header")
    }
    return try source.picture(width: width, height: height) { pixels in
        var file = cpng_source()
        file.bytes = source.bytes.bindMemory(to: UInt8.self).baseAddress
        file.count = source.bytes.count
        guard
            cpng_read_stored(&file, UInt32(clamping: width), UInt32(clamping: height), pixels.baseAddress)
                != 0
        else { throw source.damaged(text(of: file.message)) }
    }
}
