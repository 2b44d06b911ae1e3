import Archives
import FileSystem
import Foundation
import TextFiles
import VQAFeatures

/// A question that is taken out of a table.
package struct ImportedQuestion: Sendable, Equatable {
    /// The number of its row.
    package let row: Int
    /// Its id in the dataset.
    package let id: QuestionID
    /// The place of its picture among the pictures.
    package let picture: Int
    /// The question.
    package let text: String
    /// Its answers in normal form, at least one.
    package let answers: [String]
    /// Its answer's type; nil for what the answer looks like.
    package let answerType: String?

    /// - Parameters: as the properties.
    package init(row: Int, id: QuestionID, picture: Int, text: String, answers: [String], answerType: String?)
    {
        (self.row, self.id, self.picture) = (row, id, picture)
        (self.text, self.answers, self.answerType) = (text, answers, answerType)
    }

    /// Whether a question has a word that a model could know.
    package static func hasWords(_ question: String) -> Bool {
        !QuestionTokenizer.words(in: question).isEmpty
    }

    /// An answer as the metric and the answer list compare it; nil where nothing is left of it.
    package static func normalForm(_ answer: String) -> String? {
        let form = AnswerNormalizer.normalize(answer)
        return form.isEmpty ? nil : form
    }
}

/// The folder of an imported dataset, in the layout of VQA-v2:
///
///     import.json                                         which picture each image is, and its split
///     left-out.csv                                        rows that were left out, and why
///     vqa/v2_OpenEnded_mscoco_train2014_questions.json    and so on, of each split that has questions
///     vqa/v2_mscoco_train2014_annotations.json
///     images/train2014/COCO_train2014_000000000001.jpg    links to the pictures
///
/// `test` has annotations too, which VQA-v2 keeps to itself: `v2_mscoco_test2015_annotations.json`.
package struct ImportedDataset: Sendable {
    /// The path of the folder.
    package let folder: String

    /// The name of the file of rows that were left out.
    package static let leftOutName = "left-out.csv"

    /// - Parameter folder: The path of the folder, there or not.
    package init(_ folder: String) { self.folder = folder }

    /// What an earlier import has noted; nil where there was none.
    ///
    /// - Throws: `ImportError` where the folder is no place for a dataset: a file, or a folder with something else in it.
    package func earlierNote() throws -> ImportNote? {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder) else { return nil }
        guard isFolder.boolValue else {
            throw ImportError(path: folder, problem: "expected a folder for the dataset, found a file")
        }
        if let note = try ImportNote(of: folder) { return note }
        let names: [String]
        do {
            names = try FolderListing(folder).visibleNames.filter { !$0.hasSuffix(".partial") }
        } catch {
            throw ImportError(path: folder, problem: "cannot list the folder: \(error.reason)")
        }
        guard let name = names.first else { return nil }
        throw ImportError(
            path: folder,
            problem:
                "expected a new folder, an empty one, or one that import has made, found one with '\(name)' in it"
        )
    }

    /// Writes all of the dataset. Every file appears whole or not at all, the note first, so that importing again goes on
    /// after an interruption; files of an earlier import that are not part of this one are removed.
    ///
    /// - Parameters:
    ///   - note: The images.
    ///   - questions: The questions; their pictures are places in the note's images.
    ///   - leftOut: The rows that were left out.
    ///   - extensions: The ending of each image's link, as `png`.
    /// - Throws: `ImportError` or `ArchiveError` where something cannot be written.
    package func write(
        _ note: ImportNote, _ questions: [ImportedQuestion], leftOut: [LeftOutRow], extensions: [String]
    ) throws {
        try makeFolder("vqa")
        try write(note)
        for split in ImportSplit.allCases {
            let own = questions.filter { note.images[$0.picture].split == split }
            try writeLinks(of: split, note, extensions)
            try writeQuestions(own, split, note)
            try writeAnnotations(own, split, note)
        }
        var table = CSVText(header: ["row", "picture", "question", "reason"])
        for row in leftOut { table.append(["\(row.row)", row.picture, row.question, row.reason.text]) }
        try write(table.bytes, to: Self.leftOutName)
    }

    private func write(_ note: ImportNote) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try write(encoder.encode(note), to: ImportNote.fileName)
    }

    private func write(_ bytes: some ContiguousBytes, to name: String) throws {
        let file = try AtomicFile(path: folder + "/" + name)
        try file.write(bytes)
        try file.commit()
    }

    private func makeFolder(_ name: String) throws {
        let path = folder + "/" + name
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw ImportError(path: path, problem: "cannot make the folder: \(systemReason(of: error))")
        }
    }
}

// MARK: - Questions and annotations

extension ImportedDataset {
    /// Where the questions of a split are.
    package func questionFile(of split: ImportSplit) -> String {
        "\(folder)/vqa/v2_OpenEnded_mscoco_\(split.imageSet)_questions.json"
    }

    /// Where the annotations of a split are.
    package func annotationFile(of split: ImportSplit) -> String {
        "\(folder)/vqa/v2_mscoco_\(split.imageSet)_annotations.json"
    }

    private func writeQuestions(_ questions: [ImportedQuestion], _ split: ImportSplit, _ note: ImportNote)
        throws
    {
        let path = questionFile(of: split)
        guard !questions.isEmpty else { return removeFile(path) }
        let writer = try OfficialFileWriter(.questions, path: path, head: head(of: split))
        for question in questions {
            try writer.write(
                OfficialQuestion(
                    imageID: note.images[question.picture].id, question: question.text,
                    questionID: question.id))
        }
        try writer.commit()
    }

    private func writeAnnotations(_ questions: [ImportedQuestion], _ split: ImportSplit, _ note: ImportNote)
        throws
    {
        let path = annotationFile(of: split)
        guard !questions.isEmpty else { return removeFile(path) }
        let writer = try OfficialFileWriter(.annotations, path: path, head: head(of: split))
        for question in questions {
            try writer.write(
                OfficialAnnotation(
                    question: question.text, answers: question.answers, answerType: question.answerType,
                    imageID: note.images[question.picture].id, questionID: question.id))
        }
        try writer.commit()
    }

    private func head(of split: ImportSplit) -> OfficialFileHead {
        OfficialFileHead(description: "imported by rwsan", dataSubtype: split.imageSet, license: nil)
    }

    private func removeFile(_ path: String) { unlink(path) }
}

// MARK: - Links to pictures

extension ImportSplit {
    /// The name of its set of images: `train2014`.
    package var imageSet: String {
        switch self {
        case .train: "train2014"
        case .val: "val2014"
        case .test: "test2015"
        }
    }
}

extension ImportedDataset {
    /// The folder of the links to a split's pictures.
    package func pictureFolder(of split: ImportSplit) -> String { "\(folder)/images/\(split.imageSet)" }

    /// The folder for the features of a split's images.
    package func featureFolder(of split: ImportSplit) -> String { "\(folder)/coco_extract/\(split.imageSet)" }

    private func writeLinks(of split: ImportSplit, _ note: ImportNote, _ extensions: [String]) throws {
        let place = pictureFolder(of: split)
        var links: [String: String] = [:]
        for (image, ending) in zip(note.images, extensions) where image.split == split {
            let digits = image.id.description
            let number = String(repeating: "0", count: max(0, 12 - digits.count)) + digits
            links["COCO_\(split.imageSet)_\(number).\(ending)"] = note.pictures + "/" + image.picture
        }
        if !links.isEmpty { try makeFolder("images/" + split.imageSet) }
        for name in (try? FolderListing(place))?.names ?? [] {
            let path = place + "/" + name
            // Only links are ours to remove.
            guard let target = try? FileManager.default.destinationOfSymbolicLink(atPath: path) else {
                continue
            }
            if links[name] == target {
                links[name] = nil
            } else {
                unlink(path)
            }
        }
        for (name, target) in links.sorted(by: { $0.key < $1.key }) {
            guard symlink(target, place + "/" + name) == 0 else {
                throw ImportError(
                    path: place + "/" + name,
                    problem: "cannot make a link to \(target): \(String(cString: strerror(errno)))")
            }
        }
    }
}
