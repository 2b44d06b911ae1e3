import Foundation

/// Pictures laid over white, in linear light: the mean of two lights, and not of the numbers that stand for them.
enum Transparency {
    /// The exponent of light, which is the one that libpng takes where a file names none.
    private static let gamma = 2.2

    /// The light of each of 256 intensities, from 0 to 1.
    private static let lights = (0..<256).map { pow(Double($0) / 255, gamma) }

    /// Lays colours that are not multiplied with their opacity over white.
    ///
    /// - Parameters:
    ///   - pixels: Red, green, blue and opacity of each pixel.
    ///   - target: Where red, green and blue go, three bytes for each four of the pixels.
    static func layOverWhite(
        _ pixels: UnsafeBufferPointer<UInt8>, into target: UnsafeMutableBufferPointer<UInt8>
    ) {
        for pixel in 0..<min(pixels.count / 4, target.count / 3) {
            let opacity = pixels[4 * pixel + 3]
            for channel in 0..<3 {
                target[3 * pixel + channel] = overWhite(pixels[4 * pixel + channel], opacity: opacity)
            }
        }
    }

    /// An intensity laid over white.
    static func overWhite(_ intensity: UInt8, opacity: UInt8) -> UInt8 {
        guard opacity != 255 else { return intensity }
        guard opacity != 0 else { return 255 }
        let share = Double(opacity) / 255
        let light = share * lights[Int(intensity)] + 1 - share
        return UInt8(clamping: Int(clamping: (255 * pow(light, 1 / gamma)).rounded()))
    }

    /// An intensity that was multiplied with its opacity, as it was before.
    static func undoMultiplication(_ intensity: UInt8, opacity: UInt8) -> UInt8 {
        guard opacity != 0 else { return 0 }
        return UInt8(clamping: (Int(intensity) * 255 + Int(opacity) / 2) / Int(opacity))
    }
}
