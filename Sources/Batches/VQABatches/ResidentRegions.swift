import Foundation
import Torch
import VQAFeatures
import Workers

/// The regions of many images on one device, each image once, so that training copies none of them again.
///
/// ``Plan`` says how much memory they take, and loads them; ``BatchBuilder/using(_:)`` makes batches of them.
package final class ResidentRegions: Sendable {
    /// Where they lie.
    package let device: Device
    /// The type of the features that batches get. They are kept in float16, and converted when they are taken.
    package let computingType: DType
    /// How many images there are.
    package var imageCount: Int { places.count }
    /// How many rows there are, one of zeros included.
    package var rowCount: Int { features.size(0) }

    /// float16 `[rows, width]`; the first row is of zeros.
    private let features: Tensor
    /// float32 `[rows, 4]`, as fractions of the image's width and height.
    private let boxes: Tensor
    private let places: [ImageID: Range<Int>]
    private let form: Form

    /// What makes the regions of an image the same for two builders.
    struct Form: Equatable, CustomStringConvertible {
        let width: Int
        let maximumRegions: Int
        var description: String { "features \(width) wide of at most \(maximumRegions) regions an image" }
    }

    fileprivate init(
        features: Tensor, boxes: Tensor, places: [ImageID: Range<Int>], form: Form, computingType: DType
    ) {
        device = features.device
        self.computingType = computingType
        self.features = features
        self.boxes = boxes
        self.places = places
        self.form = form
    }

    /// Makes sure that the images of a builder's questions are here.
    ///
    /// - Throws: `ResidentRegionsError`.
    func requireImages(of builder: BatchBuilder) throws(ResidentRegionsError) {
        guard form == Form(builder) else {
            throw ResidentRegionsError(expected: "\(form)", found: "\(Form(builder))")
        }
        if let image = builder.examples.imageIDs.first(where: { places[$0] == nil }) {
            throw ResidentRegionsError(
                expected: "all images of the questions", found: "none of image \(image)")
        }
    }

    /// How many rows an image has; 0 where it is not here.
    func rowCount(of image: ImageID) -> Int { places[image]?.count ?? 0 }

    /// The numbers of the rows of some images and fillers, one behind the other, and how many each of them has.
    ///
    /// - Throws: `ResidentRegionsError` where an image is not here.
    func places(of images: [ImageID], filling: RowFilling) throws(ResidentRegionsError) -> (
        rows: [Int64], lengths: [Int]
    ) {
        var rows: [Int64] = []
        var lengths: [Int] = []
        for image in images {
            guard let place = places[image] else {
                throw ResidentRegionsError(expected: "image \(image)", found: "no such image")
            }
            rows += place.lazy.map(Int64.init)
            lengths.append(place.count)
        }
        for length in filling.lengths(behind: rows.count) {
            rows += repeatElement(0, count: length)
            lengths.append(length)
        }
        return (rows, lengths)
    }

    /// The features and boxes of rows, whose numbers are given as int64 `[n]` on this device.
    ///
    /// - Throws: `TorchError` where memory is short.
    func taken(_ rows: Tensor) throws(TorchError) -> (features: Tensor, boxes: Tensor) {
        (try features.gathered(rows).converted(to: computingType), try boxes.gathered(rows))
    }
}

extension ResidentRegions.Form {
    init(_ builder: BatchBuilder) {
        self.init(width: builder.featureWidth, maximumRegions: builder.maximumRegions)
    }
}

extension ResidentRegions {
    /// The images of some questions, and how much memory their regions will take.
    ///
    /// A device's memory is taken once and for all rows, so there has to be a number of rows before they are read. It
    /// is the number of regions, up to the maximum, where a source tells it without reading them
    /// (``FeatureSource/regionCount(of:)``), as both the feature store and the official files do, and else the maximum.
    /// Regions of zeros, which are left out, make it too large; what is left over at the end stays unused. A store
    /// tells at once; of official files, each is read once more for it, but its features are not unpacked.
    package struct Plan: Sendable {
        /// How many bytes of the device's memory the regions will take.
        package let byteCount: Int
        /// How many images there are.
        package var imageCount: Int { images.count }

        private let builders: [BatchBuilder]
        private let images: [Image]
        private let form: Form
        private let rowCount: Int

        /// An image, the builder that reads it, and how many rows it takes at most.
        private struct Image: Sendable {
            let id: ImageID
            let builder: Int
            let rowCount: Int
        }

        /// Finds out how many regions there are.
        ///
        /// - Parameter builders: The questions. Where an image is in several, it is read from the first one's source.
        /// - Throws: `ResidentRegionsError` where there are none, or they look for regions of different forms; what
        ///   counting regions throws.
        package init(_ builders: [BatchBuilder]) throws {
            guard let first = builders.first else {
                throw ResidentRegionsError(expected: "questions about images", found: "none")
            }
            let form = Form(first)
            if let other = builders.map(Form.init).first(where: { $0 != form }) {
                throw ResidentRegionsError(expected: "\(form)", found: "\(other)")
            }
            var seen: Set<ImageID> = []
            let work = builders.enumerated().flatMap { index, builder in
                let new = builder.examples.imageIDs.filter { seen.insert($0).inserted }
                return stride(from: 0, to: new.count, by: 1024).map { start in
                    let part = new[start..<min(new.count, start + 1024)]
                    return ParallelWork(cost: part.count) {
                        try part.map {
                            Image(id: $0, builder: index, rowCount: try Self.rowCount(of: $0, builder))
                        }
                    }
                }
            }
            images = try ParallelWork.results(of: work).flatMap { $0 }
            self.builders = builders
            self.form = form
            rowCount = images.reduce(1) { $0 + $1.rowCount }
            byteCount = rowCount * (form.width * DType.float16.byteCount + 4 * DType.float32.byteCount)
        }

        /// How many rows an image takes at most.
        private static func rowCount(of image: ImageID, _ builder: BatchBuilder) throws -> Int {
            let count = try builder.features.regionCount(of: image) ?? builder.maximumRegions
            return max(1, min(count, builder.maximumRegions))
        }

        /// Reads the regions, on all cores, and puts them on a device.
        ///
        /// - Parameters:
        ///   - device: Where they are to lie.
        ///   - computingType: The type of the features that batches get: float16 spares a conversion where a model
        ///     computes in mixed precision.
        ///   - onProgress: Called now and then with the number of images done.
        ///   - shouldStop: Asked as often.
        /// - Returns: Nil where `shouldStop` ended it.
        /// - Throws: What reading features throws; `FeatureWidthError`; `ResidentRegionsError` where a feature is too
        ///   large for float16, or a source has more regions than it said; `TorchError` where memory is short.
        package func load(
            on device: Device, computingType: DType = .float32, onProgress: (Int) throws -> Void = { _ in },
            shouldStop: () -> Bool = { false }
        ) throws -> ResidentRegions? {
            let features = try Tensor.uninitialized([rowCount, form.width], dtype: .float16, device: device)
            let boxes = try Tensor.uninitialized([rowCount, 4], device: device)
            try features.narrowed(axis: 0, start: 0, length: 1).fill(0)
            try boxes.narrowed(axis: 0, start: 0, length: 1).fill(0)
            var places: [ImageID: Range<Int>] = [:]
            places.reserveCapacity(imageCount)
            var end = 1
            let chunks = prefetchedChunks(pinned: device != .cpu)
            defer { chunks.cancel() }
            while let chunk = try chunks.next() {
                let length = chunk.features.size(0)
                guard end + length <= rowCount else {
                    throw ResidentRegionsError(
                        expected: "the \(rowCount) regions that the features' sources told", found: "more")
                }
                try features.narrowed(axis: 0, start: end, length: length).copy(from: chunk.features)
                try boxes.narrowed(axis: 0, start: end, length: length).copy(from: chunk.boxes)
                for (image, count) in zip(chunk.images, chunk.lengths) {
                    places[image] = end..<end + count
                    end += count
                }
                try onProgress(places.count)
                if shouldStop() { return nil }
            }
            return ResidentRegions(
                features: try features.narrowed(axis: 0, start: 0, length: end),
                boxes: try boxes.narrowed(axis: 0, start: 0, length: end), places: places, form: form,
                computingType: computingType)
        }

        /// All images' regions in order, some images at a time, read ahead.
        private func prefetchedChunks(pinned: Bool) -> Prefetcher<Chunk> {
            let (builders, images, form, memory) = (builders, images, form, RowMemory())
            let ranges = chunkRanges()
            return Prefetcher(
                0..<ranges.count, workers: Processors.count
            ) { number in
                let part = images[ranges[number]]
                return try Chunk(
                    part.map(\.id), regions: part.map { try builders[$0.builder].regions(of: $0.id) }, form,
                    memory: memory, pinned: pinned)
            }
        }

        /// The images in parts of about `chunkRowCount` rows.
        private func chunkRanges() -> [Range<Int>] {
            var ranges: [Range<Int>] = []
            var (start, rows) = (0, 0)
            for (index, image) in images.enumerated() {
                rows += image.rowCount
                if rows >= Self.chunkRowCount || index == images.count - 1 {
                    ranges.append(start..<index + 1)
                    (start, rows) = (index + 1, 0)
                }
            }
            return ranges
        }

        /// 8 MB of official features in half precision: much to copy at once, and little to keep for each core.
        private static let chunkRowCount = 2048
    }

    /// The regions of some images, in half precision, to be copied to the device.
    private struct Chunk: Sendable {
        let images: [ImageID]
        let features: Tensor
        let boxes: Tensor
        let lengths: [Int]

        init(
            _ images: [ImageID], regions: [any RegionRows], _ form: Form, memory: RowMemory, pinned: Bool
        ) throws {
            let packed = try PackedRegions(
                regions, width: form.width, maximumRegions: form.maximumRegions, memory: .pageable(memory))
            self.images = images
            (boxes, lengths) = (packed.boxes, packed.lengths)
            features = try packed.features.withUnsafeElements(of: Float.self) { floats in
                guard HalfPrecision.largestMagnitude(floats) < HalfPrecision.firstInfinite else {
                    throw Self.tooLarge(floats, images, packed.lengths, form)
                }
                return try Tensor(
                    uninitialized: [packed.features.size(0), form.width], of: Float16.self, pinned: pinned
                ) { HalfPrecision.narrow(floats, into: $0) }
            }
        }

        /// The error for the first feature that half precision cannot hold.
        private static func tooLarge(
            _ floats: UnsafeBufferPointer<Float>, _ images: [ImageID], _ lengths: [Int], _ form: Form
        ) -> ResidentRegionsError {
            let place = floats.firstIndex { !($0.magnitude < HalfPrecision.firstInfinite) } ?? 0
            var row = place / form.width
            let image = zip(images, lengths).first { _, length in
                defer { row -= length }
                return row < length
            }
            return ResidentRegionsError(
                expected: "features that float16 can hold",
                found: "\(floats[place]) in image \(image?.0.description ?? "?")")
        }
    }
}

/// Regions that cannot lie on a device, or not be taken from there.
public struct ResidentRegionsError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What should have been there.
    public let expected: String
    /// What was there instead.
    public let found: String
    /// One line.
    public var description: String { "resident regions: expected \(expected), found \(found)" }
}
