import Foundation
import TestSupport
import Testing
import Torch
@testable import VQABatches
@testable import VQAFeatures

/// Regions that lie on a device once and for all, here the CPU.
@Suite struct ResidentRegionsTests {
    private func load(_ builders: [BatchBuilder], computingType: DType = .float32) throws -> ResidentRegions {
        try #require(
            try ResidentRegions.Plan(builders).load(on: .cpu, computingType: computingType))
    }

    /// Whether a batch of resident regions is the one of regions that were read for it.
    private func expectSame(_ resident: BatchBuilder, _ streamed: BatchBuilder, rows: [Int]) throws {
        let expected = try streamed.batch(rows: rows)
        let batch = try resident.batch(rows: rows).moved(to: .cpu)
        #expect(batch.questionIDs == expected.questionIDs)
        #expect(batch.fillerCount == expected.fillerCount)
        #expect(batch.regionSegments.lengths == expected.regionSegments.lengths)
        #expect(batch.regionSegments.maximumLength == expected.regionSegments.maximumLength)
        #expect(try batch.regions.dtype == .float32)
        #expect(try batch.regions.shape == expected.regions.shape)
        #expect(try batch.regions.array(of: Float.self) == expected.regions.array(of: Float.self))
        #expect(try batch.boxes.array(of: Float.self) == expected.boxes.array(of: Float.self))
        #expect(try batch.words.array(of: Int64.self) == expected.words.array(of: Int64.self))
        #expect(batch.wordSegments.lengths == expected.wordSegments.lengths)
    }

    @Test(
        "batches are those of regions read for each, with regions of zeros, pictures without any, and fillers"
    )
    func sameBatches() throws {
        let rows: [[[Float]]] = [
            [[1, 2], [0, 0], [3, 4], [5, 6]], [], [[7, 8]], [[0, 0]],
            [[9, 10], [11, 12], [13, 14], [15, 16]],
        ]
        var streamed = try givenBuilder(
            rows, questions: ["what", "is", "this", "?", "what is", "is this", "what"],
            images: [0, 1, 2, 0, 3, 4, 4], maximumRegions: 3)
        let regions = try load([streamed])
        #expect(regions.imageCount == 5)
        // One of zeros, and 2, 1, 1, 1 and 3.
        #expect(regions.rowCount == 9)
        for shapes in [
            nil,
            try BatchShapes(questions: 7, regionStep: 8, wordStep: 4, maximumRegions: 3, maximumWords: 3),
        ] {
            streamed.shapes = shapes
            let resident = try streamed.using(regions)
            try expectSame(resident, streamed, rows: Array(0..<7))
            try expectSame(resident, streamed, rows: [4, 1])
            try expectSame(resident, streamed, rows: [3])
        }
    }

    @Test("the images of several builders lie there once, each from its own source")
    func severalBuilders() throws {
        let folder = Fixtures.url("mini/datasets/coco_extract/val2014").path
        let temporary = try TemporaryFolder()
        let store = try packedStore([folder], in: temporary, as: .float16)
        let images = store.imageIDs.sorted().map(\.rawValue)
        func builder(_ source: any FeatureSource, _ images: [Int64]) throws -> BatchBuilder {
            try questionBuilder(
                source, questions: images.map { _ in "what is this" }, images: images, width: 24,
                maximumRegions: 5)
        }
        let builders = [
            try builder(store, images.dropLast(2)), try builder(FeatureFolder([folder]), images.suffix(4)),
        ]
        let plan = try ResidentRegions.Plan(builders)
        #expect(plan.imageCount == images.count)
        let regions = try #require(try plan.load(on: .cpu))
        #expect(regions.imageCount == images.count)
        // There are no regions of zeros here: both sources tell the number exactly.
        #expect(plan.byteCount == regions.rowCount * (24 * 2 + 4 * 4))
        for streamed in builders {
            try expectSame(streamed.using(regions), streamed, rows: Array(0..<streamed.count))
        }
    }

    @Test("many images come in parts, all of them, and in the right places")
    func manyImages() throws {
        let rows = (0..<150).map { image in
            (0..<20 + image % 30).map { [Float(image), Float($0) + 0.5] }
        }
        let streamed = try givenBuilder(
            rows, questions: rows.map { _ in "what" }, images: rows.indices.map(Int64.init))
        var done: [Int] = []
        let plan = try ResidentRegions.Plan([streamed])
        let regions = try #require(try plan.load(on: .cpu, onProgress: { done.append($0) }))
        // Without a count it is room for the most.
        #expect(plan.byteCount == (1 + 150 * 100) * (2 * 2 + 4 * 4))
        #expect(done.count > 2)
        #expect(done == done.sorted())
        #expect(done.last == 150)
        try expectSame(streamed.using(regions), streamed, rows: Array((0..<150).reversed()))
    }

    @Test("loading ends when it is asked to")
    func stopped() throws {
        let builder = try givenBuilder([[[1, 2]]], questions: ["what"], images: [0])
        #expect(try ResidentRegions.Plan([builder]).load(on: .cpu, shouldStop: { true }) == nil)
    }

    @Test("batches get the type that is asked for, rounded to half precision in any")
    func computingType() throws {
        let streamed = try givenBuilder([[[1 / 3, -65_504]]], questions: ["what"], images: [0])
        for type in [DType.float16, .float32, .bfloat16] {
            let batch = try streamed.using(load([streamed], computingType: type)).batch(rows: [0])
                .moved(to: .cpu)
            #expect(try batch.regions.dtype == type)
            #expect(try batch.boxes.dtype == .float32)
            guard type != .bfloat16 else { continue }
            let values = try batch.regions.converted(to: .float32).array(of: Float.self)
            #expect(values == [0.333251953125, -65_504])
        }
    }

    @Test("a batch has no regions before it is moved to where they are, and then only there")
    func notMoved() throws {
        let builder = try givenBuilder([[[1, 2]]], questions: ["what"], images: [0])
        let batch = try builder.using(load([builder])).batch(rows: [0])
        #expect(throws: RegionsElsewhereError.self) { try batch.regions }
        #expect(throws: RegionsElsewhereError.self) { try batch.boxes }
        #expect(throws: RegionsElsewhereError.self) { try batch.paddedRegions() }
        #expect(throws: ResidentRegionsError.self) { try batch.moved(to: .cuda(0)) }
    }

    @Test(
        "a feature that half precision cannot hold is an error with its image",
        arguments: [70_000, -Float.infinity])
    func tooLarge(value: Float) throws {
        let builder = try givenBuilder(
            [[[1, 2], [3, 4]], [[5, 6], [7, value]]], questions: ["what", "is"], images: [0, 1])
        let error = #expect(throws: ResidentRegionsError.self) { try load([builder]) }
        #expect(try #require(error).found == "\(value) in image 1")
    }

    @Test("a source that has more regions than it says is an error")
    func falseCount() throws {
        let builder = try givenBuilder(
            [[[1, 2], [3, 4]]], questions: ["what"], images: [0], statedCount: 1)
        #expect(throws: ResidentRegionsError.self) { try load([builder]) }
    }

    @Test("features of another width are an error with the picture")
    func otherWidth() throws {
        let builder = try givenBuilder([[[1, 2]]], questions: ["what"], images: [0], width: 3)
        #expect(throws: FeatureWidthError.self) { try load([builder]) }
    }

    @Test("builders that look for other regions, or other images, are refused")
    func otherForm() throws {
        let rows: [[[Float]]] = [[[1, 2]], [[3, 4]]]
        let builder = try givenBuilder(rows, questions: ["what"], images: [0])
        let fewer = try givenBuilder(rows, questions: ["what"], images: [0], maximumRegions: 7)
        let regions = try load([builder])
        #expect(throws: ResidentRegionsError.self) { try ResidentRegions.Plan([builder, fewer]) }
        #expect(throws: ResidentRegionsError.self) { try ResidentRegions.Plan([]) }
        #expect(throws: ResidentRegionsError.self) { try fewer.using(regions) }
        let error = #expect(throws: ResidentRegionsError.self) {
            try givenBuilder(rows, questions: ["what"], images: [1]).using(regions)
        }
        #expect(try #require(error).found == "none of image 1")
    }

    @Test("the official files and a store tell how many regions an image has")
    func counts() throws {
        let folder = Fixtures.url("mini/datasets/coco_extract/val2014").path
        let temporary = try TemporaryFolder()
        let sources: [any FeatureSource] = [
            try FeatureFolder([folder]), try packedStore([folder], in: temporary, as: .float32),
        ]
        for source in sources + [CombinedFeatures(sources)] {
            for image in try FeatureFolder([folder]).imageIDs {
                #expect(try source.regionCount(of: image) == source.features(for: image).count)
            }
            #expect(throws: (any Error).self) { try source.regionCount(of: ImageID(rawValue: 5)) }
        }
    }

    @Test("regions on a GPU are those on the CPU", .enabled(if: GPU.isThere, GPU.isMissing))
    func onGPU() throws {
        let rows: [[[Float]]] = [[[1, 2], [0, 0], [3, 4]], [], [[7, 8]]]
        var builder = try givenBuilder(rows, questions: ["what", "is", "this"], images: [0, 1, 2])
        builder.shapes = try BatchShapes(
            questions: 3, regionStep: 8, wordStep: 4, maximumRegions: 100, maximumWords: 3)
        builder.isPinned = true
        let plan = try ResidentRegions.Plan([builder])
        let regions = try #require(try plan.load(on: .best, computingType: .float16))
        let batch = try builder.using(regions).batch(rows: [2, 0, 1]).moved(to: .best)
        let expected = try builder.batch(rows: [2, 0, 1])
        #expect(try batch.regions.device == .best)
        #expect(try batch.regions.dtype == .float16)
        #expect(
            try batch.regions.converted(to: .float32).array(of: Float.self)
                == expected.regions.array(of: Float.self))
        #expect(try batch.boxes.array(of: Float.self) == expected.boxes.array(of: Float.self))
    }
}
