import Foundation

/// Pictures laid over white, in linear light: the mean of two lights, and not of the numbers that stand for them.
///
/// Lights have 8 bits and PNG's usual gamma, as in libpng, so that a picture looks the same in every format.
enum Transparency {
    private static let gamma = 2.2

    /// The light of each intensity.
    private static let lights = rounded { pow($0, gamma) }

    /// The intensity of each light.
    private static let intensities = rounded { pow($0, 1 / gamma) }

    private static func rounded(_ function: (Double) -> Double) -> [UInt8] {
        (0...255).map { UInt8(clamping: Int(clamping: (255 * function(Double($0) / 255)).rounded())) }
    }

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
        let share = Int(opacity)
        let light = (Int(lights[Int(intensity)]) * share + 255 * (255 - share) + 127) / 255
        return intensities[light]
    }

    /// An intensity that was multiplied with its opacity, as it was before.
    static func undoMultiplication(_ intensity: UInt8, opacity: UInt8) -> UInt8 {
        guard opacity != 0 else { return 0 }
        return UInt8(clamping: (Int(intensity) * 255 + Int(opacity) / 2) / Int(opacity))
    }
}
