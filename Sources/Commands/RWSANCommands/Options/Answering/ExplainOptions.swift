import ArgumentParser
import Foundation
import PictureDrawing
import RegionDetector
import VQAFeatures
import VQAModels
import VQAVision
import VisualQuestionAnswering

/// `--explain FILE`, and how.
struct ExplainOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A file for what the answers rest on: .png, .svg and .html are the picture with its regions tinted by weight, the "
                + "words likewise, and the answers as bars; .json has the numbers. All questions come into the one file.",
            valueName: "file"))
    var explain: String?
    @Option(
        help: ArgumentHelp(
            "What the weights are: attention, which is what the model looked at, or occlusion, which is how much the best "
                + "answer's logit falls without a region or a word; attention if not given.",
            valueName: "method"))
    var explainBy: String?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The layer whose attention is told, from 1 on; if not given, the attention right before the answer.",
            valueName: "number"))
    var layer: Int?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The head of --layer, from 1 on; the mean of all if not given.", valueName: "number"))
    var head: Int?
    @Option(
        help: ArgumentHelp(
            "A folder with objects_vocab.txt and attributes_vocab.txt, for regions with numbers of objects: the names are "
                + "drawn. Those of a detector that was fetched by name came with it.", valueName: "folder"))
    var names: String?

    /// What a file is to be.
    enum Kind: String, CaseIterable {
        case png, svg, html, json
    }

    /// How answers are explained, and where to.
    struct Request {
        let path: String
        let kind: Kind
        let method: ExplanationMethod
        let choice: AttentionChoice
    }

    /// What is asked for; nil where nothing is.
    ///
    /// - Throws: `ValidationError` where options do not fit one another.
    func request() throws -> Request? {
        guard let explain else {
            let given = [
                ("--explain-by", explainBy != nil), ("--layer", layer != nil), ("--head", head != nil),
                ("--names", names != nil),
            ]
            if let option = given.first(where: \.1)?.0 {
                throw ValidationError("\(option): expected --explain with it")
            }
            return nil
        }
        guard let kind = Kind(rawValue: URL(fileURLWithPath: explain).pathExtension.lowercased()) else {
            throw ValidationError(
                "--explain: expected a name that ends in .png, .svg, .html or .json, found '\(explain)'")
        }
        let name = explainBy ?? ExplanationMethod.attention.rawValue
        guard let method = ExplanationMethod(rawValue: name) else {
            let methods = ExplanationMethod.allCases.map(\.rawValue).joined(separator: " or ")
            throw ValidationError("--explain-by: expected \(methods), found '\(name)'")
        }
        return Request(path: explain, kind: kind, method: method, choice: try choice(method))
    }

    private func choice(_ method: ExplanationMethod) throws -> AttentionChoice {
        guard layer != nil || head == nil else { throw ValidationError("--head: expected --layer with it") }
        guard let layer else { return .output }
        guard method == .attention else {
            throw ValidationError(
                "--layer: expected --explain-by attention, for occlusion looks into no layer")
        }
        return .layer(layer, head: head)
    }
}

/// A file of what answers rest on, made ready before the work.
struct ExplanationOutput {
    let request: ExplainOptions.Request
    private let output: OutputPath
    /// The picture's file, to be put in as it is.
    private let embedded: EmbeddedPicture?

    /// - Parameter picture: The picture's path; nil where there are features alone.
    /// - Throws: `ValidationError` where the picture cannot be put into such a file; `FileMeantTwice`; `UnwritableOutput`.
    init(_ request: ExplainOptions.Request, picture: String?, inputs: [(what: String, path: String?)]) throws
    {
        self.request = request
        var files = CommandFiles()
        for input in inputs { files.read(input.what, input.path) }
        files.write("--explain", request.path)
        try files.requireDistinct()
        output = try OutputPath(request.path)
        guard let picture, request.kind == .svg || request.kind == .html else {
            embedded = nil
            return
        }
        guard let file = try EmbeddedPicture(contentsOf: URL(fileURLWithPath: picture)) else {
            throw ValidationError(
                "--explain: browsers do not show such a picture: expected a name that ends in .png or .json")
        }
        embedded = file
    }

    /// Writes the file, whole or not at all.
    ///
    /// - Parameter picture: The picture's pixels; nil leaves its place empty.
    func write(_ image: ExplainedImage, over picture: Picture?) throws {
        guard request.kind != .json else { return try output.write(json: image) }
        let drawing = try image.drawing()
        switch request.kind {
        case .html: try output.write(Data(drawing.html(over: embedded, title: image.picture).utf8))
        case .svg: try output.write(Data(drawing.svg(over: embedded).utf8))
        default: try output.write(drawing.png(over: picture))
        }
        if !drawing.hasFont, request.kind == .png { Console.noteMissingFont() }
    }
}
