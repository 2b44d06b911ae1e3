import Torch
import VQAVision

/// A picture as the network is given it.
public struct DetectorInput: Sendable {
    /// What to call the picture in an error.
    let name: String
    /// The size of the picture as given, in pixels.
    let picture: (width: Int, height: Int)
    /// `[1, 3, height, width]`, float32: blue, green, red, less their means
    let tensor: Tensor
    /// By how much the picture was made larger, both ways.
    let scale: Double

    var height: Int { tensor.shape[2] }
    var width: Int { tensor.shape[3] }

    /// A shorter side than this has no cell.
    private static let minimumSide = 3

    /// - Throws: `PictureError` where a side would have no cell; `TorchError` where memory is short.
    init(_ picture: Picture, named name: String = "the picture", _ settings: DetectorSettings) throws {
        self.name = name
        self.picture = (picture.width, picture.height)
        let sides = (Double(picture.height), Double(picture.width))
        scale = Self.scale(sides, settings)
        let height = (sides.0 * scale).rounded(.toNearestOrEven),
            width = (sides.1 * scale).rounded(.toNearestOrEven)
        guard min(height, width) >= Double(Self.minimumSide) else {
            throw PictureError.tooThin(name, width: picture.width, height: picture.height)
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

extension PictureError {
    /// A picture with a side that has no cell of the feature map.
    static func tooThin(_ name: String, width: Int, height: Int) -> PictureError {
        without(
            name,
            "expected a picture that is at most 333 times as long as it is wide, found \(width) x \(height) pixels"
        )
    }

    /// A picture in which no proposal is left.
    static func noRegions(_ name: String, width: Int, height: Int) -> PictureError {
        without(
            name,
            "expected a picture with more than 16 pixels a side, in which there can be a region, found "
                + "\(width) x \(height) pixels")
    }

    private static func without(_ name: String, _ reason: String) -> PictureError {
        PictureError(file: name, problem: .withoutRegions(reason: reason))
    }
}
