import Foundation
import VQAData

/// Where GloVe's vectors lie when no option names them.
enum GloVeFile {
    /// The name under which the vectors of the paper are published.
    static let name = "glove.840B.300d.txt"

    /// The file in the working folder, in the datasets folder, or where pytorch-nlp, which the official
    /// release uses, keeps it; nil where it is in none of them.
    static func find(for layout: OfficialLayout) -> URL? {
        let folders = [
            URL(fileURLWithPath: "."), layout.questionsFolder.deletingLastPathComponent(),
            URL(fileURLWithPath: ".word_vectors_cache"),
        ]
        return folders.map { $0.appending(component: name) }
            .first { FileManager.default.fileExists(atPath: $0.path) }
    }
}

struct MissingGloVe: Error, CustomStringConvertible {
    var description: String {
        "use_glove is true: expected \(GloVeFile.name) in the working folder or the datasets folder, or --glove "
            + "FILE with GloVe's vectors, or --set use_glove=false; found none of them"
    }
}
