/// The accuracies of a set of predictions, in percent, rounded to two decimals as the official metric
/// rounds them.
public struct AccuracyReport: Sendable, Equatable {
    /// The accuracy over all questions.
    public let overall: Double
    /// The accuracy over the questions of each answer type: "yes/no", "number", "other".
    public let perAnswerType: [String: Double]
    /// The accuracy over the questions of each question type: "how many", "is the", ...
    public let perQuestionType: [String: Double]
    /// The annotated questions, in the order of the annotations.
    public let questionIDs: [QuestionID]
    /// The accuracy of each of ``questionIDs``.
    public let perQuestion: [Double]
}

/// The official accuracy of VQA-v2 (`vqaEval.py`, GT-Vision-Lab/VQA).
///
/// The accuracy of an answer is the mean, over the ten people who were asked, of
/// `min(1, m / 3)`, where m is how many of the *other* people gave that answer. "Other" goes by what
/// was recorded: an answer with the same text, confidence and id as another does not count as other.
///
/// A metric is made once for a set of annotations and evaluates any number of predictions.
public struct AccuracyMetric: Sendable {
    /// What an answer to each question scores: every text that scores anything, with its accuracy.
    struct ScoringTexts: Sendable {
        /// Those of row i are at `offsets[i]..<offsets[i + 1]` of the columns below.
        var offsets = [0]
        /// Numbers of the metric's texts.
        var texts: [Int32] = []
        /// From 0 to 1.
        var accuracies: [Double] = []
    }

    /// The annotated questions, in the order of the annotations.
    let questionIDs: [QuestionID]
    /// The names of answer types and question types, which the columns below number.
    let types: StringColumn
    let answerTypes: [Int32]
    let questionTypes: [Int32]
    /// The texts of all human answers, after the punctuation step where it applies.
    let texts: StringIndex
    let scoring: ScoringTexts
    private let rows: RowIndex

    /// Prepares the human answers: those of a question are compared as they are where all are the
    /// same, and without punctuation (``AnswerNormalizer/removePunctuation(_:)``) where they differ.
    public init(_ annotations: AnnotationTable) {
        var types = StringIndex()
        var typeNumbers = ComputedOncePerString<Int32>(annotations.strings)
        func numbered(_ column: [Int32]) -> [Int32] {
            column.map { typeNumbers.value(of: $0) { types.intern($0) } }
        }
        answerTypes = numbered(annotations.answerTypes)
        questionTypes = numbered(annotations.questionTypes)
        self.types = types.strings
        questionIDs = annotations.questionIDs
        rows = annotations.rows
        var comparison = AnswerComparison(annotations)
        for row in annotations.indices { comparison.add(row) }
        texts = comparison.texts
        scoring = comparison.scoring
    }

    /// A metric that was kept in columns.
    ///
    /// - Throws: ``DuplicateQuestionError`` where a question comes twice.
    init(
        questionIDs: [QuestionID], types: StringColumn, answerTypes: [Int32], questionTypes: [Int32],
        texts: StringIndex, scoring: ScoringTexts
    ) throws {
        self.questionIDs = questionIDs
        self.types = types
        self.answerTypes = answerTypes
        self.questionTypes = questionTypes
        self.texts = texts
        self.scoring = scoring
        rows = try RowIndex(of: questionIDs)
    }

    /// The accuracies of predictions, which may be in any order.
    ///
    /// - Throws: ``EvaluationError`` where the predictions do not answer each annotated question exactly
    ///   once, and no other.
    public func evaluate(_ predictions: some Collection<Prediction>) throws -> AccuracyReport {
        guard !questionIDs.isEmpty else { throw EvaluationError.noAnnotations }
        let predictedTexts = try predictedTexts(of: predictions)
        var total = Mean()
        var ofAnswerType = Array(repeating: Mean(), count: types.count)
        var ofQuestionType = ofAnswerType
        let perQuestion = questionIDs.indices.map { row in
            let accuracy = predictedTexts[row].map { self.accuracy(of: $0, row: row) } ?? 0
            total.add(accuracy)
            ofAnswerType[Int(answerTypes[row])].add(accuracy)
            ofQuestionType[Int(questionTypes[row])].add(accuracy)
            return roundedToTwoDecimals(100 * accuracy)
        }
        return AccuracyReport(
            overall: total.percentage,
            perAnswerType: percentages(ofAnswerType), perQuestionType: percentages(ofQuestionType),
            questionIDs: questionIDs, perQuestion: perQuestion)
    }

    /// For each annotation, the number in ``texts`` of the answer predicted; nil where nobody gave it.
    private func predictedTexts(of predictions: some Collection<Prediction>) throws -> [Int32?] {
        var coverage = EvaluationError.Coverage()
        var isPredicted = Array(repeating: false, count: questionIDs.count)
        var predictedTexts: [Int32?] = Array(repeating: nil, count: questionIDs.count)
        var answers = StringIndex()
        var textOfAnswer: [Int32?] = []
        for prediction in predictions {
            guard let row = rows[prediction.questionID] else {
                coverage.unknown.append(prediction.questionID)
                continue
            }
            if isPredicted[row] { coverage.repeated.append(prediction.questionID) }
            isPredicted[row] = true
            let answer = Int(answers.intern(prediction.answer))
            if answer == textOfAnswer.count {
                let stripped = PythonText.stripped(prediction.answer)
                textOfAnswer.append(texts.number(of: AnswerNormalizer.normalize(stripped)))
            }
            predictedTexts[row] = textOfAnswer[answer]
        }
        coverage.missing = questionIDs.indices.filter { !isPredicted[$0] }.map { questionIDs[$0] }
        guard coverage.isExact else { throw EvaluationError.coverage(coverage) }
        return predictedTexts
    }

    /// The accuracy of one answer, from 0 to 1.
    private func accuracy(of predicted: Int32, row: Int) -> Double {
        let range = scoring.offsets[row]..<scoring.offsets[row + 1]
        return range.first { scoring.texts[$0] == predicted }.map { scoring.accuracies[$0] } ?? 0
    }

    /// Named by their strings: types that Swift takes for the same string are counted as one.
    private func percentages(_ means: [Mean]) -> [String: Double] {
        let named = means.indices.filter { means[$0].count > 0 }.map { (types[$0], means[$0]) }
        return Dictionary(named, uniquingKeysWith: { $0 + $1 }).mapValues(\.percentage)
    }
}

/// Finds, row by row, what each text that people gave would score as an answer.
private struct AnswerComparison {
    let annotations: AnnotationTable
    private(set) var texts = StringIndex()
    private(set) var scoring = AccuracyMetric.ScoringTexts()
    private var asGiven: ComputedOncePerString<Int32>
    private var withoutPunctuation: ComputedOncePerString<Int32>
    /// The texts of one row's answers.
    private var given: [Int32] = []

    init(_ annotations: AnnotationTable) {
        self.annotations = annotations
        asGiven = ComputedOncePerString(annotations.strings)
        withoutPunctuation = ComputedOncePerString(annotations.strings)
        scoring.offsets.reserveCapacity(annotations.count + 1)
    }

    mutating func add(_ row: Int) {
        let records = annotations.answers[annotations.answerRange(of: row)]
        let areUnanimous = records.allSatisfy { $0.answer == records.first?.answer }
        given.removeAll(keepingCapacity: true)
        for record in records {
            given.append(
                areUnanimous
                    ? asGiven.value(of: record.answer) { texts.intern($0) }
                    : withoutPunctuation.value(of: record.answer) {
                        texts.intern(AnswerNormalizer.removePunctuation($0)[...])
                    })
        }
        let start = scoring.texts.count
        for text in given where !scoring.texts[start...].contains(text) {
            scoring.texts.append(text)
            scoring.accuracies.append(accuracy(of: text, records))
        }
        scoring.offsets.append(scoring.texts.count)
    }

    private func accuracy(of text: Int32, _ records: ArraySlice<AnnotationTable.AnswerRecord>) -> Double {
        let matchCount = given.count { $0 == text }
        var sum = 0.0
        for (place, record) in zip(given.indices, records) {
            // A person's answer matches itself and its equals, which do not count as other answers.
            let equalCount = given[place] == text ? count(ofRecordsEqualTo: record, text, records) : 0
            sum += min(1, Double(matchCount - equalCount) / 3)
        }
        return sum / Double(records.count)
    }

    private func count(
        ofRecordsEqualTo record: AnnotationTable.AnswerRecord, _ text: Int32,
        _ records: ArraySlice<AnnotationTable.AnswerRecord>
    ) -> Int {
        zip(given, records).count {
            $0 == text && $1.confidence == record.confidence && $1.answerID == record.answerID
        }
    }
}

/// Predictions that cannot be evaluated.
public enum EvaluationError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Which questions predictions miss, add or repeat.
    public struct Coverage: Sendable, Equatable {
        /// Annotated questions without a prediction.
        public var missing: [QuestionID] = []
        /// Questions with a prediction that are not annotated.
        public var unknown: [QuestionID] = []
        /// Questions with another prediction already.
        public var repeated: [QuestionID] = []

        var isExact: Bool { missing.isEmpty && unknown.isEmpty && repeated.isEmpty }
    }

    /// There is no annotation, so no mean.
    case noAnnotations
    /// The predictions are for other questions than the annotations.
    case coverage(Coverage)

    /// The error in one line.
    public var description: String {
        switch self {
        case .noAnnotations: return "there are no annotations to evaluate predictions against"
        case .coverage(let coverage):
            let parts = [
                ("not predicted", coverage.missing), ("not annotated", coverage.unknown),
                ("predicted more than once", coverage.repeated),
            ]
            let problems = parts.filter { !$0.1.isEmpty }.map { "\($0.1.count) \($0.0) (\($0.1.listed()))" }
            return
                "predictions must cover the annotated questions exactly: \(problems.joined(separator: "; "))"
        }
    }
}

/// The mean of accuracies, added up in the order of the questions as the official metric does.
private struct Mean {
    var sum = 0.0
    var count = 0

    mutating func add(_ accuracy: Double) {
        sum += accuracy
        count += 1
    }

    static func + (left: Mean, right: Mean) -> Mean {
        Mean(sum: left.sum + right.sum, count: left.count + right.count)
    }

    var percentage: Double { roundedToTwoDecimals(100 * sum / Double(count)) }
}

/// Python's `round(value, 2)`: by the exact value of the number, not by that of `100 * value`, which
/// is itself rounded. For values from 0 to 100.
func roundedToTwoDecimals(_ value: Double) -> Double {
    let hundredths = value * 100
    let whole = hundredths.rounded(.down)
    let fraction = hundredths - whole
    // The product is off by this much; it decides where the product ends in one half.
    let error = (-hundredths).addingProduct(value, 100)
    if fraction == 0.5, error != 0 { return (error > 0 ? whole + 1 : whole) / 100 }
    return hundredths.rounded(.toNearestOrEven) / 100
}
