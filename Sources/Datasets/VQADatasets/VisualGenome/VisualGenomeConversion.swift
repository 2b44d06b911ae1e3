import Archives
import Foundation
import TextFiles

/// Makes `VG_questions.json` and `VG_annotations.json` of the files that Visual Genome publishes, by the two rules of
/// mcan-vqa's README:
///
/// 1. the picture is one of COCO's train or val: one that VQA-v2's train or val asks about;
/// 2. the answer is in the list of those that VQA-v2's train and val have often enough (``AnswerList``).
///
/// Answers are written in normal form, as ten people's. A question's id is Visual Genome's and 10^12, which is beyond
/// VQA-v2's. Of a question that comes twice, the first counts.
package final class VisualGenomeConversion {
    /// How many questions met which rule.
    package struct Counts: Sendable, Equatable {
        /// Those of the file.
        package fileprivate(set) var all = 0
        /// Those about pictures of COCO's train and val.
        package fileprivate(set) var ofKnownImages = 0
        /// Those that were written.
        package fileprivate(set) var written = 0
    }

    private let layout: OfficialLayout
    private let scratch: URL
    /// The numbers of COCO's pictures in train and val.
    private let knownImages: Set<Int64>
    private let answers: AnswerList
    /// Which of these a picture of Visual Genome is.
    private var images: [Int64: Int64] = [:]

    /// The published one is said to have some hundred megabytes; whatever it has is written to disk first.
    private static let largestFile = 4 << 30

    /// Reads what VQA-v2's questions and annotations say of pictures and answers.
    ///
    /// - Parameters:
    ///   - layout: Where they are, and where the new files go.
    ///   - scratch: A folder for unpacked files, which are gone when they have been read.
    /// - Throws: `DatasetFileError` where a file is missing or damaged.
    package init(_ layout: OfficialLayout, scratch: URL) throws {
        (self.layout, self.scratch) = (layout, scratch)
        var known: Set<Int64> = []
        for split in OfficialLayout.answerSplits {
            for image in try QuestionTable(contentsOf: layout.questions(of: split)).imageIDs
            where !image.isText { known.insert(image.rawValue) }
        }
        knownImages = known
        answers = AnswerList(
            annotations: try OfficialLayout.answerSplits.compactMap(layout.annotations).map {
                try AnnotationTable(contentsOf: $0)
            })
    }

    /// Reads which picture of COCO a picture is.
    ///
    /// - Parameters:
    ///   - zip: The archive ``VisualGenomeArchive/images``.
    ///   - shouldStop: Asked now and then.
    /// - Returns: How many are in train or val; nil where it was asked to stop.
    /// - Throws: `DamagedDatasetArchive` where the archive is damaged, has another form, or no such picture;
    ///   `ArchiveError` where it cannot be unpacked, a full disk included.
    package func readImages(_ zip: String, shouldStop: () -> Bool = { false }) throws -> Int? {
        guard let file = try unpack(.images, zip, shouldStop) else { return nil }
        let pairs = try inArchive(zip) {
            try VisualGenomeFile.images(of: URL(fileURLWithPath: file.writtenPath))
        }
        images = Dictionary(pairs.filter { knownImages.contains($0.1) }) { first, _ in first }
        guard !images.isEmpty else {
            throw DamagedDatasetArchive(
                path: zip,
                problem: "\(zip): expected pictures that VQA-v2's train and val ask about, found none of "
                    + "\(pairs.count)")
        }
        return images.count
    }

    /// Writes the questions about these pictures, and their annotations.
    ///
    /// - Parameters:
    ///   - zip: The archive ``VisualGenomeArchive/questions``.
    ///   - shouldStop: Asked now and then.
    /// - Returns: How many there are; nil where it was asked to stop, and then nothing is written.
    /// - Throws: As ``readImages(_:shouldStop:)``.
    package func convert(_ zip: String, shouldStop: () -> Bool = { false }) throws -> Counts? {
        guard let annotations = layout.annotations(of: .visualGenome),
            let file = try unpack(.questions, zip, shouldStop)
        else { return nil }
        let output = try VisualGenomeOutput(
            questions: layout.questions(of: .visualGenome), annotations: annotations)
        var counts = Counts()
        var isStopped = false
        try inArchive(zip) {
            try VisualGenomeFile.visitQuestions(of: URL(fileURLWithPath: file.writtenPath)) { found in
                counts.all += 1
                if counts.all & 0xFFF == 0 { isStopped = shouldStop() }
                guard !isStopped else { return false }
                guard let image = images[found.image_id] else { return true }
                counts.ofKnownImages += 1
                let answer = AnswerNormalizer.normalize(
                    VisualGenomeFile.text(found.answer, found.answer_size))
                guard answers.index(of: answer) != nil else { return true }
                let question = VisualGenomeFile.text(found.question, found.question_size)
                if try output.write(id: found.question_id, image: image, question, answer) {
                    counts.written += 1
                }
                return true
            }
        }
        guard !isStopped else { return nil }
        guard counts.written > 0 else {
            throw DamagedDatasetArchive(
                path: zip,
                problem:
                    "\(zip): expected questions with answers that VQA-v2 has, found none of \(counts.all)")
        }
        try output.commit()
        return counts
    }

    private func unpack(
        _ archive: VisualGenomeArchive, _ zip: String, _ shouldStop: () -> Bool
    ) throws -> AtomicFile? {
        let name = archive.contentName
        return try DatasetArchive.unpack(
            zip, [name: scratch.appending(component: name).path], byteLimit: Self.largestFile,
            shouldStop: shouldStop)?[name]
    }

    /// Names the archive in an error about the file in it, whose name is a temporary one.
    private func inArchive<Result>(_ zip: String, _ read: () throws -> Result) throws -> Result {
        do {
            return try read()
        } catch let error as DatasetFileError {
            throw DamagedDatasetArchive(path: zip, problem: "\(zip): \(error.problem)")
        }
    }
}
