import Torch
import VQAFeatures

/// The regions of a batch's images that a model looks at, one below the other.
struct PackedRegions {
    /// The feature vectors: float32 `[rows, width]`.
    let features: Tensor
    /// The boxes: float32 `[rows, 4]`, x1, y1, x2, y2 as fractions of the image's width and height.
    let boxes: Tensor
    /// How many rows each image takes, and behind them each filler. A region of zeros takes none, for it is padding
    /// to the official release. An image without a region takes one row of zeros: all the rows that the padded form
    /// would have are alike, and looking at them alike gives what one of them gives.
    let lengths: [Int]

    /// Copies the images' regions.
    ///
    /// - Parameters:
    ///   - images: The images, all of them `width` wide.
    ///   - width: The length of a feature vector.
    ///   - maximumRegions: How many regions of an image are kept: the first ones.
    ///   - filling: How rows of zeros follow them.
    ///   - memory: Where the features go.
    ///   - onFailure: Told which image it is that cannot be read.
    /// - Throws: What reading an image throws; `TorchError` where memory is short.
    init(
        _ images: [any RegionRows], width: Int, maximumRegions: Int, filling: RowFilling = .none,
        memory: BatchMemory, onFailure: (Int) -> Void = { _ in }
    ) throws {
        // Which regions are zeros is known only once they have been read, so room is made for all of them.
        let room = images.map { max(1, min($0.count, maximumRegions)) }
        let capacity = room.reduce(filling.maximumRowCount, +)
        var lengths: [Int] = []
        var boxes: [Float] = []
        features = try memory.rows(capacity: capacity, width: width) { features in
            boxes = try [Float](unsafeUninitializedCapacity: capacity * 4) { boxes, boxCount in
                var rows = Rows(features: features, boxes: boxes, width: width)
                for (number, image) in images.enumerated() {
                    do {
                        lengths.append(
                            try rows.append(image, room: room[number], maximumRegions: maximumRegions))
                    } catch {
                        onFailure(number)
                        throw error
                    }
                }
                let fillers = filling.lengths(behind: rows.count)
                rows.appendZeros(fillers.reduce(0, +))
                lengths += fillers
                boxCount = rows.count * 4
            }
            return boxes.count / 4
        }
        self.boxes = try Tensor(boxes, shape: [boxes.count / 4, 4], pinned: memory.isPinned)
        self.lengths = lengths
    }
}

/// Memory for rows, filled from the front.
private struct Rows {
    let features: UnsafeMutableBufferPointer<Float>
    let boxes: UnsafeMutableBufferPointer<Float>
    let width: Int
    private(set) var count = 0

    init(
        features: UnsafeMutableBufferPointer<Float>, boxes: UnsafeMutableBufferPointer<Float>, width: Int
    ) {
        (self.features, self.boxes, self.width) = (features, boxes, width)
    }

    /// Copies an image's rows, no more than `room`, and gives how many there are.
    mutating func append(_ image: any RegionRows, room: Int, maximumRegions: Int) throws -> Int {
        let end = count + room
        let features = UnsafeMutableBufferPointer(rebasing: features[count * width..<end * width])
        let boxes = UnsafeMutableBufferPointer(rebasing: boxes[count * 4..<end * 4])
        let added = try image.copyRows(maximumCount: maximumRegions, features: features, boxes: boxes)
        guard added > 0 else {
            appendZeros(1)
            return 1
        }
        let scale = [Float(max(image.imageWidth, 1)), Float(max(image.imageHeight, 1))]
        for corner in 0..<added * 4 { boxes[corner] /= scale[corner % 2] }
        count += added
        return added
    }

    /// Adds rows of zeros.
    mutating func appendZeros(_ added: Int) {
        let end = count + added
        features[count * width..<end * width].update(repeating: 0)
        boxes[count * 4..<end * 4].update(repeating: 0)
        count = end
    }
}
