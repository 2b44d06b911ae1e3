import Foundation
import TestSupport
import Testing
import Torch
import VQADatasets
import VQAFeatures
import VQAModels
import VQASettings
import VQATraining
import VQAVision

@testable import VisualQuestionAnswering

/// What answers rest on: of each model, its attention and what is left out.
@Suite(.serialized) struct ExplainingTests {
    /// A model of the fixtures with an image for it.
    struct Asked {
        let answerer: Answerer
        let regions: RegionFeatures
        let question: String
    }

    enum Model: String, CaseIterable {
        case rwsan, mcan, vilt, lxmert
    }

    private static func answerer(_ change: @escaping (inout Configuration) throws -> Void) throws -> Answerer
    {
        var options = Answerer.Options()
        options.device = .cpu
        options.place = .folder(MiniRun.datasets.path)
        options.answerFile = MiniRun.answers.path
        options.changeSettings = change
        return try Answerer(checkpoint: MiniRun.checkpoint(5).path, options)
    }

    private static func published(_ folder: String) throws -> Answerer {
        var options = Answerer.Options()
        options.device = .cpu
        return try Answerer(publishedModel: Fixtures.url("hub/\(folder)").path, options)
    }

    /// Regions of made-up features.
    private static func regions(_ count: Int, width: Int) throws -> RegionFeatures {
        TorchRuntime.seed(11)
        let boxes = (0..<count).flatMap { region -> [Float] in [Float(region), 2, Float(region) + 30, 40] }
        return try RegionFeatures(
            width: width, features: Tensor.uniform([count * width], in: 0...4).array(of: Float.self),
            boxes: boxes,
            imageHeight: 60, imageWidth: count + 40)
    }

    static func asked(_ model: Model) throws -> Asked {
        switch model {
        case .rwsan:
            let answerer = try answerer { configuration in
                for (key, text) in MiniRun.settings {
                    try configuration.set(key, to: SettingValue(parsing: text))
                }
            }
            let file = MiniRun.datasets.appending(
                path: "coco_extract/val2014/COCO_val2014_000000061982.jpg.npz")
            return Asked(
                answerer: answerer, regions: try RegionFeatures(officialFile: file.path),
                question: "Is the man's hat red-blue?")
        case .mcan:
            let zoo = try ZooDataset("mcan_vqa_boxes")
            return Asked(
                answerer: try Answerer(checkpoint: zoo.checkpoint, zoo.options("mcan_small")),
                regions: try regions(7, width: zoo.sizes.width), question: "w5 w9 w12 w7?")
        case .vilt:
            let answerer = try published("vilt")
            let picture = Fixtures.url("hub/pictures/a_landscape.png")
            return Asked(
                answerer: answerer, regions: try answerer.regions(ofPictureIn: picture),
                question: "Is the cat's colour unaffable?")
        case .lxmert:
            return Asked(
                answerer: try published("lxmert"), regions: try regions(12, width: 24),
                question: "Is the cat's colour unaffable?")
        }
    }

    /// The logit of an answer, asked alone.
    private func logit(_ answer: String, _ question: String, _ regions: RegionFeatures, _ answerer: Answerer)
        throws
        -> Double
    {
        let index = try #require(answerer.answers.answers.firstIndex(of: answer))
        return try withoutGradients {
            let batch = try answerer.builder(of: [question], about: regions).batch(rows: 0..<1)
            return try answerer.logits(of: batch)[0, .position(index)].item()
        }
    }

    @Test("attention gives every region and every word a share", arguments: Model.allCases)
    func attention(model: Model) throws {
        let asked = try Self.asked(model)
        let choices: [AttentionChoice] = [.output, .layer(1), .layer(1, head: 2)]
        var seen: Set<[Double]> = []
        for choice in choices {
            let found = try asked.answerer.explain(
                asked.question, about: asked.regions, by: .attention, attention: choice, top: 2)
            #expect(
                found.answers == (try asked.answerer.ask([asked.question], about: asked.regions, top: 2)[0]))
            #expect(found.method == .attention)
            #expect(found.regions.count == asked.regions.count)
            #expect(
                found.words.map(\.text).joined(separator: " ").filter { $0 != " " }
                    == asked.question.filter { $0 != " " })
            for weights in [found.regions, found.words.map(\.weight)] {
                #expect(abs(weights.reduce(0, +) - 1) < 1e-9)
                #expect(weights.allSatisfy { $0 >= 0 })
            }
            seen.insert(found.words.map(\.weight))
        }
        #expect(seen.count == choices.count)
    }

    @Test("occlusion is what asking again gives without a region, or a word", arguments: Model.allCases)
    func occlusion(model: Model) throws {
        let asked = try Self.asked(model)
        let (answerer, regions, question) = (asked.answerer, asked.regions, asked.question)
        let found = try answerer.explain(question, about: regions, by: .occlusion, top: 2)
        #expect(found.method == .occlusion)
        #expect(
            found.answers.map(\.text) == (try answerer.ask([question], about: regions, top: 2)[0].map(\.text))
        )
        let best = found.answers[0].text
        let whole = try logit(best, question, regions, answerer)
        #expect(found.regions.count == regions.count)
        for (region, weight) in found.regions.enumerated() {
            let kept = (0..<regions.count).filter { $0 != region }
            let without = try RegionFeatures(
                width: regions.width,
                features: kept.flatMap { regions.features[$0 * regions.width..<($0 + 1) * regions.width] },
                boxes: kept.flatMap { regions.boxes[$0 * 4..<$0 * 4 + 4] }, imageHeight: regions.imageHeight,
                imageWidth: regions.imageWidth)
            let fall = try whole - logit(best, question, without, answerer)
            #expect(abs(weight - fall) < 1e-5, "region \(region)")
        }
        #expect(found.regions.contains { abs($0) > 1e-4 })
        // The words are written with a space between, so that a question without one is made of the others.
        var rest = Substring(question)
        for word in found.words {
            let place = try #require(rest.range(of: word.text))
            rest = rest[place.upperBound...]
            var without = question
            without.removeSubrange(place)
            let fall = try whole - logit(best, without, regions, answerer)
            #expect(abs(word.weight - fall) < 1e-5, "\(word.text)")
        }
        #expect(found.words.contains { abs($0.weight) > 1e-4 })
    }

    @Test("more regions than a batch holds are left out one by one all the same")
    func manyBatches() throws {
        let answerer = try Self.answerer { configuration in
            for (key, text) in MiniRun.settings {
                try configuration.set(key, to: SettingValue(parsing: text))
            }
            try configuration.set("img_feat_pad_size", to: 90)
        }
        // 93 questions of 90 regions are more than 4,096; two regions are not read.
        let regions = try Self.regions(92, width: 24)
        let found = try answerer.explain("is it red?", about: regions, by: .occlusion)
        let best = found.answers[0].text
        let whole = try logit(best, "is it red?", regions, answerer)
        for region in [0, 45, 89, 90, 91] {
            let fall = try whole - logit(best, "is it red?", regions.removing(region), answerer)
            #expect(abs(found.regions[region] - fall) < 1e-5, "region \(region)")
        }
        #expect(found.regions[90...] == [0, 0] && found.regions[89] != 0)
        let attended = try answerer.explain("is it red?", about: regions, by: .attention)
        #expect(attended.regions[90...] == [0, 0] && attended.regions[89] > 0)
    }

    @Test("regions of zeros have no weight, and the others share what there is")
    func zeros() throws {
        let answerer = try Self.asked(.rwsan).answerer
        let some = try Self.regions(4, width: 24)
        var features = some.features
        for place in 24..<48 { features[place] = 0 }
        let regions = try RegionFeatures(
            width: 24, features: features, boxes: some.boxes, imageHeight: 60, imageWidth: 44)
        let attended = try answerer.explain("is it red?", about: regions, by: .attention).regions
        #expect(attended[1] == 0 && abs(attended.reduce(0, +) - 1) < 1e-9)
        let kept = try answerer.explain("is it red?", about: regions.removing(1), by: .attention).regions
        for (found, expected) in zip([attended[0], attended[2], attended[3]], kept) {
            #expect(abs(found - expected) < 1e-6)
        }
        #expect(try answerer.explain("is it red?", about: regions, by: .occlusion).regions[1] == 0)
    }

    @Test(
        "without its only region an image is one of zeros, and without its only word a question is empty",
        arguments: Model.allCases)
    func nothingLeft(model: Model) throws {
        let asked = try Self.asked(model)
        let (answerer, width) = (asked.answerer, asked.regions.width)
        let one = try RegionFeatures(
            width: width, features: Array(asked.regions.features.prefix(width)), boxes: [0, 0, 8, 8],
            imageHeight: 8,
            imageWidth: 8)
        let none = try RegionFeatures(width: width, features: [], boxes: [], imageHeight: 8, imageWidth: 8)
        let found = try answerer.explain("colour", about: one, by: .occlusion)
        let best = found.answers[0].text
        let whole = try logit(best, "colour", one, answerer)
        #expect(abs(try found.regions[0] - (whole - logit(best, "colour", none, answerer))) < 1e-5)
        #expect(abs(try found.words[0].weight - (whole - logit(best, "", one, answerer))) < 1e-5)
        let attended = try answerer.explain("colour", about: one, by: .attention)
        #expect(attended.regions == [1] && attended.words == [WordWeight(text: "colour", weight: 1)])
        let nothing = try answerer.explain("", about: none, by: .attention)
        #expect(nothing.regions.isEmpty && nothing.words.isEmpty && !nothing.answers.isEmpty)
    }

    @Test("several questions about an image are explained as each alone")
    func several() throws {
        let asked = try Self.asked(.rwsan)
        let questions = ["is it red?", asked.question, "how many dogs are on the left?"]
        for method in ExplanationMethod.allCases {
            let together = try asked.answerer.explain(questions, about: asked.regions, by: method)
            #expect(together.count == 3)
            for (question, found) in zip(questions, together) {
                let alone = try asked.answerer.explain(question, about: asked.regions, by: method)
                #expect(found.answers.map(\.text) == alone.answers.map(\.text))
                for (one, other) in zip(
                    found.regions + found.words.map(\.weight), alone.regions + alone.words.map(\.weight))
                {
                    #expect(abs(one - other) < 1e-5)
                }
            }
        }
        #expect(try asked.answerer.explain([], about: asked.regions, by: .attention).isEmpty)
    }

    @Test("a model of somebody's own without attention says so and names occlusion, which works")
    func ownModel() throws {
        let folder = try TemporaryFolder()
        let answerer = try BlindModel.answerer(folder)
        let regions = try Self.regions(3, width: 4)
        let error = #expect(throws: AttentionError.self) {
            try answerer.explain("what is it?", about: regions, by: .attention)
        }
        #expect(
            try #require(error).description
                == "BlindModel gives no attention: expected occlusion, which works with every model")
        let found = try answerer.explain("what is it?", about: regions, by: .occlusion)
        #expect(found.regions.count == 3 && found.regions.contains { $0 != 0 })
        // It looks at no word.
        #expect(found.words.map(\.weight) == [0, 0, 0])
    }

    @Test("what is given for attention by a model of somebody's own is looked at first")
    func unfitAttention() throws {
        let folder = try TemporaryFolder()
        let answerer = try BlindModel.answerer(folder)
        let regions = try Self.regions(3, width: 4)
        for (weights, text) in [
            (BlindModel.Weights.few, "expected a weight for each of 3 regions, found 2"),
            (.negative, "expected weights of regions from 0 on, found -1.0"),
            (.notANumber, "expected weights of regions from 0 on, found nan"),
        ] {
            (answerer.model as? BlindModel)?.weights = weights
            let error = #expect(throws: AttentionError.self) {
                try answerer.explain("what is it?", about: regions, by: .attention)
            }
            #expect(try #require(error).description == "the attention of BlindModel: \(text)")
        }
        // Weights without a sum are shared alike.
        (answerer.model as? BlindModel)?.weights = .nothing
        let found = try answerer.explain("what is it?", about: regions, by: .attention)
        #expect(found.regions == [Double](repeating: 1 / Double(3), count: 3))
    }

    @Test("an explanation is written with answers, method, and weights of regions and words")
    func json() throws {
        let asked = try Self.asked(.rwsan)
        let found = try asked.answerer.explain("is it red?", about: asked.regions, by: .attention, top: 2)
        let object = try #require(
            JSONSerialization.jsonObject(with: JSONEncoder().encode(found)) as? [String: Any])
        #expect(object.keys.sorted() == ["answers", "method", "regions", "words"])
        #expect(object["method"] as? String == "attention")
        #expect((object["regions"] as? [Double])?.count == asked.regions.count)
        let words = try #require(object["words"] as? [[String: Any]])
        #expect(words.compactMap { $0["text"] as? String } == ["is", "it", "red?"])
        #expect(
            zip(words, found.words).allSatisfy { abs(($0["weight"] as? Double ?? 9) - $1.weight) < 1e-12 })
        let answers = try #require(object["answers"] as? [[String: Any]])
        #expect(answers.compactMap { $0["answer"] as? String } == found.answers.map(\.text))
    }

    @Test("a program draws what an answer rests on over the picture")
    func drawing() throws {
        let asked = try Self.asked(.vilt)
        let picture = try Picture(contentsOf: Fixtures.url("hub/pictures/a_landscape.png"))
        let explanation = try asked.answerer.explain(asked.question, about: asked.regions, by: .occlusion)
        let image = ExplainedImage("a picture", asked.regions, [asked.question], [explanation])
        let drawing = try image.drawing()
        let drawn = try Picture(decoding: drawing.png(over: picture), named: "the drawing")
        #expect(drawn.width >= 480 && drawn.height > picture.height)
        // Without a picture its place is empty.
        #expect(try Picture(decoding: drawing.png(over: nil), named: "the drawing") != drawn)
        #expect(try drawing.html(over: nil, title: image.picture).contains("<title>a picture</title>"))
    }
}

/// A model of somebody's own: the mean of the regions, in a layer.
private final class BlindModel: Module, VQAModel {
    struct Options: SettingsGroup {
        var scale = 1.0
        static let settings: [Setting<Self>] = [.number("blind_scale", \.scale, in: 0..<2, "A scale.")]
    }

    enum Weights {
        case none, few, negative, notANumber, nothing
    }

    static let presets = [
        ModelPreset("blind", "A model of a test.", settings: ["img_feat_size": 4])
    ]

    let output: Linear
    var weights = Weights.none

    init(_ options: Options, inputs: ModelInputs) throws { output = try Linear(4, inputs.answerCount) }

    func callAsFunction(_ batch: Batch) throws -> Tensor {
        let counts = try Tensor(batch.regionSegments.lengths.map(Float.init), shape: [batch.count, 1])
        return try output(batch.paddedRegions().sum(axes: [1]) / counts)
    }

    func attention(_ batch: Batch, _ choice: AttentionChoice) throws -> BatchAttention? {
        let words = try Tensor.ones([batch.wordSegments.rowCount])
        let regions: [Float]
        switch weights {
        case .none: return nil
        case .few: regions = [1, 1]
        case .negative: regions = [1, -1, 1]
        case .notANumber: regions = [1, .nan, 1]
        case .nothing: regions = [0, 0, 0]
        }
        return BatchAttention(logits: try self(batch), words: words, regions: try Tensor(regions))
    }

    static func answerer(_ folder: TemporaryFolder) throws -> Answerer {
        let models = ModelRegistry([BlindModel.self])
        var configuration = try Configuration(models: models, datasets: .standard)
        try configuration.set("model", to: "blind")
        TorchRuntime.seed(2)
        let network = try configuration.model.make(configuration.inputs(words: 3, answers: 3))
        var checkpoint = Checkpoint(weights: try network.state())
        checkpoint.settings = configuration.dictionary
        checkpoint.vocabulary = try Vocabulary(words: ["PAD", "UNK", "what"])
        checkpoint.answers = try AnswerList(answers: ["yes", "no", "two"])
        try checkpoint.write(to: folder.file("own.safetensors"))
        var options = Answerer.Options()
        (options.models, options.device) = (models, .cpu)
        return try Answerer(checkpoint: folder.file("own.safetensors"), options)
    }
}
