import ArgumentParser

@main
struct RWSANCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "rwsan")
}
