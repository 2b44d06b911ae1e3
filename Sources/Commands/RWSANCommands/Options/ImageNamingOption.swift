import ArgumentParser
import VQAFeatures

/// `--image-ids number|name`.
struct ImageNamingOption: ParsableArguments {
    @Option(
        name: .customLong("image-ids"),
        help: """
            What says which image a file is of: number, that at the end of its name, or name, the whole name without \
            extensions. Files of whose names it is not certain are left out.
            """)
    var naming = ImageNaming.number
}

extension ImageNaming: ExpressibleByArgument {}
