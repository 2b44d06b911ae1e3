import ArgumentParser
import Foundation
import RegionDetector
import Torch
import VQADatasets
import VQAFeatures
import VQAVision
import VisualQuestionAnswering

struct AskCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ask", abstract: "Ask a model questions about a picture.",
        usage: """
            \(Program.name) ask --checkpoint <file> --picture <file> --question <question> ... [<options>]
            \(Program.name) ask --model <folder> --picture <file> --question <question> ... [<options>]
            \(Program.name) ask --checkpoint <file> --features <file> --question <question> ... [<options>]
            \(Program.name) ask --checkpoint <file> --data <folder> [<options>]
            """,
        discussion: """
            A checkpoint trained on features that '\(Program.name) extract' made knows how to make them of --picture; \
            where a detector made them, --detector names its weights. For one trained on other features, the official \
            ones, --detector names the weights that those were made with, or --features the image's .npz file. With --data alone, the \
            questions are drawn from the val questions of a dataset, and people's answer is shown below the model's.

            An official checkpoint has neither words nor answers: --data then names the dataset that it was trained \
            on, beside --picture or --features, and --config or --set its settings.

            --explain writes what the answers rest on: a weight for each region and each word, by attention or by \
            occlusion (--explain-by). With --features, regions are drawn where no picture is.
            """)

    @OptionGroup var model: ModelOptions
    @Option(
        help: ArgumentHelp("The picture to ask about: PNG, JPEG, WebP, TIFF, GIF or BMP.", valueName: "file"))
    var picture: String?
    @Option(
        help: ArgumentHelp(
            "The features of the image to ask about, an .npz file in the official form.", valueName: "file")
    )
    var features: String?
    @Option(
        name: .customLong("question"), parsing: .upToNextOption,
        help: "The question to ask, or several.")
    var questions: [String] = []
    @Option(
        help: ArgumentHelp(
            "A datasets folder to draw questions from, with pictures in images/val2014; or the dataset of a checkpoint "
                + "without words and answers.", valueName: "folder"))
    var data: String?
    @OptionGroup var answering: AnswererOptions
    @Option(
        parsing: .unconditional, help: ArgumentHelp("How many questions are drawn.", valueName: "count"))
    var sample = 5
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "A number that draws the same questions each time; drawn anew if not given.", valueName: "number")
    )
    var seed: UInt64?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("How many answers are shown, the best first.", valueName: "count"))
    var top = 3
    @OptionGroup var explaining: ExplainOptions
    @OptionGroup var device: DeviceOption
    @Flag(help: "Print JSON, an object a question.") var json = false

    /// Makes sure that the options fit one another.
    private func requireFit() throws {
        guard picture == nil || features == nil else {
            throw ValidationError("expected one of --picture and --features")
        }
        let isAboutPicture = picture != nil || features != nil
        guard isAboutPicture || data != nil else {
            throw ValidationError("expected one of --picture, --features and --data")
        }
        guard !isAboutPicture || !questions.isEmpty else { throw ValidationError("expected --question") }
        guard isAboutPicture || questions.isEmpty else {
            throw ValidationError(
                "--data brings its own questions: expected --picture or --features beside --question")
        }
        guard top > 0 else { throw ValidationError("--top: expected a number from 1 on, found \(top)") }
        guard sample > 0 else {
            throw ValidationError("--sample: expected a number from 1 on, found \(sample)")
        }
        for question in questions where !hasWords(question) {
            throw ValidationError(
                "--question: expected a question, found '\(question)', which has no word in it")
        }
    }

    /// Whether a question says something: to a published model a mark does.
    private func hasWords(_ question: String) -> Bool {
        model.model == nil
            ? !QuestionTokenizer.words(in: question).isEmpty : question.contains { !$0.isWhitespace }
    }

    func run() throws {
        try requireFit()
        let request = try explaining.request()
        guard request == nil || picture != nil || features != nil else {
            throw ValidationError(
                "--explain: expected --picture or --features with it, for the file is about one image")
        }
        let output = try request.map {
            try ExplanationOutput(
                $0, picture: picture,
                inputs: [
                    ("--picture", picture), ("--features", features), ("--checkpoint", model.checkpoint),
                    ("--answers", answering.answerFile), ("--weights", answering.weights),
                    ("--detector", answering.detection.weights()),
                ])
        }
        let answerer = try model.answerer(answering.options(data: data, on: device.resolve(), in: .float32))
        if let output { return try explain(output, answerer) }
        for group in try inquiries(answerer).aboutOnePicture() {
            let regions = try regions(of: group[0], answerer)
            let questions = group.map(\.question)
            let answers = try answerer.ask(questions, about: regions, top: top)
            for (inquiry, answers) in zip(group, answers) { try tell(inquiry, answers, answerer) }
        }
    }

    /// Answers, and writes what the answers rest on.
    private func explain(_ output: ExplanationOutput, _ answerer: Answerer) throws {
        let names = try (explaining.names ?? answering.detection.fetchedNames).map {
            try DetectorNames(folder: $0, hasAttributes: true)
        }
        let asked = try inquiries(answerer)
        let read = try picture.map {
            try Picture(contentsOf: URL(fileURLWithPath: $0), reading: answerer.pictureReading)
        }
        let found =
            if let read {
                try answerer.labelledRegions(of: read, named: picture ?? "")
            } else {
                try answerer.labelledRegions(ofFeaturesIn: features ?? "")
            }
        let request = output.request
        let explanations = try answerer.explain(
            asked.map(\.question), about: found.regions, by: request.method, attention: request.choice,
            top: top)
        let image = ExplainedImage(
            picture ?? features ?? "", found.regions,
            names: names.flatMap { found.labels.map($0.names) } ?? [],
            asked.map(\.question), explanations, attention: request.choice)
        try output.write(image, over: read)
        for (inquiry, explanation) in zip(asked, explanations) {
            try tell(inquiry, explanation.answers, answerer)
        }
    }

    private func regions(of inquiry: Inquiry, _ answerer: Answerer) throws -> RegionFeatures {
        try inquiry.isFeatures
            ? answerer.regions(ofFeaturesIn: inquiry.picture)
            : answerer.regions(ofPictureIn: URL(fileURLWithPath: inquiry.picture))
    }

    private func tell(_ inquiry: Inquiry, _ answers: [ScoredAnswer], _ answerer: Answerer) throws {
        if answerer.isCut(inquiry.question) {
            Console.note("\(inquiry.question): the model reads only the beginning of so long a question")
        }
        let reply = Reply(
            picture: inquiry.picture, question: inquiry.question, answers: answers, truth: inquiry.truth,
            unknownWords: answerer.unknownWords(in: inquiry.question))
        if json { try Console.result(json: reply) } else { try reply.show() }
    }

    private func inquiries(_ answerer: Answerer) throws -> [Inquiry] {
        if let dataset = answerer.dataset, questions.isEmpty {
            return try Inquiry.sample(sample, of: dataset, seed: seed ?? .random(in: 0 ... .max))
        }
        return questions.map {
            Inquiry(picture: picture ?? features ?? "", isFeatures: features != nil, question: $0, truth: nil)
        }
    }
}

/// The answers to one question.
private struct Reply: Encodable {
    let picture: String
    let question: String
    let answers: [ScoredAnswer]
    let truth: String?
    let unknownWords: [String]

    func show() throws {
        try Console.result("\(picture): \(question)")
        for answer in answers { try Console.result("  \(decimal(answer.score, 3))  \(answer.text)") }
        if let lead = answers.first?.lead {
            try Console.result("  the first answer is \(decimal(lead, 3)) ahead of the next")
        }
        if let truth { try Console.result("  people say: \(truth)") }
        guard !unknownWords.isEmpty else { return }
        Console.note("  the model does not know: \(unknownWords.joined(separator: ", "))")
    }
}
