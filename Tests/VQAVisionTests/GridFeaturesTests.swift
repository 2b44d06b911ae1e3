import Testing
import Torch
@testable import VQAVision

private typealias Stage = EfficientNetLite0.Stage

/// A picture with another colour at every place.
func gradientPicture(width: Int, height: Int, blue: UInt8 = 0) throws -> Picture {
    var pixels: [UInt8] = []
    for row in 0..<height {
        for column in 0..<width {
            pixels += [UInt8(column * 255 / width), UInt8(row * 255 / height), blue]
        }
    }
    return try Picture(width: width, height: height, pixels: pixels)
}

@Suite struct GridFeaturesTests {
    @Test("a region is a cell of the joined maps, row by row, channel by channel")
    func regionsAreCells() throws {
        let network = try untrainedNetwork()
        let stages = try [Stage(block: 10), Stage(block: 7)]
        let extractor = try GridFeatures(network: network, stages: stages, inputSize: 48)
        #expect(extractor.gridSize == 3)
        #expect(extractor.width == 192)
        let picture = try gradientPicture(width: 48, height: 48)
        let features = try #require(try extractor([picture]).first)
        #expect(features.count == 9)

        let pixels = try Tensor(picture.pixels, shape: [1, 48, 48, 3]).permuted([0, 3, 1, 2])
        let maps = try network.featureMaps(of: EfficientNetLite0.normalized(pixels), after: stages)
        for (row, column) in [(0, 0), (0, 2), (1, 0), (2, 1)] {
            let cell = try maps.flatMap {
                try $0[0, .all, .position(row), .position(column)].array(of: Float.self)
            }
            let start = (row * 3 + column) * 192
            let differences = zip(features.features[start..<start + 192], cell).map { abs($0 - $1) }
            #expect(differences.count == 192)
            #expect(differences.allSatisfy { $0 < 1e-4 })
        }
    }

    @Test("boxes are the cells' parts of the picture in its own pixels")
    func boxes() throws {
        let extractor = try GridFeatures(
            network: untrainedNetwork(), stages: [Stage(block: 7)], inputSize: 32)
        let features = try #require(try extractor([gradientPicture(width: 100, height: 30)]).first)
        #expect(features.imageWidth == 100)
        #expect(features.imageHeight == 30)
        #expect(features.boxes == [0, 0, 50, 15, 50, 0, 100, 15, 0, 15, 50, 30, 50, 15, 100, 30])
    }

    @Test("pictures of any size are brought to the network's, and keep their order")
    func batch() throws {
        let extractor = try GridFeatures(network: untrainedNetwork(), stages: [.head], inputSize: 32)
        let pictures = try [
            gradientPicture(width: 32, height: 32), gradientPicture(width: 80, height: 50, blue: 255),
            gradientPicture(width: 5, height: 3, blue: 90),
        ]
        let together = try extractor(pictures)
        #expect(together.count == 3)
        for (picture, features) in zip(pictures, together) {
            let resized = try picture.resized(width: 32, height: 32)
            let alone = try #require(try extractor([resized]).first)
            #expect(features.features.count == 1280)
            #expect(features.features == alone.features)
            #expect(features.imageWidth == picture.width)
        }
        #expect(try extractor([Picture]()).isEmpty)
    }

    @Test(
        "a picture's features are the same to the bit with other pictures beside it and with any number of threads",
        .serialized, arguments: [1, 2, 3])
    func sameBits(threadCount: Int) throws {
        let extractor = try GridFeatures(
            network: untrainedNetwork(), stages: [Stage(block: 10), Stage(block: 7)], inputSize: 64)
        let pictures = try (0..<34).map {
            try gradientPicture(width: 60 + $0, height: 50, blue: UInt8(7 * $0))
        }
        let expected = try pictures.map { try #require(try extractor([$0]).first) }
        let earlier = TorchRuntime.threadCount
        TorchRuntime.threadCount = threadCount
        defer { TorchRuntime.threadCount = earlier }
        for count in [1, 2, 17, 34] {
            #expect(try extractor(Array(pictures.prefix(count))) == Array(expected.prefix(count)))
        }
        #expect(try extractor(pictures.reversed()) == expected.reversed())
        #expect(TorchRuntime.threadCount == threadCount)
    }

    @Test("stages that make no grid together, and impossible sizes, are refused")
    func refusals() throws {
        let network = try untrainedNetwork()
        let seven = try Stage(block: 7)
        func refusal(_ stages: [Stage], _ inputSize: Int) throws -> GridFeaturesError? {
            #expect(throws: GridFeaturesError.self) {
                try GridFeatures(network: network, stages: stages, inputSize: inputSize)
            }
        }
        #expect(try refusal([seven], 0) == .inputSize(0))
        #expect(try refusal([seven], .max) == .inputSize(.max))
        #expect(try refusal([], 64) == .stages([]))
        #expect(try refusal([seven, seven], 64) == .stages([seven, seven]))
        let error = try refusal([seven, .head], 64)
        #expect(
            error?.description == "grid features: expected stages of one grid, found block 7 with a cell "
                + "every 16 pixels and head with one every 32")
    }

    @Test("an input made for another size is refused")
    func otherInput() throws {
        let extractor = try GridFeatures(network: untrainedNetwork(), stages: [.head], inputSize: 32)
        let input = try GridFeatures.Input(gradientPicture(width: 9, height: 9), size: 64)
        #expect(throws: GridFeaturesError.otherInputSize(expected: 32, found: 64)) {
            try extractor.features(of: [input])
        }
    }
}
