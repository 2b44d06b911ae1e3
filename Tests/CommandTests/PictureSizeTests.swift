import Foundation
import TestSupport
import Testing
import VQAFeatures

/// Pictures of any size, seen by a small detector.
@Suite struct PictureSizeTests {
    private let tool: CommandLineTool
    private static let detector = ["--detector", Fixtures.url("detector/weights.caffemodel").path]

    /// A picture's size, and what is said of it where it has no region.
    struct Size: CustomTestStringConvertible {
        let width: UInt32
        let height: UInt32
        let problem: String?

        var testDescription: String { "\(width) x \(height)" }
        var name: String { "\(width)x\(height)_\(width + height).png" }
    }

    private static let small = "expected a picture with more than 16 pixels a side"
    private static let thin = "expected a picture that is at most 333 times as long as it is wide"
    private static let sizes = [
        Size(width: 1, height: 1, problem: small), Size(width: 16, height: 16, problem: small),
        Size(width: 17, height: 17, problem: nil), Size(width: 1, height: 20_000, problem: thin),
        Size(width: 20_000, height: 1, problem: thin),
        Size(
            width: 20_000, height: 20_000,
            problem: "100000000 pixels, at most 65535 a side, found 20000 x 20000"),
    ]

    init() throws { tool = try CommandLineTool() }

    private func write(_ size: Size, to name: String) throws {
        _ = try tool.folder.write(name, PictureBytes.blackPNG(width: size.width, height: size.height))
    }

    @Test("a picture of any size is detected in and drawn, or refused in one line", arguments: sizes)
    func detected(size: Size) throws {
        try write(size, to: size.name)
        let command = ["detect", size.name] + Self.detector + ["--output", "boxes.png"]
        if let problem = size.problem {
            try tool.expectRefusal(command, naming: size.name, problem)
            #expect(try !tool.folder.names().contains("boxes.png"))
        } else {
            let outcome = try tool.run(command)
            #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
            #expect(!outcome.output.isEmpty)
            #expect(try tool.folder.names().contains("boxes.png"))
        }
    }

    @Test("of pictures of all sizes, those with regions are extracted and the others named, a line each")
    func extracted() throws {
        try FileManager.default.createDirectory(
            atPath: tool.folder.file("pictures"), withIntermediateDirectories: true)
        for size in Self.sizes { try write(size, to: "pictures/" + size.name) }
        // Two sizes make the same number.
        let outcome = try tool.run(
            ["extract", "--pictures", "pictures", "--output", "features", "--image-ids", "name"]
                + Self.detector)
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        for size in Self.sizes {
            let line = outcome.errorLines.first { $0.contains("left out: pictures/\(size.name): ") }
            #expect(
                size.problem.map { line?.contains($0) == true } ?? (line == nil),
                Comment(rawValue: outcome.errorOutput))
        }
        #expect(outcome.errorOutput.contains("1 pictures extracted, 0 there already, 5 left out"))
        #expect(try RegionFeatures(officialFile: tool.folder.file("features/17x17_34.png.npz")).count > 0)
    }
}
