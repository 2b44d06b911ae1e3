import Torch
import VQAVision

/// A picture as the network is given it.
struct DetectorInput {
    /// `[1, 3, height, width]`, float32: blue, green, red, less their means
    let tensor: Tensor
    /// By how much the picture was made larger, both ways.
    let scale: Double

    var height: Int { tensor.shape[2] }
    var width: Int { tensor.shape[3] }

    /// A shorter side than this has no cell.
    private static let minimumSide = 3

    /// - Throws: `DetectorError.tooThin` where a side would have no cell.
    init(_ picture: Picture, _ settings: DetectorSettings) throws {
        let sides = (Double(picture.height), Double(picture.width))
        scale = Self.scale(sides, settings)
        let height = (sides.0 * scale).rounded(.toNearestOrEven),
            width = (sides.1 * scale).rounded(.toNearestOrEven)
        guard min(height, width) >= Double(Self.minimumSide) else {
            throw DetectorError.tooThin(width: picture.width, height: picture.height)
        }
        let pixels = try picture.pixels.withUnsafeBytes {
            try Tensor(bytes: $0, shape: [picture.height, picture.width, 3], dtype: .uint8)
        }
        tensor = try Self.sample.tensor(
            .tensor(pixels), .double(scale), .int(Int(clamping: height)), .int(Int(clamping: width)),
            .doubles(DetectorSettings.pixelMean))
    }

    /// One scale for both sides.
    private static func scale(_ sides: (Double, Double), _ settings: DetectorSettings) -> Double {
        let (shorter, longer) = (min(sides.0, sides.1), max(sides.0, sides.1))
        let scale = Double(settings.minimumSide) / shorter
        let isTooLong = (scale * longer).rounded(.toNearestOrEven) > Double(settings.maximumSide)
        return isTooLong ? Double(settings.maximumSide) / longer : scale
    }

    private static let sample = Operator("rwsan::picture_input")
}
