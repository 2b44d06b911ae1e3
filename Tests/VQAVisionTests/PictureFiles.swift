import CTurboJPEG
import Foundation
import Testing

/// The bytes of a JPEG file as TurboJPEG writes it, at the best quality.
///
/// - Parameter pixels: [height, width, channels], the channels as `pixelFormat` has them.
func jpegFile(
    width: Int32, height: Int32, pixels: [UInt8], pixelFormat: TJPF = TJPF_RGB,
    subsampling: TJSAMP = TJSAMP_444
) throws -> Data {
    let compressor = try #require(tjInitCompress())
    defer { tjDestroy(compressor) }
    var file: UnsafeMutablePointer<UInt8>?
    defer { tjFree(file) }
    var size: UInt = 0
    let status = tjCompress2(
        compressor, pixels, width, 0, height, Int32(pixelFormat.rawValue), &file, &size,
        Int32(subsampling.rawValue), 100, 0)
    try #require(status == 0)
    return Data(UnsafeBufferPointer(start: file, count: Int(size)))
}
