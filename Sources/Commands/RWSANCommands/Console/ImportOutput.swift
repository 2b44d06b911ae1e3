import VQADatasets
import VisualQuestionAnswering

/// What an import has come to, in words and for programs.
struct ImportOutput {
    private let report: DatasetImport.Report
    private let folder: String

    /// - Parameter folder: The dataset's folder, as the user named it.
    init(_ report: DatasetImport.Report, folder: String) {
        self.report = report
        self.folder = folder
    }

    /// The lines for people.
    var notes: [String] {
        var lines = report.splits.map { part in
            "\(part.split.rawValue): \(counted(part.questions, "question")) about \(counted(part.pictures, "picture"))"
        }
        if let example = report.changedAnswers.example {
            let form = example.form.isEmpty ? "nothing" : "'\(example.form)'"
            lines.append(
                "\(counted(report.changedAnswers.count, "answer")) brought into the metric's normal form: "
                    + "'\(example.given)' became \(form)")
        }
        if report.unusedPictures > 0 {
            lines.append(
                "no question is about \(counted(report.unusedPictures, "more picture")) of the folder")
        }
        for picture in report.unopened.prefix(Self.shownPictures) { lines.append("passed over: \(picture)") }
        if let former = report.formerFolder {
            lines.append(
                "the pictures were in \(former) before: where they are others, remove \(folder)/coco_extract, so that no "
                    + "features of the former ones are left")
        }
        if report.displacedPictures > 0 {
            lines.append(
                "\(counted(report.displacedPictures, "picture")) lie elsewhere than before, and count as new ones: with new "
                    + "numbers, and splits drawn anew. A model that was trained before may have learned from pictures of val"
            )
        }
        if report.movedPictures > 0 {
            lines.append(
                "\(counted(report.movedPictures, "picture")) changed the split: remove \(folder)/coco_extract, so that "
                    + "features are made anew, and take no accuracy of a model that has learned from pictures now in val"
            )
        }
        return lines + leftOutLines + nextLines
    }

    private static let shownPictures = 3

    private var leftOutLines: [String] {
        guard !report.leftOut.isEmpty else { return [] }
        var lines: [String] = []
        for (kind, count, examples) in report.reasons {
            lines.append("left out: \(counted(count, "row")): \(kind)")
            for row in examples { lines.append("  \(row.line)") }
            if count > examples.count { lines.append("  and \(count - examples.count) more") }
        }
        return lines + ["all of them: \(folder)/\(ImportedDataset.leftOutName)"]
    }

    private func counted(_ count: Int, _ word: String) -> String {
        "\(count) \(word)\(count == 1 ? "" : "s")"
    }

    /// The command lines that come next.
    var commands: [String] {
        let suggestion = report.suggestion
        let answers = folder + "/answers.json"
        let extract = report.splits.map { part in
            [
                "extract", "--pictures", "\(folder)/images/\(part.split.imageSet)", "--output",
                "\(folder)/coco_extract/\(part.split.imageSet)",
            ]
        }
        let others = [
            ["answers", "--data", folder, "--threshold", "\(suggestion.threshold)", "--output", answers],
            ["train", "--data", folder, "--name", "mine", "--answers", answers]
                + suggestion.settings.flatMap { ["--set", "\($0.key)=\($0.value)"] },
        ]
        return (extract + others).map { ShellQuoting.line([Program.name] + $0) }
    }

    private var nextLines: [String] {
        ["next, with settings that suit so many questions:"] + commands.map { "  " + $0 }
    }

    /// For programs.
    var summary: some Encodable {
        Summary(
            output: folder,
            splits: Dictionary(
                report.splits.map {
                    ($0.split.rawValue, .init(pictures: $0.pictures, questions: $0.questions))
                },
                uniquingKeysWith: { $1 }),
            leftOut: Dictionary(report.reasons.map { ($0.kind, $0.count) }, uniquingKeysWith: { $1 }),
            leftOutFile: "\(folder)/\(ImportedDataset.leftOutName)",
            changedAnswers: report.changedAnswers.count, unusedPictures: report.unusedPictures,
            movedPictures: report.movedPictures, next: commands)
    }

    private struct Summary: Encodable {
        struct Part: Encodable {
            let pictures: Int
            let questions: Int
        }

        let output: String
        let splits: [String: Part]
        let leftOut: [String: Int]
        let leftOutFile: String
        let changedAnswers: Int
        let unusedPictures: Int
        let movedPictures: Int
        let next: [String]

        enum CodingKeys: String, CodingKey {
            case output, splits, next
            case leftOut = "left_out"
            case leftOutFile = "left_out_file"
            case changedAnswers = "changed_answers"
            case unusedPictures = "unused_pictures"
            case movedPictures = "moved_pictures"
        }
    }
}
