import ArgumentParser
import Foundation
import PictureDrawing
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
            "A file for the boxes: .png and .svg are the picture with the boxes drawn, .json what --json prints.",
            valueName: "file"))
    var output: String?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How many of the surest regions are drawn into a .png or .svg; \(RegionDrawing.usualCount) if not given.",
            valueName: "count"))
    var draw: Int?
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
        let words = try detection.names(in: names, for: weights.shape)
        let detector = try RegionDetector(weights, settings, on: device.resolve())
        let read = try Picture(contentsOf: URL(fileURLWithPath: picture), reading: detector.recipe.reading)
        let drawing = try kind.flatMap { try self.drawing($0, of: read) }
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
        case png
        case svg
        case json
    }

    /// What the output's name asks for; nil without an output.
    private func outputKind() throws -> OutputKind? {
        if let draw, draw < 1 { throw ValidationError("expected --draw from 1, found \(draw)") }
        let kind = try output.map { output in
            guard let kind = OutputKind(rawValue: URL(fileURLWithPath: output).pathExtension.lowercased())
            else {
                throw ValidationError(
                    "--output: expected a name that ends in .png, .svg or .json, found '\(output)'")
            }
            return kind
        }
        guard draw == nil || kind == .png || kind == .svg else {
            throw ValidationError("--draw: expected --output with a name that ends in .png or .svg")
        }
        return kind
    }

    /// What boxes are drawn over.
    private enum Ground {
        case pixels
        case file(EmbeddedPicture)
    }

    /// What boxes are drawn over, where they are.
    ///
    /// - Throws: `ValidationError` where the picture cannot be drawn over in that form.
    private func drawing(_ kind: OutputKind, of read: Picture) throws -> Ground? {
        switch kind {
        case .json: return nil
        case .png:
            guard max(read.width, read.height) <= RegionDrawing.longestPNGSide else {
                throw ValidationError(
                    "--output: a PNG has at most \(RegionDrawing.longestPNGSide) pixels a side, found a picture of "
                        + "\(read.width) x \(read.height): expected a name that ends in .svg or .json")
            }
            return .pixels
        case .svg:
            guard let file = try EmbeddedPicture(contentsOf: URL(fileURLWithPath: picture)) else {
                throw ValidationError(
                    "--output: browsers do not show such a picture: expected a name that ends in .png or .json"
                )
            }
            return .file(file)
        }
    }

    private func write(
        _ regions: [SeenRegion], of read: Picture, to output: OutputPath, _ ground: Ground?
    ) throws {
        if let ground {
            let boxes = regions.map { region in
                let label = "\(region.name) \(decimal(Double(region.confidence), 2))"
                return RegionDrawing.Box(corners: region.box, label: PrintableText.escaping(label))
            }
            let drawing = try RegionDrawing(
                boxes, width: read.width, height: read.height, mostBoxes: draw ?? RegionDrawing.usualCount)
            switch ground {
            case .file(let file): try output.write(Data(drawing.svg(over: file).utf8))
            case .pixels:
                try output.write(drawing.png(over: read))
                if !drawing.hasFont { Console.noteMissingFont() }
            }
        } else {
            try output.write(
                json: SeenPicture(picture: picture, width: read.width, height: read.height, regions: regions))
        }
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
