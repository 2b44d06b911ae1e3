/// What a run has started with.
public struct StartRecord: Codable, Sendable, Equatable {
    /// The path of the checkpoint whose weights it took.
    public let checkpoint: String
    /// How many tensors it took as they were.
    public package(set) var tensors = 0
    /// Of how many words it took the rows.
    public let words: Int
    /// Of how many answers it took the rows.
    public let answers: Int

    /// A start of which no tensor is counted yet.
    package init(checkpoint: String, words: Int, answers: Int) {
        (self.checkpoint, self.words, self.answers) = (checkpoint, words, answers)
    }
}
