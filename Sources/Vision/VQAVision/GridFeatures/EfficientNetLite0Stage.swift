extension EfficientNetLite0 {
    /// A place in the network whose feature map can be had: after one of the blocks 0 to 15, or after the head.
    public struct Stage: Hashable, Sendable {
        /// 0 to 15 for the blocks, 16 for the head.
        private let index: Int

        private static var blockCount: Int { InvertedResidualBlock.Shape.ofEfficientNetLite0.count }

        /// After a block.
        ///
        /// - Parameter block: 0 to 15.
        /// - Throws: `EfficientNetLite0Error` for any other number.
        public init(block: Int) throws(EfficientNetLite0Error) {
            guard (0..<Self.blockCount).contains(block) else { throw .noSuchBlock(block) }
            self.init(index: block)
        }

        private init(index: Int) {
            self.index = index
        }

        /// The block's number, 0 to 15; nil after the head.
        public var block: Int? { self == .head ? nil : index }

        /// After the last convolution: 1280 channels, at 1/32 of the input's size.
        public static let head = Stage(index: blockCount)

        /// After each of the blocks, in their order.
        static let blocks = (0..<blockCount).map(Stage.init(index:))

        /// How many channels the feature map has.
        public var channels: Int {
            self == .head ? 1280 : InvertedResidualBlock.Shape.ofEfficientNetLite0[index].outputChannels
        }

        /// How many pixels of the input one cell of the feature map stands for along each axis.
        public var stride: Int {
            let blocks = InvertedResidualBlock.Shape.ofEfficientNetLite0.prefix(index + 1)
            return blocks.reduce(EfficientNetLite0.stemStride) { $0 * $1.stride }
        }

        /// How many rows and columns the feature map of a square input has.
        ///
        /// - Parameter inputSize: The input's height and width in pixels.
        public func gridSize(inputSize: Int) -> Int {
            inputSize / stride + (inputSize.isMultiple(of: stride) ? 0 : 1)
        }
    }
}

extension EfficientNetLite0.Stage: Comparable, CustomStringConvertible {
    /// Orders by the way of the data.
    public static func < (left: Self, right: Self) -> Bool { left.index < right.index }

    /// `block 7` or `head`.
    public var description: String { self == .head ? "head" : "block \(index)" }
}
