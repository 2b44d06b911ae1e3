import ArgumentParser
import VQASettings

/// Which command arguments name, and which words among them name none.
struct CommandPath {
    /// The arguments as the parser takes them.
    let arguments: [String]
    /// What stands where the name of a command should.
    private let unknown: String?
    private let commands: [any ParsableCommand.Type]

    /// - Parameters:
    ///   - given: What follows the program's name.
    ///   - root: The command at the root.
    init(_ given: [String], root: any ParsableCommand.Type = RootCommand.self) {
        let isHelp = given.first == "help"
        var commands = [root]
        var unknown: String?
        for word in given.dropFirst(isHelp ? 1 : 0) {
            let subcommands = commands.last?.configuration.subcommands ?? []
            guard !word.hasPrefix("-"), isHelp || !subcommands.isEmpty else { break }
            guard let next = subcommands.first(where: { $0.configuration.commandName == word }) else {
                unknown = word
                break
            }
            commands.append(next)
        }
        // What the settings are is help, of which there are more kinds than of other.
        let isSettings = isHelp && commands.last == SettingsCommand.self
        let isHelpOnHelp = isHelp && unknown == "help" && commands.count == 1
        arguments = isHelpOnHelp ? [] : isSettings ? Array(given.dropFirst()) : given
        self.commands = commands
        self.unknown = isHelpOnHelp ? nil : unknown
    }

    /// Makes sure that there are the commands that are named.
    ///
    /// - Throws: `ValidationError` with the nearest name.
    func requireKnown() throws {
        guard let unknown else { return }
        let names = commands.last?.configuration.subcommands.compactMap { $0.configuration.commandName } ?? []
        let place = commands.count > 1 ? "\(name): " : ""
        let nearest = Spelling.nearest(to: unknown, in: names).map { "; the nearest is '\($0)'" } ?? ""
        throw ValidationError("\(place)no such command '\(unknown)'\(nearest)")
    }

    /// The command that they lead to.
    var command: any ParsableCommand.Type { commands.last ?? RootCommand.self }

    private var name: String { commands.compactMap { $0.configuration.commandName }.joined(separator: " ") }

    /// What tells about the command.
    var helpCommand: String { "\(name) --help" }
}
