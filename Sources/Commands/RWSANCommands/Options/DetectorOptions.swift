import ArgumentParser
import RegionDetector

/// `--detector WEIGHTS --regions 10-100|36`
struct DetectorOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The weights of a region detector (bottom-up attention), which finds regions in a picture; or k10-100, k36 or "
                + "hub for those that 'fetch detector' has brought. A file of such a name is ./k36.",
            valueName: "file"))
    var detector: String?
    @Option(
        help: ArgumentHelp(
            "How many regions the detector finds: 10-100, or 36, as k36 and hub do if it is not given.",
            valueName: "count"))
    var regions: String?

    /// The fetched weights that the option names, and not a file.
    private var published: PublishedDetector? { detector.flatMap { PublishedDetector(rawValue: $0) } }

    /// The path of the weights; nil where the option is not given.
    ///
    /// - Throws: `DetectorNotFetched` where a short name stands for weights that are not there.
    func weights() throws -> String? { try published?.fetchedPath() ?? detector }

    /// The folder of the names of objects and attributes that were fetched with the weights, if any.
    var fetchedNames: String? { published?.fetchedNames }

    /// The names of objects and attributes in a folder, or those that were fetched with the weights; nil for none.
    ///
    /// - Throws: `DetectorNamesError` where they are not those of the weights.
    func names(in folder: String?, for shape: DetectorShape) throws -> DetectorNames? {
        try (folder ?? fetchedNames).map {
            try DetectorNames(
                objects: $0 + "/objects_vocab.txt", attributes: $0 + "/attributes_vocab.txt", for: shape)
        }
    }

    /// How many regions there are to be; nil where the option is not given.
    ///
    /// - Throws: `ValidationError` where they are none, or there is no detector.
    func regionCount() throws -> RegionCount? {
        // Weights that were trained for 36 regions find 36, unless another number is asked for.
        guard let regions = regions ?? published?.regions else { return nil }
        guard detector != nil else { throw ValidationError("--regions: expected --detector with it") }
        do {
            return try RegionCount(parsing: regions)
        } catch {
            throw ValidationError("--regions: \(error)")
        }
    }
}
