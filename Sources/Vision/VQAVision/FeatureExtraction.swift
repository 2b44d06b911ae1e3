import FileSystem
import Foundation
import Workers

/// Turns a folder of pictures into a folder of region features, in the official release's files.
///
/// `COCO_val2014_000000000042.png` becomes `COCO_val2014_000000000042.png.npz`. Files that are there and
/// whole are kept, so that a run that was interrupted goes on where it was. Beside them lies
/// `extraction.json`, which says how they were made: a run with other settings is refused there, because
/// features of two kinds in one folder would go unnoticed until a model fails to learn.
///
///     let extraction = FeatureExtraction(extractor)
///     let report = try extraction.run(pictures: "images/val2014", into: "coco_extract/val2014")
///
/// Pictures are decoded, and files written, on threads beside the one that calls `run`, which runs the
/// network. libtorch is not called on the others: it would start a pool of threads for each.
public struct FeatureExtraction {
    /// Whether the first picture that cannot be read ends the run; else it is left out and reported.
    public var stopsAtUnreadablePicture = false
    /// How many pictures the network sees at once.
    public var batchSize = 64
    /// How many threads decode pictures, and how many write files.
    public var threadCount = max(1, ProcessInfo.processInfo.activeProcessorCount)
    private let extractor: GridFeatures

    /// What a run has done.
    public struct Report: Sendable {
        /// How many pictures' features were written.
        public internal(set) var extractedCount = 0
        /// How many pictures had their features already.
        public internal(set) var keptCount = 0
        /// What is wrong with the pictures that were left out, in the order of their names.
        public internal(set) var unreadable: [PictureError] = []
        /// Whether it was stopped before all pictures were seen to.
        public internal(set) var isInterrupted = false

        /// How many pictures have been seen to.
        var doneCount: Int { extractedCount + keptCount + unreadable.count }
    }

    /// - Parameter extractor: What makes features of pictures.
    public init(_ extractor: GridFeatures) {
        self.extractor = extractor
    }

    /// Extracts the features of every picture in a folder.
    ///
    /// Pictures are the folder's files whose names end in `.png`, `.jpg` or `.jpeg`, in any case, and do
    /// not begin with a dot; folders in it are not looked into.
    ///
    /// - Parameters:
    ///   - pictureFolder: The path of the folder of pictures.
    ///   - featureFolder: The path of the folder for the files, which is made where it is missing.
    ///   - progress: Called on the calling thread with the number of pictures seen to and that of all.
    ///   - shouldStop: Asked between batches of pictures; where it says so, what is done is kept and the run ends.
    /// - Throws: `FeatureExtractionError` where a folder cannot be used; `PictureError` if that is to end the
    ///   run; `ArchiveError` where a file cannot be written; `TorchError` where memory is short.
    public func run(
        pictures pictureFolder: String, into featureFolder: String,
        progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }, shouldStop: () -> Bool = { false }
    ) throws -> Report {
        let names = try Self.pictureNames(in: pictureFolder)
        let output = try FeatureOutputFolder(featureFolder, for: extractor)
        let batches = batches(of: names, in: pictureFolder, output)
        let writer = FeatureWriter(threadCount: threadCount)
        // However this ends, no file is written after it.
        defer {
            batches.cancel()
            writer.wait()
        }

        var report = Report()
        while let pictures = try batches.next() {
            var pending: [(path: String, input: GridFeatures.Input)] = []
            for picture in pictures {
                switch picture {
                case .done: report.keptCount += 1
                case .pending(let path, let input): pending.append((path, input))
                case .unreadable(let error):
                    if stopsAtUnreadablePicture { throw error }
                    report.unreadable.append(error)
                }
            }
            let features = try extractor(pending.map(\.input))
            try writer.write(Array(zip(pending.map(\.path), features)))
            report.extractedCount += features.count
            progress(report.doneCount, names.count)
            if shouldStop(), report.doneCount < names.count {
                report.isInterrupted = true
                break
            }
        }
        try writer.finish()
        return report
    }

    private enum Prepared: Sendable {
        /// The picture's features are there.
        case done
        case pending(path: String, GridFeatures.Input)
        case unreadable(PictureError)
    }

    /// The pictures in batches, decoded ahead of their use.
    private func batches(
        of names: [String], in pictureFolder: String, _ output: FeatureOutputFolder
    ) -> Prefetcher<[Prepared]> {
        let batchSize = max(1, batchSize)
        let inputSize = extractor.inputSize
        let count = names.count / batchSize + (names.count.isMultiple(of: batchSize) ? 0 : 1)
        return Prefetcher(0..<count, workers: threadCount) { index in
            try names.dropFirst(index * batchSize).prefix(batchSize).map { name in
                if output.hasFeatures(of: name) { return .done }
                do {
                    let picture = try Picture(contentsOf: URL(fileURLWithPath: pictureFolder + "/" + name))
                    let input = try GridFeatures.Input(picture, size: inputSize)
                    return .pending(path: output.path(for: name), input)
                } catch let error as PictureError {
                    return .unreadable(error)
                }
            }
        }
    }

    /// The names of a folder's pictures, in alphabetical order.
    private static func pictureNames(in folder: String) throws -> [String] {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: folder)
        } catch {
            throw FeatureExtractionError.unusableFolder(folder, reason: systemReason(of: error))
        }
        let pictures = names.filter { name in
            let suffixes = [".png", ".jpg", ".jpeg"]
            return !name.hasPrefix(".") && suffixes.contains(where: name.lowercased().hasSuffix)
        }
        guard !pictures.isEmpty else { throw FeatureExtractionError.noPictures(folder) }
        return pictures.sorted()
    }
}

/// Why there can be no extraction between two folders.
public enum FeatureExtractionError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A folder cannot be listed or made.
    case unusableFolder(String, reason: String)
    /// A folder without pictures.
    case noPictures(String)
    /// A folder whose features were made in another way.
    case otherFeatures(String, expected: String, found: String)

    /// One line for the user.
    public var description: String {
        switch self {
        case .unusableFolder(let folder, let reason): "\(folder): cannot use the folder: \(reason)"
        case .noPictures(let folder): "\(folder): expected .png, .jpg or .jpeg files, found none"
        case .otherFeatures(let folder, let expected, let found):
            "\(folder): expected an empty folder or one of features \(expected), found features \(found)"
        }
    }
}
