import Foundation
import TestSupport
import Testing
import Torch
import VQADatasets
import VQAFeatures
import VQASettings
import VQATraining
import VisualQuestionAnswering

/// Questions to a model in memory.
@Suite struct AskingTests {
    /// The fixture's model with other weights, as a checkpoint of ours.
    private func answerer(_ folder: TemporaryFolder, _ change: (inout [String: Tensor]) throws -> Void) throws
        -> Answerer
    {
        var configuration = Configuration()
        for (key, text) in MiniRun.settings { try configuration.set(key, to: SettingValue(parsing: text)) }
        var checkpoint = Checkpoint(weights: try Checkpoint(contentsOf: MiniRun.checkpoint(2).path).weights)
        try change(&checkpoint.weights)
        checkpoint.settings = configuration.dictionary
        checkpoint.vocabulary = try OfficialDataset(MiniRun.datasets).vocabulary()
        checkpoint.answers = try AnswerList(contentsOf: MiniRun.answers)
        try checkpoint.write(to: folder.file("mini.safetensors"))
        var options = Answerer.Options()
        options.device = .cpu
        return try Answerer(checkpoint: folder.file("mini.safetensors"), options)
    }

    @Test("weights that are no numbers are told, and no answer is made of them")
    func notFinite() throws {
        let regions = try RegionFeatures(
            width: 24, features: [Float](repeating: 0.5, count: 24), boxes: [0, 0, 1, 1], imageHeight: 2,
            imageWidth: 2)
        let folder = try TemporaryFolder()
        let sound = try answerer(folder) { _ in }
        #expect(try sound.ask(["is it red?"], about: regions)[0].count == 3)
        let answerCount = sound.answers.count
        for value in [Double.nan, .infinity] {
            let broken = try answerer(folder) {
                $0["proj.bias"] = try Tensor.full([answerCount], value)
            }
            let error = #expect(throws: LogitsNotFiniteError.self) {
                try broken.ask(["is it red?"], about: regions)
            }
            #expect("\(try #require(error))".contains("no numbers"))
        }
    }

    @Test("questions about images of their own get in one batch the answers that each gets alone")
    func together() throws {
        let answerer = try answerer(TemporaryFolder()) { _ in }
        let questions = try (1...5).map { number in
            // One of them has no region at all.
            let count = (number * 7) % 5
            return (
                text: "is number \(number) red" + String(repeating: " or blue", count: number) + "?",
                regions: try RegionFeatures(
                    width: 24, features: (0..<count * 24).map { Float(($0 * number) % 13) / 13 },
                    boxes: [Float](repeating: 1, count: count * 4), imageHeight: 2, imageWidth: 2)
            )
        }
        #expect(questions.contains { $0.regions.count == 0 })
        let together = try answerer.ask(questions, top: 4)
        for (question, found) in zip(questions, together) {
            let alone = try answerer.ask([question.text], about: question.regions, top: 4)[0]
            #expect(found.map(\.text) == alone.map(\.text))
            for (one, other) in zip(found, alone) { #expect(abs(one.score - other.score) < 1e-5) }
        }
        #expect(Set(together.map { $0[0].score }).count == 5)
        #expect(try answerer.ask([(text: String, regions: RegionFeatures)]()).isEmpty)
    }
}
