import ArgumentParser

/// `rwsan help settings`
struct SettingsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "settings", abstract: "List the models, the datasets and every setting.",
        usage: "\(Program.name) help settings [--config <file>] [--set <key=value> ...] [--json]",
        discussion: """
            Each setting is shown with its meaning, what it takes and its value. --set model=NAME and --set \
            dataset=NAME show those of another model or dataset.
            """,
        shouldDisplay: false)

    @OptionGroup var settings: ConfigurationOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws { try SettingsListing(settings).show(asJSON: json) }
}
