import CWebP

/// Decodes a WebP file with libwebp.
func decodeWebP(_ source: EncodedPicture) throws -> Picture {
    let bytes = source.bytes.bindMemory(to: UInt8.self)
    var features = WebPBitstreamFeatures()
    let status = WebPGetFeatures(bytes.baseAddress, bytes.count, &features)
    guard status == VP8_STATUS_OK else { throw source.damaged(reason(of: status)) }
    guard features.has_animation == 0 else { throw source.unsupported("an animation") }
    let (width, height) = (Int(features.width), Int(features.height))
    let byteCount = try Picture.byteCount(width: width, height: height, of: source.name)

    guard features.has_alpha != 0, source.reading == .shown else {
        return try source.picture(width: width, height: height) { pixels in
            guard
                WebPDecodeRGBInto(
                    bytes.baseAddress, bytes.count, pixels.baseAddress, pixels.count, features.width * 3)
                    != nil
            else { throw source.damaged("its pixels cannot be decoded") }
        }
    }
    let translucent = try [UInt8](unsafeUninitializedCapacity: byteCount / 3 * 4) {
        buffer, initializedCount in
        guard
            WebPDecodeRGBAInto(
                bytes.baseAddress, bytes.count, buffer.baseAddress, byteCount / 3 * 4, features.width * 4)
                != nil
        else { throw source.damaged("its pixels cannot be decoded") }
        initializedCount = byteCount / 3 * 4
    }
    return try source.picture(width: width, height: height) { pixels in
        translucent.withUnsafeBufferPointer { Transparency.layOverWhite($0, into: pixels) }
    }
}

private func reason(of status: VP8StatusCode) -> String {
    switch status {
    case VP8_STATUS_NOT_ENOUGH_DATA: "it ends within its header"
    case VP8_STATUS_BITSTREAM_ERROR: "its header is not that of a WebP"
    case VP8_STATUS_OUT_OF_MEMORY: "there is no memory for it"
    default: "libwebp refuses it (status \(status.rawValue))"
    }
}
