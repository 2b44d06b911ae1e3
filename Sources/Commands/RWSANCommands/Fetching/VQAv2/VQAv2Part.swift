import ArgumentParser
import VQADatasets

/// What `--with` brings beside VQA-v2's questions and annotations.
enum VQAv2Part: String, CaseIterable {
    /// COCO's pictures, in their archives.
    case images
    /// The official features, in their archives.
    case features
    /// GloVe's word vectors.
    case glove
    /// Visual Genome's questions.
    case visualGenome = "visual-genome"

    /// Reads a list as `images,glove`.
    ///
    /// - Throws: `ValidationError` where a name is none of these.
    static func list(_ text: String?) throws -> Set<VQAv2Part> {
        guard let text else { return [] }
        return Set(
            try text.split(separator: ",", omittingEmptySubsequences: false).map { name in
                guard let part = VQAv2Part(rawValue: String(name)) else {
                    let choices = allCases.map(\.rawValue)
                    throw ValidationError(
                        "--with: expected \(choices.dropLast().joined(separator: ", ")) or \(choices.last ?? ""), "
                            + "separated by commas, found '\(name)'")
                }
                return part
            })
    }
}
