/// What is sent about one image.
package protocol ImageRequest: Sendable {
    /// The image.
    var image: ImageSource { get }

    /// Reads the body of a request: JSON, with files in base64, or a form.
    ///
    /// - Parameter contentType: The header of that name; nil where there is none.
    /// - Throws: ``RequestError``.
    init(_ body: [UInt8], contentType: String?) throws(RequestError)
}

/// What `POST /v1/answers` is sent: one image and questions about it.
package struct AnswerRequest: ImageRequest, Equatable {
    /// What the questions are about.
    package let image: ImageSource
    /// The questions, in their order.
    package let questions: [String]
    /// How many answers to each question are wanted, the best first.
    package let top: Int
    /// How answers are to be explained; nil for not at all.
    package let explanation: Explanation?
    /// Whether the regions are wanted too.
    package let regions: Bool

    /// How answers are to be explained.
    package struct Explanation: Sendable, Equatable {
        /// One of ``methods``.
        package let method: String
        /// A layer of the model, from 1 on; nil for what stands nearest to the answer.
        package let layer: Int?
        /// One of the layer's heads, from 1 on; nil for the mean of all.
        package let head: Int?

        /// The methods that there are.
        package static let methods = ["attention", "occlusion"]
    }

    /// The most questions of a request.
    package static let mostQuestions = 16
    /// The most bytes of a question: some hundred words, of which models read 14 to 40.
    package static let longestQuestion = 2000
    /// The most answers to a question.
    package static let mostAnswers = 100

    package init(_ body: [UInt8], contentType: String?) throws(RequestError) {
        let fields = try RequestFields(body, contentType: contentType)
        try fields.requireOnly(["questions", "top", "explain", "layer", "head", "regions"])
        image = try fields.image()
        questions = fields.questions ?? []
        top = fields.top ?? 3
        explanation = try fields.explanation()
        regions = fields.regions ?? true
        guard (1...Self.mostQuestions).contains(questions.count) else {
            throw RequestError("questions: expected 1 to \(Self.mostQuestions), found \(questions.count)")
        }
        for question in questions {
            // Whatever is not of ASCII may be a word somewhere.
            guard
                question.unicodeScalars.contains(where: {
                    !$0.isASCII || Character($0).isLetter || Character($0).isNumber
                })
            else {
                throw RequestError("questions: expected a question, found one without a word in it")
            }
            guard question.utf8.count <= Self.longestQuestion else {
                throw RequestError(
                    "questions: expected at most \(Self.longestQuestion) bytes a question, found \(question.utf8.count)"
                )
            }
        }
        guard (1...Self.mostAnswers).contains(top) else {
            throw RequestError("top: expected 1 to \(Self.mostAnswers), found \(top)")
        }
    }
}

/// What `POST /v1/features` is sent: one image.
package struct FeaturesRequest: ImageRequest, Equatable {
    /// The image.
    package let image: ImageSource
    /// Whether the numbers of the features are wanted too.
    package let values: Bool

    package init(_ body: [UInt8], contentType: String?) throws(RequestError) {
        let fields = try RequestFields(body, contentType: contentType)
        try fields.requireOnly(["values"])
        image = try fields.image()
        values = fields.values ?? false
    }
}
