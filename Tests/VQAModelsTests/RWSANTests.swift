import Testing
import Torch
import VQABatches
import VQADatasets
import VQAFeatures
@testable import VQAModels

/// The network: its parameters, and what it makes of batches of every form.
@Suite struct RWSANTests {
    @Test("at the official sizes there are 19,540,439 parameters under the official names")
    func officialParameters() throws {
        let model = try RWSAN(RWSANOptions(), inputs: ModelInputs(wordCount: 20_573, answerCount: 3_129))
        let parameters = model.namedParameters()
        #expect(parameters.reduce(0) { $0 + $1.tensor.count } == 19_540_439)
        #expect(Set(parameters.map(\.name)) == Self.officialNames)
        #expect(parameters.count == Self.officialNames.count)

        let shapes = Dictionary(uniqueKeysWithValues: parameters.map { ($0.name, $0.tensor.shape) })
        #expect(shapes["embedding.weight"] == [20_573, 300])
        #expect(shapes["lstm.weight_ih_l0"] == [2048, 300])
        #expect(shapes["RWSA_layer.sgrwsa.dec1.mhatt2.linear_k.weight"] == [256, 512])
        #expect(shapes["RWSA_layer.srwsa.denceenc1.mhatt.linear_q.weight"] == [16, 512])
        #expect(shapes["attflat_img.mlp.linear.weight"] == [1, 256])
        #expect(shapes["proj.weight"] == [3_129, 1024])
    }

    private static let officialNames: Set<String> = {
        func linear(_ prefix: String, _ names: String...) -> [String] {
            names.flatMap { ["\(prefix)\($0).weight", "\(prefix)\($0).bias"] }
        }
        func norm(_ names: String...) -> [String] { names.flatMap { ["\($0).a_2", "\($0).b_2"] } }
        func attention(_ prefix: String) -> [String] {
            linear(prefix + ".", "linear_v", "linear_k", "linear_q", "linear_merge")
        }
        let (enc, dec) = ("RWSA_layer.srwsa.denceenc1", "RWSA_layer.sgrwsa.dec1")
        var names = ["embedding.weight"]
        names += ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"].map { "lstm." + $0 }
        names += linear("", "img_feat_linear", "proj") + norm("proj_norm")
        names += attention(enc + ".mhatt") + linear(enc + ".ffn.mlp.", "fc.linear", "linear")
        names += norm(enc + ".norm1", enc + ".norm2", "RWSA_layer.srwsa.norm1", "RWSA_layer.srwsa.norm2")
        names += attention(dec + ".mhatt1") + attention(dec + ".mhatt2")
        names += linear(dec + ".ffn.mlp.", "fc.linear", "linear")
        names += norm(dec + ".norm1", dec + ".norm2", dec + ".norm3")
        names += norm("RWSA_layer.sgrwsa.norm1", "RWSA_layer.sgrwsa.norm3")
        for pooling in ["attflat_img.", "attflat_lang."] {
            names += linear(pooling, "mlp.fc.linear", "mlp.linear", "linear_merge")
        }
        return Set(names)
    }()

    /// A small network in inference.
    private func smallModel() throws -> any VQAModel {
        TorchRuntime.seed(3)
        var options = RWSANOptions()
        options.hiddenSize = 32
        options.wordEmbedSize = 20
        options.flatMlpSize = 16
        options.flatOutSize = 24
        let model = try RWSAN(options, inputs: ModelInputs(wordCount: 50, answerCount: 7, regionWidth: 12))
        model.setTraining(false)
        return model
    }

    /// Pictures with these many regions and questions with these many words, each made from its number.
    private func builder(regions: [Int], words: [Int]) throws -> BatchBuilder {
        let questions = zip(regions, words).enumerated().map { index, counts in
            Question(
                id: QuestionID(rawValue: Int64(index)), imageID: ImageID(rawValue: Int64(index)),
                text: (0..<counts.1).map { "w\((index * 5 + $0 * 3) % 48)" }.joined(separator: " "))
        }
        let table = try QuestionTable(questions)
        let vocabulary = try Vocabulary(words: ["PAD", "UNK"] + (0..<48).map { "w\($0)" })
        return try BatchBuilder(
            examples: Examples(questions: table, vocabulary: vocabulary, maximumWords: 6),
            features: MadeFeatures(regionCounts: regions), answerCount: 7, featureWidth: 12,
            maximumRegions: 40, maximumWords: 6)
    }

    @Test("a question's logits do not depend on the questions beside it, however long those are")
    func batchOfOneAndOfMany() throws {
        let model = try smallModel()
        let builder = try builder(regions: [3, 40, 1, 0, 17, 9], words: [5, 1, 6, 3, 0, 2])
        let together = try withoutGradients { try model(builder.batch(rows: 0..<6)) }
        #expect(together.shape == [6, 7])
        for row in 0..<6 {
            let alone = try withoutGradients { try model(builder.batch(rows: row..<row + 1)) }
            let difference = try (alone[0] - together[.position(row)]).absolute().maximum().item()
            #expect(difference < 1e-5, "question \(row)")
        }
    }

    @Test("a question without a word and a picture without a region give finite logits and gradients")
    func nothingToLookAt() throws {
        let model = try smallModel()
        let builder = try builder(regions: [0, 0, 4], words: [0, 3, 0])
        let logits = try model(builder.batch(rows: 0..<3))
        #expect(try logits.isFinite().all().item() == 1)
        try logits.sum().backward()
        for (name, parameter) in model.namedParameters() {
            let gradient = try #require(parameter.gradient, "\(name)")
            #expect(try gradient.isFinite().all().item() == 1, "\(name)")
        }
    }
}

/// Features that are made from the picture's number and the region's.
private struct MadeFeatures: FeatureSource {
    let regionCounts: [Int]
    let place = "made"

    func contains(_ image: ImageID) -> Bool { true }

    func features(for image: ImageID) throws -> RegionFeatures {
        let count = regionCounts[Int(image.rawValue)]
        let values = (0..<count * 12).map { Float(($0 * 7 + Int(image.rawValue) * 3) % 11) * 0.3 - 1 }
        return try RegionFeatures(
            width: 12, features: values, boxes: Array(repeating: 1, count: count * 4), imageHeight: 10,
            imageWidth: 10)
    }
}
