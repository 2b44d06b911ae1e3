import FileSystem
import VQAFeatures

extension FeaturePacker {
    /// How many of the inputs that were left out are shown.
    private static let shownInputs = 10

    /// Packs as commands do: shows how far it has come, and says afterwards what was done and left out.
    ///
    /// - Returns: What was done, and in how many seconds.
    /// - Throws: As `pack(_:into:onProgress:shouldStop:)` does.
    func packShowing(
        _ inputs: [String], into output: String, shouldStop: () -> Bool
    ) throws -> (report: Report, seconds: Double) {
        let start = ContinuousClock.now
        let line = ProgressLine()
        var packer = self
        packer.memory = VerifiedFiles()
        packer.onNotice = Console.note
        let report = try packer.pack(
            inputs, into: output,
            onCheck: { share in line.show { "checking what is there: \(decimal(share * 100, 1)) %" } },
            onProgress: { progress in
                line.show {
                    let left = progress.secondsLeft.map { ", \(readable(seconds: $0)) left" } ?? ""
                    return "packing: \(decimal(progress.fraction * 100, 1)) %, "
                        + "\(progress.packedCount) images, \(whole(progress.imagesPerSecond)) images/s\(left)"
                }
            }, shouldStop: shouldStop)
        Console.clearProgress()
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        for shard in report.removedShards { Console.note("removed a damaged shard: \(shard)") }
        for input in report.skipped.prefix(Self.shownInputs) { Console.note("left out: \(input)") }
        if report.skipped.count > Self.shownInputs {
            let places = report.outcome == .complete ? "\(output)/index.json and --json have" : "--json has"
            Console.note("left out: \(report.skipped.count - Self.shownInputs) more; \(places) them all")
        }
        Console.note(
            "\(report.packedCount) images packed, \(report.keptCount) there already, "
                + "\(report.skipped.count) left out, in \(readable(seconds: seconds))")
        return (report, seconds)
    }
}

/// Input that ended before its end.
struct UnfinishedStore: Error, CustomStringConvertible {
    let path: String
    let causes: [String]

    var description: String {
        "\(path): not a store yet, for some input ended early; what was good is kept: "
            + causes.joined(separator: "; ")
    }
}
