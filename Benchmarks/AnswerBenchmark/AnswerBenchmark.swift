import ArgumentParser
import Foundation
import Torch
import VisualQuestionAnswering

/// Times answers of a model as the Hugging Face hub publishes it, from a file to scores.
///
/// `Benchmarks/bench` runs it and the peer, transformers, in turn.
@main
struct AnswerBenchmark: ParsableCommand {
    @Option(help: "The folder of the published model.") var model: String
    @Option(help: "The picture that is asked about.") var picture: String?
    @Option(help: "The features of the image that is asked about, in place of a picture.") var features:
        String?
    @Option(help: "The question.") var question = ""
    @Option(help: "Questions about pictures, as predict takes them, in place of one question.") var list:
        String?
    @Option(help: "float32, bfloat16 or int8.") var precision = "float32"
    @Option(help: "Answers that are timed, after two that are not.") var runs = 10
    @Option(help: "How many threads an operator may use.") var threads: Int?

    func run() throws {
        TorchRuntime.keepFreedMemory()
        if let threads { TorchRuntime.threadCount = threads }
        var options = Answerer.Options()
        options.device = .cpu
        options.precision = Precision(rawValue: precision)
        let answerer = try Answerer(publishedModel: model, options)
        var seconds: [Double] = []
        for _ in 0..<runs + 2 {
            let start = ContinuousClock.now
            try answer(answerer)
            seconds.append((ContinuousClock.now - start) / .seconds(1))
        }
        let median = seconds.dropFirst(2).sorted()[runs / 2]
        print("{\"seconds_per_answer\": \(median)}")
    }

    private func answer(_ answerer: Answerer) throws {
        if let list {
            _ = try answerer.predict(questionsIn: URL(fileURLWithPath: list))
        } else if let features {
            _ = try answerer.ask([question], about: RegionFeatures(officialFile: features))
        } else {
            let regions = try answerer.regions(ofPictureIn: URL(fileURLWithPath: picture ?? ""))
            _ = try answerer.ask([question], about: regions)
        }
    }

    func validate() throws {
        guard runs > 0, Precision(rawValue: precision) != nil,
            [picture, features, list].compactMap({ $0 }).count == 1
        else {
            throw ValidationError(
                "expected --runs from 1 on, a known --precision, and one of --picture, --features and --list")
        }
    }
}
