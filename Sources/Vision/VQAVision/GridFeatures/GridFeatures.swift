import Torch
import VQAFeatures
import Workers

/// Region features of the cells of a grid: what a convolutional network saw in each cell of a picture.
///
/// Every cell of the network's feature map is a region, row by row from the top; its channels are the
/// region's feature vector, and its box is the cell's part of the picture (Jiang et al. 2020, "In Defense of
/// Grid Features for Visual Question Answering"). No detector is needed.
///
///     let extractor = try GridFeatures(network: network, stages: [Stage(block: 7)], inputSize: 64)
///     let features = try extractor([Picture(contentsOf: file)])
///
/// What the network's weights become later makes no difference.
public final class GridFeatures: Sendable {
    /// The stages whose maps are joined, channel by channel, in this order.
    public let stages: [EfficientNetLite0.Stage]
    /// To how many pixels a picture's width and height are brought; its sides are scaled independently.
    public let inputSize: Int
    /// How many rows, and how many columns, the grid has.
    public let gridSize: Int
    /// The length of a region's feature vector: the channels of all stages together.
    public let width: Int
    private let network: FoldedEfficientNetLite0
    private let device: Device

    /// The largest `inputSize`.
    package static let maximumInputSize = 4096

    /// - Parameters:
    ///   - network: On the device where it is to run.
    ///   - stages: At least one; their maps must have the same size.
    ///   - inputSize: In pixels, from 1 to `maximumInputSize`. A multiple of the stages' stride makes all cells
    ///     see equally many pixels.
    /// - Throws: `GridFeaturesError` where these go against that; `TorchError` where memory is short.
    public init(network: EfficientNetLite0, stages: [EfficientNetLite0.Stage], inputSize: Int) throws {
        guard (1...Self.maximumInputSize).contains(inputSize) else {
            throw GridFeaturesError.inputSize(inputSize)
        }
        guard let first = stages.first, Set(stages).count == stages.count else {
            throw GridFeaturesError.stages(stages)
        }
        if let other = stages.first(where: { $0.stride != first.stride }) {
            throw GridFeaturesError.differentGrids(first, other)
        }
        self.network = try network.folded(upTo: stages)
        device = network.device
        self.stages = stages
        self.inputSize = inputSize
        gridSize = first.gridSize(inputSize: inputSize)
        width = stages.map(\.channels).reduce(0, +)
    }

    /// How many regions a picture has.
    public var regionCount: Int { gridSize * gridSize }

    /// A picture brought to the size that the network is given. Any thread may make one.
    public struct Input: Sendable {
        fileprivate let resized: Picture
        fileprivate let imageWidth: Int
        fileprivate let imageHeight: Int

        /// - Parameters:
        ///   - picture: Of any size.
        ///   - size: The extractor's `inputSize`.
        /// - Throws: `PictureError` where there is no picture of that size.
        package init(_ picture: Picture, size: Int) throws {
            resized = try picture.resized(width: size, height: size)
            imageWidth = picture.width
            imageHeight = picture.height
        }
    }

    /// The features of some pictures, in their order, made on all cores.
    ///
    /// - Throws: As `features(of:)`; `PictureError` where a picture cannot be resized.
    public func callAsFunction(_ pictures: [Picture]) throws -> [RegionFeatures] {
        let work = stride(from: 0, to: pictures.count, by: Self.groupLength).map { start in
            ParallelWork(cost: 1) {
                let group = pictures[start..<min(pictures.count, start + Self.groupLength)]
                return try self.features(of: group.map { try Input($0, size: self.inputSize) })
            }
        }
        return try ParallelWork.results(of: work).flatMap { $0 }
    }

    /// How many pictures the network always sees at once: as many as make it fast, and few enough that `ask`, which
    /// has one, does not wait for the others.
    private static let groupLength = 8

    /// The features of some pictures, in their order. Several threads may ask at once.
    ///
    /// libtorch's convolutions round otherwise for another number of pictures or of threads. So the network always sees
    /// as many pictures, black ones where there are fewer, on the calling thread alone: a picture's features are the
    /// same to the bit whatever is extracted beside it.
    ///
    /// - Throws: `GridFeaturesError` where an input has another size than the extractor's, `TorchError` where
    ///   memory is short.
    package func features(of inputs: [Input]) throws -> [RegionFeatures] {
        try stride(from: 0, to: inputs.count, by: Self.groupLength).flatMap { start in
            try features(ofGroup: inputs[start..<min(inputs.count, start + Self.groupLength)])
        }
    }

    private func features(ofGroup inputs: ArraySlice<Input>) throws -> [RegionFeatures] {
        let values = try TorchRuntime.onOneThread {
            let maps = try network.featureMaps(of: tensor(of: inputs), after: stages)
            // [B, channels, rows, columns] to [B, rows, columns, channels]
            return try Tensor.concatenate(maps, axis: 1).permuted([0, 2, 3, 1]).array(of: Float.self)
        }
        let valueCount = regionCount * width
        return try inputs.enumerated().map { index, input in
            try RegionFeatures(
                width: width, features: Array(values[index * valueCount..<(index + 1) * valueCount]),
                boxes: boxes(of: input), imageHeight: input.imageHeight, imageWidth: input.imageWidth)
        }
    }

    /// The network's input: `[groupLength, 3, inputSize, inputSize]`.
    private func tensor(of inputs: ArraySlice<Input>) throws -> Tensor {
        if let other = inputs.first(where: { $0.resized.width != inputSize }) {
            throw GridFeaturesError.otherInputSize(expected: inputSize, found: other.resized.width)
        }
        let pixels = try Tensor(
            uninitialized: [Self.groupLength, inputSize, inputSize, 3], of: UInt8.self
        ) { buffer in
            var rest = buffer[...]
            for input in inputs {
                let end = rest.update(fromContentsOf: input.resized.pixels)
                rest = rest[end...]
            }
            rest.update(repeating: 0)
        }
        // Channels stay last in memory, which is how the CPU's convolutions are fastest.
        return try EfficientNetLite0.normalized(pixels.permuted([0, 3, 1, 2]).moved(to: device))
    }

    /// The cells' corners x1, y1, x2, y2 in pixels of the picture as it was.
    private func boxes(of input: Input) -> [Float] {
        let cellWidth = Float(input.imageWidth) / Float(gridSize)
        let cellHeight = Float(input.imageHeight) / Float(gridSize)
        var boxes: [Float] = []
        for row in 0..<gridSize {
            for column in 0..<gridSize {
                let (x, y) = (Float(column) * cellWidth, Float(row) * cellHeight)
                boxes += [x, y, x + cellWidth, y + cellHeight]
            }
        }
        return boxes
    }
}

/// What cannot be made an extractor of grid features, or given to one.
public enum GridFeaturesError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A size that pictures cannot be brought to.
    case inputSize(Int)
    /// No stages, or one of them twice.
    case stages([EfficientNetLite0.Stage])
    /// Two stages whose maps have different sizes.
    case differentGrids(EfficientNetLite0.Stage, EfficientNetLite0.Stage)
    /// An input that was made for another extractor.
    case otherInputSize(expected: Int, found: Int)

    /// One line for the user.
    public var description: String {
        switch self {
        case .inputSize(let size):
            "grid features: expected an input size of 1 to \(GridFeatures.maximumInputSize) pixels, found \(size)"
        case .stages(let stages):
            "grid features: expected one or more different stages, found "
                + (stages.isEmpty ? "none" : stages.map(\.description).joined(separator: ", "))
        case .differentGrids(let first, let other):
            "grid features: expected stages of one grid, found \(first) with a cell every \(first.stride) "
                + "pixels and \(other) with one every \(other.stride)"
        case .otherInputSize(let expected, let found):
            "grid features: expected a picture of \(expected) x \(expected) pixels, found \(found) x \(found)"
        }
    }
}
