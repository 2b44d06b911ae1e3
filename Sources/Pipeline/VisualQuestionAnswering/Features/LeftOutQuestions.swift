import VQABatches

/// The questions that were left out, for the features of their images cannot be read.
struct LeftOutQuestions {
    private let questionCount: Int
    private let images: UnreadableImages

    /// How many of the reasons are named.
    private static let namedReasons = 5

    /// Nil where there are none.
    init?(of builder: BatchBuilder) {
        questionCount = builder.leftOut.count
        guard let images = builder.unreadable, questionCount > 0 else { return nil }
        self.images = images
    }

    /// Tells how many there are, and why the first ones.
    ///
    /// - Parameter place: What they are left out of; nil where that is plain.
    func tell(outOf place: String? = nil, consequence: String = "", _ onNotice: (String) -> Void) {
        let all = images.all
        let start = place.map { "left out of \($0): " } ?? "left out: "
        onNotice(
            "\(start)\(questionCount) questions about \(all.count) images whose features cannot be read\(consequence)"
        )
        // All images of a damaged shard have the same reason.
        var reasons: [String] = []
        for (_, reason) in all where !reasons.contains(reason) {
            guard reasons.count < Self.namedReasons else {
                onNotice("left out: more for other reasons")
                return
            }
            reasons.append(reason)
            onNotice("left out: \(reason)")
        }
    }
}
