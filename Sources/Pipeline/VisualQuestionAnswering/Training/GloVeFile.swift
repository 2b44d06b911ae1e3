import Foundation
import VQADatasets

/// Where GloVe's vectors lie when no option names them.
package enum GloVeFile {
    /// The name of the vectors of the paper, and that of the archive in which they are published.
    package static let names = ["glove.840B.300d.txt", "glove.840B.300d.zip"]

    /// The text or the archive in the working folder, in the datasets folder, or where pytorch-nlp, which the official
    /// release uses, keeps it; nil where it is in none of them.
    package static func find(for place: DatasetPlace) -> URL? {
        let datasets = place.folder ?? place.questionsFolder?.deletingLastPathComponent()
        let folders = [
            URL(fileURLWithPath: "."), datasets, URL(fileURLWithPath: ".word_vectors_cache"),
        ].compactMap { $0 }
        return folders.flatMap { folder in names.map { folder.appending(component: $0) } }
            .first { FileManager.default.fileExists(atPath: $0.path) }
    }

    /// How many of the words the file knows, and how much of the questions they make up.
    static func coverage(of data: TrainingData, by vectors: WordVectors, _ file: URL) -> String {
        let counted = zip(data.wordCounts, vectors.isFound)
        let (all, known) = counted.reduce((0, 0)) { ($0.0 + $1.0, $0.1 + ($1.1 ? $1.0 : 0)) }
        let share =
            all > 0
            ? ", \(String(format: "%.2f", 100 * Double(known) / Double(all))) % of the questions' text" : ""
        return "\(file.relativePath) knows \(vectors.knownCount) of \(data.vocabulary.count) words\(share)"
    }
}

/// `use_glove` is true, and there are no vectors.
public struct MissingGloVeError: Error, Sendable, CustomStringConvertible {
    /// One line.
    public var description: String {
        "use_glove is true: expected \(GloVeFile.names[0]) or .zip in the working folder or the datasets folder, or "
            + "--glove FILE with GloVe's vectors, or --set use_glove=false; found none of them"
    }
}
