import Downloads
import Foundation
import TestSupport
import Testing

/// The commands of docs/own-data.md, typed one after the other with the pictures that it speaks of.
@Suite struct OwnDataDocumentTests {
    /// The lines of the document that are indented: commands behind `$`, and what they print.
    private static func lines() throws -> [Substring] {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return try String(contentsOf: root.appending(path: "docs/own-data.md"), encoding: .utf8)
            .split(separator: "\n", omittingEmptySubsequences: false)
            .filter { $0.hasPrefix("    ") }.map { $0.dropFirst(4) }
    }

    /// The commands, each in one line, and what the document says that they print.
    private static func commands() throws -> [(line: String, output: [Substring])] {
        var commands: [(line: String, output: [Substring])] = []
        for line in try lines() {
            if line.hasPrefix("$ rwsan ") {
                commands.append((String(line.dropFirst(2)), []))
            } else if let last = commands.indices.last {
                if commands[last].line.hasSuffix("\\") {
                    commands[last].line =
                        commands[last].line.dropLast() + line.trimmingCharacters(in: .whitespaces)
                } else {
                    commands[last].output.append(line)
                }
            }
        }
        return commands
    }

    private static let wheel = WheelCache().path(of: .efficientNetLite0)

    @Test(
        "every command of the document works, from the pictures and the spreadsheet to an answer",
        .enabled(
            if: wheel != nil,
            "needs \(Wheel.efficientNetLite0) in \(WheelCache().folder): scripts/setup downloads it"))
    func walk() throws {
        let wheel = try #require(Self.wheel)
        let tool = try CommandLineTool()
        let photos = tool.folder.url.appending(component: "photos")
        let wheels = tool.folder.url.appending(components: ".cache", "wheels")
        for folder in [photos, wheels] {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        }
        try FileManager.default.createSymbolicLink(
            atPath: wheels.appending(component: URL(fileURLWithPath: wheel).lastPathComponent).path,
            withDestinationPath: wheel)
        let rows = try ShapePictures.write(to: photos)
        _ = try tool.folder.write("questions.csv", rows.joined(separator: "\n") + "\n")

        let commands = try Self.commands()
        #expect(
            Set(["import", "extract", "answers", "train", "evaluate", "ask"])
                .isSubset(of: commands.map { $0.line.split(separator: " ")[1].description }))
        for command in commands {
            // Two epochs take the way of forty.
            let line = command.line.replacing("max_epoch=40", with: "max_epoch=2").replacing(
                "epoch40", with: "epoch2"
            )
            .replacing("max_epoch=10", with: "max_epoch=1").replacing("epoch10", with: "epoch1")
            let outcome = try tool.run(in: line.replacing("rwsan ", with: "\"$1\" ", maxReplacements: 1), [])
            #expect(outcome.exitCode == 0, "\(line): \(outcome.errorOutput)")
            guard line.hasPrefix("rwsan import") || line.hasPrefix("rwsan answers") else { continue }
            let printed = (outcome.errorOutput + outcome.output).split(separator: "\n")
            #expect(printed == command.output.filter { !$0.isEmpty }, "\(line)")
        }
        let answers = try #require(commands.last { $0.line.hasPrefix("rwsan ask") })
        #expect(answers.output.count >= 4)
    }
}
