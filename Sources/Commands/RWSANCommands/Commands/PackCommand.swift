import ArgumentParser
import Foundation
import VQAFeatures
import Workers

struct PackCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pack",
        abstract: "Put region features into a store, from which training reads them fast.",
        discussion: """
            --input takes folders of official .npz files, .tar.gz, .tar and .zip archives of them, which are not \
            unpacked to disk, bottom-up-attention's .tsv tables, and other stores; content tells them apart. Stores of the \
            parts of an extraction (extract --store --shard I/N) become one when all are given. A store \
            coco_extract/train2014.packed of a datasets folder is read in place of coco_extract/train2014, and so for \
            the other folders.

            Ctrl-C keeps what is done, and so does a kill: the same command goes on from there. Features that cannot \
            be read, or are there twice, are named and left out. Input that ends early is named too; what was good \
            is kept, and the store is finished by packing the whole input again.

            mpirun and srun start several processes, which share the work of reading features; process 0 writes the store.
            """)

    @Option(
        name: .customLong("input"), parsing: .upToNextOption,
        help: ArgumentHelp("The folders, archives, tables and stores to pack.", valueName: "path"))
    var inputs: [String]
    @Option(
        help: ArgumentHelp(
            "The folder of the store, whose name ends in .packed by convention.", valueName: "folder"))
    var output: String
    @OptionGroup var imageIDs: ImageNamingOption
    @OptionGroup var store: StoreOptions
    @OptionGroup var processes: ProcessesOption
    @Flag(help: "Print what was done as JSON, in place of the path of the store.") var json = false

    func run() throws {
        var packer = try store.packer(imageIDs.naming)
        var files = CommandFiles()
        for input in inputs { files.read("--input", input) }
        files.write("--output", output)
        try files.requireDistinct()
        packer.share = try processes.join()
        packer.workers = Processors.count
        let interrupts = Interrupts(note: "finishing the shard at hand (again to end at once)")
        let (report, seconds) = try packer.packShowing(inputs, into: output) { interrupts.isRequested }
        try show(report, seconds: seconds)
        switch report.outcome {
        case .complete: break
        case .incomplete: throw UnfinishedStore(path: output, causes: report.endedEarly)
        case .interrupted:
            Console.note("stopped; the same command goes on from here")
            throw interrupts.exitCode
        }
    }

    private func show(_ report: FeaturePacker.Report, seconds: Double) throws {
        guard json else {
            if report.outcome == .complete { try Console.result(path: output) }
            return
        }
        try Console.result(json: PackSummary(output, report, seconds: seconds))
    }
}

/// What a run did, for programs.
private struct PackSummary: Encodable {
    let output: String
    let outcome: String
    let packed: Int
    let kept: Int
    let skipped: [SkippedInput]
    let endedEarly: [String]
    let removedShards: [String]
    let seconds: Double

    init(_ output: String, _ report: FeaturePacker.Report, seconds: Double) {
        self.output = output
        outcome = report.outcome.rawValue
        packed = report.packedCount
        kept = report.keptCount
        skipped = report.skipped
        endedEarly = report.endedEarly
        removedShards = report.removedShards
        self.seconds = seconds
    }
}
