import ArgumentParser
import Foundation
import Torch
import VQABatches
import VQADatasets
import VQAFeatures
import VQATraining
import VQAVision

struct AskCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ask", abstract: "Ask a model questions about a picture.",
        discussion: """
            A checkpoint trained on features that `rwsan extract` made knows how to make them of --picture. For \
            one trained on other features, --features names the picture's .npz file. With --data, the questions \
            are drawn from a dataset's val questions, and the people's answer is shown beside the model's.
            """)

    @Option(help: "A checkpoint of ours.") var checkpoint: String
    @Option(help: "A picture.") var picture: String?
    @Option(help: "The picture's features, an .npz file in the official form.") var features: String?
    @Option(name: .customLong("question"), parsing: .upToNextOption, help: "One or more questions.")
    var questions: [String] = []
    @Option(help: "A datasets folder with pictures in images/val2014, to draw questions from.") var data:
        String?
    @Option(help: "How many questions are drawn.") var sample = 5
    @Option(help: "Draws the same questions again.") var seed: UInt64?
    @Option(help: "How many answers are shown.") var top = 3
    @Option(help: "EfficientNet-Lite0's weights; else they are fetched.") var weights: String?
    @OptionGroup var device: DeviceOption
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        guard [picture, features, data].compactMap({ $0 }).count == 1 else {
            throw ValidationError("expected one of --picture, --features and --data")
        }
        guard data != nil || !questions.isEmpty else { throw ValidationError("expected --question") }
        guard data == nil || questions.isEmpty else {
            throw ValidationError("--data brings its own questions")
        }
        guard top > 0 else { throw ValidationError("--top: expected a number from 1 on, found \(top)") }
        guard sample > 0 else {
            throw ValidationError("--sample: expected a number from 1 on, found \(sample)")
        }
        for question in questions where QuestionTokenizer.words(in: question).isEmpty {
            throw ValidationError(
                "--question: expected a question, found '\(question)', which has no word in it")
        }
    }

    func run() throws {
        let device = try device.resolve()
        let inquiries = try inquiries()
        let loaded = try LoadedModel(checkpoint, device: device, precision: .float32)
        var look = PictureLook(
            checkpoint: checkpoint, recipe: loaded.featureRecipe, weights: weights, device: device)
        for inquiry in inquiries {
            let reply = try reply(to: inquiry, look.features(of: inquiry), loaded, device)
            if json { try Console.result(json: reply) } else { try reply.show() }
        }
    }

    private func inquiries() throws -> [Inquiry] {
        if let data {
            return try Inquiry.sample(
                sample, of: OfficialDataset(URL(fileURLWithPath: data)), seed: seed ?? .random(in: 0 ... .max)
            )
        }
        return questions.map {
            Inquiry(picture: picture ?? features ?? "", isFeatures: features != nil, question: $0, truth: nil)
        }
    }

    private func reply(
        to inquiry: Inquiry, _ regions: RegionFeatures, _ loaded: LoadedModel, _ device: Device
    )
        throws -> Reply
    {
        let image = ImageID(rawValue: 0)
        let question = Question(id: QuestionID(rawValue: 0), imageID: image, text: inquiry.question)
        let configuration = loaded.configuration
        let builder = try BatchBuilder(
            examples: Examples(
                questions: QuestionTable([question]), vocabulary: loaded.vocabulary,
                maximumWords: configuration.maxToken),
            features: OnePicture(place: inquiry.picture, image: image, regions: regions),
            answerCount: loaded.answers.count,
            featureWidth: configuration.imgFeatSize, maximumRegions: configuration.imgFeatPadSize,
            maximumWords: configuration.maxToken)
        let scores = try withoutGradients {
            try loaded.model(builder.batch(rows: 0..<1).moved(to: device)).sigmoid()
        }
        let best = try scores[0].largest(min(top, loaded.answers.count))
        let answers = zip(try best.positions.array(of: Int64.self), try best.values.array(of: Float.self))
        return Reply(
            picture: inquiry.picture, question: inquiry.question,
            answers: answers.map {
                .init(answer: loaded.answers[AnswerIndex(rawValue: Int32($0))], score: Double($1))
            },
            truth: inquiry.truth,
            unknownWords: QuestionTokenizer.words(in: inquiry.question).filter {
                loaded.vocabulary.number(of: $0) == nil
            })
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
    let truth: String?
    let unknownWords: [String]

    func show() throws {
        try Console.result("\(picture): \(question)")
        for answer in answers { try Console.result("  \(decimal(answer.score, 3))  \(answer.answer)") }
        if let truth { try Console.result("  people say: \(truth)") }
        guard !unknownWords.isEmpty else { return }
        Console.note("  the model does not know: \(unknownWords.joined(separator: ", "))")
    }
}

/// The features of the one picture that is asked about.
private struct OnePicture: FeatureSource {
    let place: String
    let image: ImageID
    let regions: RegionFeatures

    func contains(_ image: ImageID) -> Bool { image == self.image }
    func features(for image: ImageID) throws -> RegionFeatures { regions }
}
