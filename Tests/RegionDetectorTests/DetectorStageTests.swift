import TestSupport
import Testing
import Torch
import VQAVision

@testable import RegionDetector

/// Single stages, each given what was recorded of the one before.
struct DetectorStageTests {
    private let units: SafetensorsFile

    init() throws { units = try SafetensorsFile(path: Fixtures.url("detector/units.safetensors").path) }

    @Test("pictures are resized as OpenCV does it, by one scale", arguments: 0..<6)
    func resizing(index: Int) throws {
        let pixels = try units.tensor("resize.\(index).bgr")
        let sizes: [Double] = try units.tensor("resize.\(index).min_max_scale").array()
        let red = try pixels.flipped(axis: 2).contiguous().array(of: UInt8.self)
        let picture = try Picture(width: pixels.shape[1], height: pixels.shape[0], pixels: red)
        var settings = DetectorSettings()
        (settings.minimumSide, settings.maximumSide) = (Int(sizes[0]), Int(sizes[1]))
        let input = try DetectorInput(picture, settings)
        #expect(input.scale == sizes[2])
        try expectClose(input.tensor[0], units.tensor("resize.\(index).expected"), within: 3e-5, "resized")
    }

    @Test("blue comes first")
    func blueFirst() throws {
        let red = try Picture(
            width: 20, height: 20, pixels: Array(repeating: [255, 0, 0], count: 400).flatMap { $0 })
        let channels: [Float] = try DetectorInput(red, DetectorSettings()).tensor.mean(axes: [0, 2, 3])
            .array()
        #expect(
            zip(channels, [-102.9801, -115.9465, 255 - 122.7717]).allSatisfy { abs($0 - Float($1)) < 1e-3 })
    }

    @Test("anchors move and grow as recorded, growth within its limit")
    func decoding() throws {
        let moved = try Anchors.moved(units.tensor("decode.boxes"), by: units.tensor("decode.deltas"))
        let expected = try units.tensor("decode.expected")
        let relative = try (moved - expected) / (expected.absolute() + 1)
        try expectClose(relative, .zeros(expected.shape), within: 1e-6, "moved")
    }

    @Test("boxes are clipped, and small ones dropped")
    func filtering() throws {
        let sizes: [Float] = try units.tensor("filter.height_width_scale").array()
        let boxes = try Proposals.clipped(
            units.tensor("filter.boxes"), height: Int(sizes[0]), width: Int(sizes[1]))
        let places = try Proposals.placesOfLarge(boxes, scale: Double(sizes[2]))
        let scores = try units.tensor("filter.scores").gathered(places)
        let order = try Proposals.descending(scores)
        let (kept, keptScores) = (try boxes.gathered(places), scores)
        let expected = try units.tensor("filter.expected_boxes")
        let isSorted =
            try expected.shape == kept.shape
            && !(kept.gathered(order)[0].equals(expected[0]).all().item() == 0)
        try expectClose(isSorted ? kept.gathered(order) : kept, expected, within: 0, "kept")
        try expectClose(
            isSorted ? keptScores.gathered(order) : keptScores, units.tensor("filter.expected_scores"),
            within: 0,
            "scores")
    }

    @Test(
        "a box is removed that overlaps a better one by the threshold or more",
        arguments: ["0.3", "0.5", "0.7"])
    func suppression(threshold: String) throws {
        let order = try Proposals.descending(units.tensor("nms.scores"))
        let sorted = try units.tensor("nms.boxes").gathered(order)
        let kept = try Operator("rwsan::suppress_overlaps").tensor(
            .tensor(sorted), .double(try #require(Double(threshold))), 1000)
        let places: [Int64] = try order.gathered(kept).array()
        #expect(places.sorted() == (try units.tensor("nms.expected_\(threshold)").array()))
    }

    @Test("maxima over the cells of regions, off the map and inverted ones too")
    func pooling() throws {
        let cells = try units.tensor("roi_pool.feature")[0].permuted([1, 2, 0]).contiguous()
        let boxes = try units.tensor("roi_pool.boxes")
        let expected = try units.tensor("roi_pool.expected")
        try expectClose(pooledRegions(cells, boxes, interleaved: false), expected, within: 0, "pooled")

        let apart: [Float] = try pooledRegions(cells, boxes, interleaved: true).contiguous().array()
        let (count, channels) = (expected.shape[0], expected.shape[1])
        let together: [Float] = try expected.array()
        for region in 0..<count {
            for place in 0..<channels * 196 {
                let (channel, y, x) = (place / 196, place % 196 / 14, place % 14)
                let picture = region * 4 + y % 2 * 2 + x % 2
                #expect(
                    apart[(picture * channels + channel) * 49 + y / 2 * 7 + x / 2]
                        == together[region * channels * 196 + place])
            }
        }
    }

    @Test("the chosen are in the order of the proposals where they are enough, else best first")
    func choice() throws {
        let scale: [Double] = try units.tensor("choose.scale").array()
        let boxes = try units.tensor("choose.boxes") / scale[0]
        let confidences = try RegionChoice.bestConfidence(boxes, units.tensor("choose.class_scores"))
        #expect(confidences == (try units.tensor("choose.best_conf").array()))
        for (name, count) in [
            ("10_100", (10, 100)), ("30_35", (30, 35)), ("36_36", (36, 36)), ("3_8", (3, 8)),
        ] {
            let rows = RegionChoice.rows(confidences, try RegionCount(minimum: count.0, maximum: count.1))
            let places = try Tensor(rows.map { Int64($0) }, shape: [rows.count])
            try expectClose(
                units.tensor("choose.features").gathered(places), units.tensor("choose.\(name).x"), within: 0,
                name)
            try expectClose(boxes.gathered(places), units.tensor("choose.\(name).bbox"), within: 0, name)
        }
    }

    @Test("proposals come of recorded scores and deltas at the released sizes")
    func proposals() throws {
        let recorded = try #require(RecordedCase.fullSize.first { $0.name == "c_wide@600" })
        let tensors = try recorded.tensors()
        let input = try DetectorInput(recorded.loadPicture(), recorded.detectorSettings)
        let proposals = try Proposals(
            objectness: tensors.tensor("objectness"), deltas: tensors.tensor("deltas"), grid: (20, 63),
            of: input,
            recorded.detectorSettings)
        try expectClose(proposals.boxes, tensors.tensor("proposals"), within: 1e-2, "proposals")
        try expectClose(proposals.scores, tensors.tensor("proposal_scores"), within: 0, "scores")
    }

    @Test("numbers of regions are read", arguments: [("36", 36, 36), ("10-100", 10, 100), ("1-300", 1, 300)])
    func regionCounts(text: String, minimum: Int, maximum: Int) throws {
        let count = try RegionCount(parsing: text)
        #expect(count.minimum == minimum && count.maximum == maximum && count.description == text)
    }

    @Test(
        "other numbers of regions are refused",
        arguments: ["", "0", "-", "10-", "100-10", "301", "1-2-3", "x", "+-3"])
    func refusedCounts(text: String) {
        #expect(throws: RegionCountError(found: text)) { try RegionCount(parsing: text) }
    }

    @Test(
        "a picture of 16 pixels has no region, and one of a pixel's height no cell, which is said by its name"
    )
    func smallPictures() throws {
        let detector = try RegionDetector(Detectors.weights())
        func detect(_ width: Int, _ height: Int) throws -> DetectedRegions {
            let pixels = [UInt8](repeating: 90, count: width * height * 3)
            return try detector.detect(
                in: Picture(width: width, height: height, pixels: pixels), named: "a.png")
        }
        #expect(throws: PictureError.noRegions("a.png", width: 16, height: 16)) { try detect(16, 16) }
        #expect(throws: PictureError.tooThin("a.png", width: 2000, height: 1)) { try detect(2000, 1) }
        #expect(try detect(17, 17).features.count == 1)
    }
}
