import ArgumentParser
import Archives
import Foundation
import RegionDetector
import VQAVision

struct DetectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "detect", abstract: "Show what a region detector sees in a picture.",
        usage: "\(Program.name) detect <picture> --detector <file> [<options>]",
        discussion: """
            A line a region, the surest first: how sure the detector is of the object, its most probable attribute, \
            the object, and the box's corners x1, y1, x2, y2 in pixels. Without --names, objects and attributes have \
            numbers, from 0 on; those of a detector that was fetched by name have the names that came with it.
            """)

    @Argument(help: ArgumentHelp("The picture.", valueName: "picture")) var picture: String
    @OptionGroup var detection: DetectorOptions
    @Option(
        help: ArgumentHelp(
            "A folder with objects_vocab.txt and attributes_vocab.txt, the names that the detector was trained with.",
            valueName: "folder"))
    var names: String?
    @Option(
        help: ArgumentHelp(
            "A file for the boxes: .svg is the picture with the boxes drawn, .json what --json prints.",
            valueName: "file"))
    var output: String?
    @OptionGroup var device: DeviceOption
    @Flag(help: "Print JSON, in place of lines.") var json = false

    func run() throws {
        guard let path = try detection.weights() else {
            throw ValidationError("expected --detector with its weights")
        }
        let kind = try outputKind()
        var files = CommandFiles()
        files.read("the picture", picture)
        files.read("--detector", path)
        files.write("--output", output)
        try files.requireDistinct()
        let target = try output.map { try OutputPath($0) }
        var settings = DetectorSettings()
        if let count = try detection.regionCount() { settings.regions = count }
        let weights = try DetectorWeights.cached(path, onNotice: Console.note)
        let words = try (names ?? detection.fetchedNames).map {
            try DetectorNames(
                objects: $0 + "/objects_vocab.txt", attributes: $0 + "/attributes_vocab.txt",
                for: weights.shape)
        }
        let detector = try RegionDetector(weights, settings, on: device.resolve())
        let read = try Picture(contentsOf: URL(fileURLWithPath: picture), reading: detector.recipe.reading)
        let drawing = kind == .svg ? try self.drawing(of: read) : nil
        let found = try detector.detect(in: read, named: picture)
        let regions = SeenRegion.all(in: found, words)
        if let target { try write(regions, of: read, to: target, drawing) }
        if json {
            try Console.result(
                json: SeenPicture(picture: picture, width: read.width, height: read.height, regions: regions))
        } else {
            for region in regions { try Console.result(region.line) }
        }
    }

    private enum OutputKind: String {
        case svg
        case json
    }

    /// What the output's name asks for; nil without an output.
    private func outputKind() throws -> OutputKind? {
        guard let output else { return nil }
        guard let kind = OutputKind(rawValue: URL(fileURLWithPath: output).pathExtension.lowercased()) else {
            throw ValidationError("--output: expected a name that ends in .svg or .json, found '\(output)'")
        }
        return kind
    }

    /// - Throws: `ValidationError` where browsers do not show the picture.
    private func drawing(of read: Picture) throws -> RegionDrawing {
        let bytes = try Data(contentsOf: URL(fileURLWithPath: picture))
        guard let drawing = RegionDrawing(of: bytes, width: read.width, height: read.height) else {
            throw ValidationError(
                "--output: browsers do not show such a picture: expected a name that ends in .json")
        }
        return drawing
    }

    private func write(
        _ regions: [SeenRegion], of read: Picture, to output: OutputPath, _ drawing: RegionDrawing?
    ) throws {
        let contents: Data
        if let drawing {
            let boxes = regions.map { region in
                RegionDrawing.Box(
                    corners: region.box, label: "\(region.name) \(decimal(Double(region.confidence), 2))")
            }
            contents = Data(drawing.svg(boxes).utf8)
        } else {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
            contents = try encoder.encode(
                SeenPicture(picture: picture, width: read.width, height: read.height, regions: regions))
        }
        let file = try AtomicFile(path: output.path)
        try file.write(contents)
        try file.commit()
    }
}

/// What was seen in a picture, for programs.
private struct SeenPicture: Encodable {
    let picture: String
    let width: Int
    let height: Int
    let regions: [SeenRegion]
}

/// A region with the names of what it is thought to be.
private struct SeenRegion: Encodable {
    let box: [Float]
    let object: String
    let confidence: Float
    let attribute: String?
    let attributeConfidence: Float?

    /// Of all regions, the surest first.
    static func all(in found: DetectedRegions, _ names: DetectorNames?) -> [SeenRegion] {
        let regions = found.objects.indices.map { index in
            let object = found.objects[index]
            let attribute = found.attributes.isEmpty ? nil : found.attributes[index]
            return SeenRegion(
                box: Array(found.features.boxes[index * 4..<index * 4 + 4]),
                object: names?.objects[object.index] ?? "object \(object.index)",
                confidence: object.confidence,
                attribute: attribute.map { names?.attributes[$0.index] ?? "attribute \($0.index)" },
                attributeConfidence: attribute?.confidence)
        }
        return regions.sorted { $0.confidence > $1.confidence }
    }

    /// The attribute before the object, as in "red car".
    var name: String { attribute.map { "\($0) \(object)" } ?? object }

    var line: String {
        let corners = box.map { decimal(Double($0), 1) }.joined(separator: " ")
        return "\(decimal(Double(confidence), 3))  \(name)  \(corners)"
    }
}
