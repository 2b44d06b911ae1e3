import PictureDrawing
import VQAFeatures
import VQAModels

/// Questions about an image with their answers, and what these rest on: to be drawn, or written as JSON.
public struct ExplainedImage: Sendable, Encodable {
    /// A region.
    public struct Region: Sendable, Equatable, Encodable {
        /// x1, y1, x2, y2 in pixels of the image.
        public let box: [Float]
        /// What it is thought to show; nil where that is not known.
        public let name: String?
    }

    /// A question, and what there is to say.
    public struct Question: Sendable, Encodable {
        /// The question, as it was asked.
        public let question: String
        /// The answers and weights.
        public let explanation: Explanation
        /// What the weights are, in a sentence.
        public let note: String

        private enum CodingKeys: String, CodingKey {
            case question, note
        }

        /// The question and the note beside what an explanation has.
        public func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(question, forKey: .question)
            try container.encode(note, forKey: .note)
            try explanation.encode(to: encoder)
        }
    }

    /// What the image is called.
    public let picture: String
    /// In pixels.
    public let width: Int
    /// In pixels.
    public let height: Int
    /// The regions, in the order of their features.
    public let regions: [Region]
    /// The questions, as they were asked.
    public let questions: [Question]

    /// - Parameters:
    ///   - picture: What the image is called.
    ///   - features: Its regions.
    ///   - names: What each of these is thought to show; none where that is not known.
    ///   - questions: What was asked.
    ///   - explanations: What ``Answerer/explain(_:about:by:attention:top:)-([String],_,_,_,_)`` gave for these.
    ///   - choice: Which attention was told.
    public init(
        _ picture: String, _ features: RegionFeatures, names: [String] = [], _ questions: [String],
        _ explanations: [Explanation], attention choice: AttentionChoice = .output
    ) {
        self.picture = picture
        (width, height) = (features.imageWidth, features.imageHeight)
        regions = (0..<features.count).map { region in
            Region(
                box: Array(features.boxes[region * 4..<region * 4 + 4]),
                name: names.indices.contains(region) ? names[region] : nil)
        }
        self.questions = zip(questions, explanations).map { question, explanation in
            Question(question: question, explanation: explanation, note: Self.note(explanation, choice))
        }
    }

    /// What the weights are.
    private static func note(_ explanation: Explanation, _ choice: AttentionChoice) -> String {
        switch explanation.method {
        case .attention:
            let place =
                switch choice {
                case .output: "right before the answer"
                case .layer(let layer, nil): "in layer \(layer), the mean of its heads"
                case .layer(let layer, let head?): "in layer \(layer), head \(head)"
                }
            return
                "Attention: what the model looked at \(place). Weights of words sum to 1, and so do those of regions. "
                + "Attention is not the reason of an answer."
        case .occlusion:
            let best = explanation.answers.first?.text ?? ""
            return
                "Occlusion: how much the logit of \u{201C}\(best)\u{201D} falls without the word, or the region. "
                + "It rises where a weight is negative."
        }
    }

    /// All of it as a drawing.
    ///
    /// - Throws: `DrawingError` where the image has too long a side, or memory is short.
    public func drawing() throws -> ExplanationDrawing {
        try ExplanationDrawing(
            questions.map { question in
                let explanation = question.explanation
                return ExplanationDrawing.Question(
                    words: explanation.words.map { .init(text: $0.text, value: $0.weight) },
                    regionWeights: explanation.regions,
                    answers: explanation.answers.map { .init(text: $0.text, value: $0.score) },
                    isSigned: explanation.method == .occlusion, note: question.note)
            }, regions: regions.map { .init(corners: $0.box, name: $0.name) }, width: width, height: height)
    }
}
