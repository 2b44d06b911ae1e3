import ArgumentParser
import VQAVision

extension ExtractionPart {
    /// The part that `--shard` asks for; nil for all.
    ///
    /// - Throws: `ValidationError` where the text names none.
    static func part(ofOption text: String?) throws -> ExtractionPart? {
        do {
            return try text.map { text throws(ExtractionPartError) in try ExtractionPart(parsing: text) }
        } catch {
            throw ValidationError("--shard: \(error)")
        }
    }
}
