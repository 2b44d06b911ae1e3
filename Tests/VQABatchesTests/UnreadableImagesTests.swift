import Foundation
import Synchronization
import TestSupport
import Testing
import VQABatches
import VQAFeatures

/// Features of which some cannot be read, found on asking for them or only on copying them.
private final class DamagedFeatures: FeatureSource {
    let place = "memory"
    let damagedOnAsking: Set<Int64>
    let damagedOnCopying: Set<Int64>
    /// How often each image has been asked for.
    let asked = Mutex<[Int64: Int]>([:])

    init(onAsking: Set<Int64> = [], onCopying: Set<Int64> = []) {
        (damagedOnAsking, damagedOnCopying) = (onAsking, onCopying)
    }

    struct Damage: Error {
        let image: Int64
    }

    func contains(_ image: ImageID) -> Bool { true }

    func features(for image: ImageID) throws -> RegionFeatures {
        asked.withLock { $0[image.rawValue, default: 0] += 1 }
        guard !damagedOnAsking.contains(image.rawValue) else { throw Damage(image: image.rawValue) }
        return try RegionFeatures(
            width: 2, features: [Float(image.rawValue) + 1, 1], boxes: [0, 0, 1, 1], imageHeight: 2,
            imageWidth: 2)
    }

    func regions(of image: ImageID) throws -> any RegionRows {
        let regions = try features(for: image)
        return damagedOnCopying.contains(image.rawValue) ? Uncopied(regions, image.rawValue) : regions
    }

    private struct Uncopied: RegionRows {
        let regions: RegionFeatures
        let image: Int64
        var count: Int { regions.count }
        var width: Int { regions.width }
        var imageHeight: Int { regions.imageHeight }
        var imageWidth: Int { regions.imageWidth }

        init(_ regions: RegionFeatures, _ image: Int64) { (self.regions, self.image) = (regions, image) }

        func copyRows(
            maximumCount: Int, features: UnsafeMutableBufferPointer<Float>,
            boxes: UnsafeMutableBufferPointer<Float>
        ) throws -> Int { throw Damage(image: image) }
    }
}

@Suite struct UnreadableImagesTests {
    private func builder(_ features: DamagedFeatures) throws -> BatchBuilder {
        var builder = try questionBuilder(
            features, questions: ["what", "is", "this", "what", "is"], images: [0, 1, 0, 2, 3], width: 2,
            maximumRegions: 4)
        builder.unreadable = UnreadableImages()
        return builder
    }

    @Test("a picture that cannot be read, on asking or on copying, takes its questions out of the batch")
    func leftOut() throws {
        let builder = try builder(DamagedFeatures(onAsking: [1], onCopying: [0]))
        let batch = try #require(try builder.readableBatch(rows: 0..<5))
        #expect(batch.questionIDs.map(\.rawValue) == [103, 104])
        #expect(try batch.regions.array(of: Float.self) == [3, 1, 4, 1])
        #expect(builder.leftOut.map(\.rawValue) == [100, 101, 102])
        #expect(builder.unreadable?.images == [ImageID(rawValue: 0), ImageID(rawValue: 1)])
        #expect(try builder.readableBatch(rows: 0..<3) == nil)
    }

    @Test("a picture is read once for a batch, and one that cannot be read never again")
    func readOnce() throws {
        let features = DamagedFeatures(onAsking: [1])
        let builder = try builder(features)
        _ = try builder.readableBatch(rows: 0..<5)
        #expect(features.asked.withLock { $0 } == [0: 1, 1: 1, 2: 1, 3: 1])
        _ = try builder.readableBatch(rows: 0..<3)
        #expect(features.asked.withLock { $0 } == [0: 2, 1: 1, 2: 1, 3: 1])
    }

    @Test("where nothing is left out, the first picture that cannot be read is an error", arguments: [0, 1])
    func error(image: Int64) throws {
        var builder = try builder(DamagedFeatures(onAsking: [1], onCopying: [0]))
        builder.unreadable = nil
        let rows = image == 0 ? 2..<5 : 1..<2
        let error = #expect(throws: DamagedFeatures.Damage.self) { try builder.readableBatch(rows: rows) }
        #expect(try #require(error).image == image)
        #expect(builder.leftOut.isEmpty)
    }

    @Test("the readable questions can be known beforehand")
    func beforehand() throws {
        let builder = try builder(DamagedFeatures(onAsking: [1], onCopying: [2]))
        let readable = try builder.leavingOutUnreadable()
        #expect(readable.questionIDs.map(\.rawValue) == [100, 102, 104])
        #expect(builder.leftOut.map(\.rawValue) == [101, 103])
        #expect(try readable.readableBatch(rows: 0..<3)?.questionIDs.count == 3)
    }
}
