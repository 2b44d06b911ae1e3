import CPNG

/// Decodes a PNG file with libpng's simplified interface.
func decodePNG(_ bytes: UnsafeRawBufferPointer, named name: String) throws -> Picture {
    var image = png_image()
    image.version = png_uint_32(PNG_IMAGE_VERSION)
    defer { png_image_free(&image) }

    guard png_image_begin_read_from_memory(&image, bytes.baseAddress, bytes.count) != 0 else {
        throw PictureError(file: name, problem: .damaged(format: .png, reason: message(of: image)))
    }
    let width = Int(image.width)
    let height = Int(image.height)
    let byteCount = try Picture.byteCount(width: width, height: height, of: name)

    image.format = png_uint_32(PNG_FORMAT_RGB)
    // Without it, libpng takes 16-bit intensities that name no gamma to be linear; writers mean sRGB.
    image.flags |= png_uint_32(PNG_IMAGE_FLAG_16BIT_sRGB)
    var white = png_color(red: 255, green: 255, blue: 255)
    let pixels = try [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, initializedCount in
        guard png_image_finish_read(&image, &white, buffer.baseAddress, 0, nil) != 0 else {
            throw PictureError(file: name, problem: .damaged(format: .png, reason: message(of: image)))
        }
        initializedCount = byteCount
    }
    return Picture(width: width, height: height, checkedPixels: pixels)
}

/// What libpng has to say, in a field that Swift sees as a tuple of characters.
private func message(of image: png_image) -> String {
    withUnsafeBytes(of: image.message) { characters in
        String(decoding: characters.prefix { $0 != 0 }, as: UTF8.self)
    }
}
