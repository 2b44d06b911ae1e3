/// One of the two zip archives that Visual Genome's authors publish and its questions are made from.
package enum VisualGenomeArchive: String, CaseIterable, Sendable {
    /// Which picture of COCO a picture is.
    case images = "image_data.json.zip"
    /// Questions and their answers.
    case questions = "question_answers.json.zip"

    /// Where they are published; the name of an archive follows.
    package static let publicAddress =
        "https://homes.cs.washington.edu/~ranjay/visualgenome/data/dataset/"

    /// The name of the archive.
    package var fileName: String { rawValue }

    /// The name of the file in it.
    package var contentName: String { String(rawValue.dropLast(".zip".count)) }
}
