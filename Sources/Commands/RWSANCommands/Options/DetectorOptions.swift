import ArgumentParser
import RegionDetector

/// `--detector WEIGHTS --regions 10-100|36`
struct DetectorOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The weights of a region detector (bottom-up attention), which finds regions in a picture.",
            valueName: "file"))
    var detector: String?
    @Option(help: ArgumentHelp("How many regions the detector finds: 10-100, or 36.", valueName: "count"))
    var regions: String?

    /// How many regions there are to be; nil where the option is not given.
    ///
    /// - Throws: `ValidationError` where they are none, or there is no detector.
    func regionCount() throws -> RegionCount? {
        guard let regions else { return nil }
        guard detector != nil else { throw ValidationError("--regions: expected --detector with it") }
        do {
            return try RegionCount(parsing: regions)
        } catch {
            throw ValidationError("--regions: \(error)")
        }
    }
}
