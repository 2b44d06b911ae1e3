import ArgumentParser
import VQADatasets

/// `--dataset NAME`
struct DatasetChoice: ParsableArguments {
    @Option(
        name: .customLong("dataset"),
        help: ArgumentHelp(
            "Which dataset a folder is: \(Registries.current.datasets.names.joined(separator: ", ")); the first if not "
                + "given.", valueName: "name"))
    var name: String?

    /// The type of the dataset.
    ///
    /// - Throws: `ValidationError` where there is none of that name.
    func type() throws -> any VQADataset.Type {
        let datasets = Registries.current.datasets
        do {
            return try datasets.type(named: name ?? datasets.names.first ?? "")
        } catch {
            throw ValidationError("--dataset: \(error.reason)")
        }
    }
}
