import FileSystem
import Foundation
import VQADatasets
import VQATraining
import VQAVision

/// Makes a dataset of a folder of pictures and a table of questions about them: files in VQA-v2's form, and links to the
/// pictures under the names by which their features are found.
package struct DatasetImport {
    /// The table.
    package var table: URL
    /// Its form.
    package var format: TableFormat
    /// Which of its columns hold what.
    package var columns = TableColumns()
    /// The folder of pictures.
    package var pictures: String
    /// The folder of the dataset: a new one, or one that was imported before.
    package var output: String
    /// What the draw of splits starts from, and the shares of the pictures, from 0 to 1, that are drawn; each is nil for that
    /// of an earlier import, else the default, and all have to be nil where the table has a column of splits.
    package var draw = Draw()

    /// How splits are drawn.
    package struct Draw: Sendable, Equatable {
        /// What the draw starts from; 0 where it is nil.
        package var seed: UInt64?
        /// The share that is `val`; a tenth where it is nil.
        package var validation: Double?
        /// The share that is `test`; none where it is nil.
        package var test: Double?

        /// The defaults.
        package init() {}

        /// The rule, with what is nil taken from an earlier one.
        func rule(after earlier: SplitRule?) -> SplitRule {
            guard case .drawn(let seed, let validation, let test)? = earlier else {
                return rule(after: .drawn(seed: 0, validation: 0.1, test: 0))
            }
            return .drawn(
                seed: self.seed ?? seed, validation: self.validation ?? validation, test: self.test ?? test)
        }
    }

    package init(table: URL, format: TableFormat, pictures: String, output: String) {
        (self.table, self.format, self.pictures, self.output) = (table, format, pictures, output)
    }

    /// Imports the table.
    ///
    /// - Parameters:
    ///   - progress: Called with the number of pictures that have been read, and that of all.
    ///   - shouldStop: Asked meanwhile; where it says so, nothing is written.
    /// - Throws: `DatasetFileError` where the table is not of its form; `FeatureExtractionError` where the folder of pictures
    ///   cannot be used; `ImportError` where there is nothing to import, or the output is in use for something else;
    ///   `InterruptedError`; `ArchiveError` where a file cannot be written.
    package func run(
        progress: (_ done: Int, _ count: Int) -> Void = { _, _ in }, shouldStop: () -> Bool = { false }
    ) throws -> Report {
        let dataset = ImportedDataset(output)
        let earlier = try dataset.earlierNote()
        let listing = try PictureListing(pictures)
        let paths = (listing.readable + listing.others).sorted()
        guard !paths.isEmpty else { throw FeatureExtractionError.noPictures(pictures) }

        var reading = TableReading(paths)
        try reading.read(format.rows(of: table, columns))
        try leaveOutUnreadable(&reading, progress, shouldStop)
        guard !reading.questions.isEmpty else { throw nothingLeft(reading) }
        let (note, questions) = try arranged(reading, earlier)
        try dataset.write(
            note, questions, leftOut: reading.leftOut,
            extensions: note.images.map { listing.fileExtension(of: $0.picture) })
        var report = Report(dataset, note, questions, reading)
        report.unusedPictures = paths.count - reading.namedPictures.count
        report.unopened = listing.leftOut
        let before = Dictionary((earlier?.images ?? []).map { ($0.id, $0.split) }, uniquingKeysWith: { $1 })
        report.movedPictures = note.images.count {
            before[$0.id].map { [split = $0.split] in split != $0 } ?? false
        }
        if let earlier {
            report.formerFolder = earlier.pictures == note.pictures ? nil : earlier.pictures
            let (now, then) = (Set(note.images.map(\.picture)), Set(earlier.images.map(\.picture)))
            let gone = Set(then.subtracting(now).map(\.pathName))
            report.displacedPictures = now.subtracting(then).count { gone.contains($0.pathName) }
        }
        return report
    }

    private func leaveOutUnreadable(
        _ reading: inout TableReading, _ progress: (Int, Int) -> Void, _ shouldStop: () -> Bool
    ) throws {
        let used = reading.usedPictures
        let problems = try PictureCheck.problems(with: used.map { "\(pictures)/\(reading.paths[$0])" }) {
            done in
            progress(done, used.count)
            if shouldStop() { throw InterruptedError() }
        }
        reading.leaveOut(
            Dictionary(
                zip(used, problems).compactMap { place, problem in problem.map { (place, $0) } },
                uniquingKeysWith: { $1 }))
    }

    private func nothingLeft(_ reading: TableReading) -> ImportError {
        guard let first = reading.leftOut.first else {
            return ImportError(path: table.path, problem: "expected rows with questions, found none")
        }
        return ImportError(
            path: table.path,
            problem:
                "expected questions that can be taken, found none in \(reading.leftOut.count) rows; \(first.line)"
        )
    }

    /// Gives the pictures that have questions their numbers and splits, and has the questions refer to them.
    private func arranged(_ reading: TableReading, _ earlier: ImportNote?) throws -> (
        ImportNote, [ImportedQuestion]
    ) {
        let used = reading.usedPictures
        let names = used.map { reading.paths[$0] }
        let known = Dictionary(
            ((earlier?.images ?? []) + (earlier?.former ?? [])).map { ($0.picture, $0) },
            uniquingKeysWith: { $1 })
        let ids = ImageNumbers.numbers(of: names, earlier: known.mapValues(\.id))
        let rule = try self.rule(reading, after: earlier?.rule)
        let splits = try splits(of: names, used, reading, rule, earlier?.rule == rule ? known : [:])
        let images = zip(names, zip(ids, splits)).map { ImportedImage(id: $1.0, picture: $0, split: $1.1) }
        var places = [Int](repeating: 0, count: reading.paths.count)
        for (image, place) in used.enumerated() { places[place] = image }
        let questions = reading.questions.map { $0.about(places[$0.picture]) }
        let current = Set(names)
        let former = known.values.filter { !current.contains($0.picture) }.sorted { $0.id < $1.id }
        let folder = URL(fileURLWithPath: pictures).standardizedFileURL.path
        return (ImportNote(rule: rule, pictures: folder, images: images, former: former), questions)
    }

    private func rule(_ reading: TableReading, after earlier: SplitRule?) throws -> SplitRule {
        guard reading.hasSplits else { return draw.rule(after: earlier) }
        guard draw == Draw() else {
            throw ImportError(
                path: table.path,
                problem:
                    "expected no --seed, --val and --test, for its column says the splits: leave them out")
        }
        return .column
    }

    private func splits(
        of names: [String], _ used: [Int], _ reading: TableReading, _ rule: SplitRule,
        _ known: [String: ImportedImage]
    ) throws -> [ImportSplit] {
        switch rule {
        case .column:
            if let problem = reading.splitProblem { throw ImportError(path: table.path, problem: problem) }
            let splits = used.map { reading.split(ofPicture: $0) ?? .train }
            guard splits.contains(.train) else {
                throw ImportError(
                    path: table.path, problem: "expected pictures of the split train, found none")
            }
            return splits
        case .drawn(let seed, let validation, let test):
            let splits = SplitDraw.splits(
                of: names, seed: seed, validation: validation, test: test, earlier: known.mapValues(\.split))
            guard let splits else {
                throw ImportError(
                    path: table.path,
                    problem:
                        "expected pictures left to learn from, found \(names.count) in all: --val and --test "
                        + "take smaller shares, 0% for none")
            }
            return splits
        }
    }
}
