import Foundation
import VQADatasets

/// Which answer list counts.
enum AnswerListChoice {
    /// The list of `--answers`, or the checkpoint's own; nil where there is neither.
    ///
    /// - Throws: `OtherAnswerListError` where both are there and differ: a network's outputs are numbered by the list that
    ///   it was trained with.
    static func list(file: String?, checkpoint own: AnswerList?, of checkpoint: String) throws -> AnswerList?
    {
        guard let file else { return own }
        let list = try AnswerList(contentsOf: URL(fileURLWithPath: file))
        guard let own, own.answers != list.answers else { return list }
        throw OtherAnswerListError(file: file, checkpoint: checkpoint)
    }
}

/// An answer list that is not the checkpoint's own.
public struct OtherAnswerListError: Error, Sendable, CustomStringConvertible {
    /// The list's file.
    public let file: String
    /// The checkpoint's path.
    public let checkpoint: String
    /// One line.
    public var description: String {
        "\(file): expected the answers of \(checkpoint), which holds its own list, in their order; found others: leave "
            + "--answers out"
    }
}
