/// Finds, row by row, what each text that people gave would score as an answer.
struct AnswerComparison {
    let annotations: AnnotationTable
    private(set) var texts = StringIndex()
    private(set) var scoring = AccuracyMetric.ScoringTexts()
    private let version: MetricVersion
    private var asGiven: ComputedOncePerString<Int32>
    /// In the form in which answers that differ are compared.
    private var prepared: ComputedOncePerString<Int32>
    /// The texts of one row's answers.
    private var given: [Int32] = []

    init(_ annotations: AnnotationTable, _ version: MetricVersion) {
        self.annotations = annotations
        self.version = version
        asGiven = ComputedOncePerString(annotations.strings)
        prepared = ComputedOncePerString(annotations.strings)
        scoring.offsets.reserveCapacity(annotations.count + 1)
    }

    mutating func add(_ row: Int) {
        let records = annotations.answers[annotations.answerRange(of: row)]
        given.removeAll(keepingCapacity: true)
        switch version {
        case .release: prepareForRelease(records)
        case .vqa2021: prepareForVQA2021(records)
        }
        if records.count > Self.fewAnswers { addAll(records) } else { addFew(records) }
        scoring.offsets.append(scoring.texts.count)
    }

    /// Up to so many answers are compared one with another, as the official metric does, down to the order in which it
    /// adds up. More than ten were never published.
    private static let fewAnswers = 64

    private mutating func addFew(_ records: ArraySlice<AnnotationTable.AnswerRecord>) {
        let start = scoring.texts.count
        for text in given where !scoring.texts[start...].contains(text) {
            scoring.texts.append(text)
            scoring.accuracies.append(accuracy(of: text, records))
        }
    }

    /// A text, and whose answer it is.
    private struct Said: Hashable {
        let text, confidence, answerID: Int32
    }

    /// The same for any number of answers, in time with their number: those that are equal are counted once and for all.
    private mutating func addAll(_ records: ArraySlice<AnnotationTable.AnswerRecord>) {
        var order: [Int32] = []
        var matchCounts: [Int32: Int] = [:]
        var equalCounts: [Said: Int] = [:]
        for (text, record) in zip(given, records) {
            matchCounts[text, default: 0] += 1
            if matchCounts[text] == 1 { order.append(text) }
            let said = Said(text: text, confidence: record.confidence, answerID: record.answerID)
            equalCounts[said, default: 0] += 1
        }
        // What the people who said it score, each against the others.
        var sums: [Int32: Double] = [:]
        for (said, count) in equalCounts {
            let others = (matchCounts[said.text] ?? 0) - count
            sums[said.text, default: 0] += Double(count) * min(1, Double(others) / 3)
        }
        for text in order {
            let matchCount = matchCounts[text] ?? 0
            let rest = Double(records.count - matchCount) * min(1, Double(matchCount) / 3)
            scoring.texts.append(text)
            scoring.accuracies.append(((sums[text] ?? 0) + rest) / Double(records.count))
        }
    }

    /// Answers that are all the same stay as they are, others lose their punctuation.
    private mutating func prepareForRelease(_ records: ArraySlice<AnnotationTable.AnswerRecord>) {
        let areUnanimous = records.allSatisfy { $0.answer == records.first?.answer }
        for record in records {
            given.append(
                areUnanimous
                    ? asGiven.value(of: record.answer) { texts.intern($0) }
                    : prepared.value(of: record.answer) {
                        texts.intern(AnswerNormalizer.removePunctuation($0)[...])
                    })
        }
    }

    /// Answers that are all the same lose the white space around them alone, others get their normal form.
    private mutating func prepareForVQA2021(_ records: ArraySlice<AnnotationTable.AnswerRecord>) {
        for record in records {
            given.append(asGiven.value(of: record.answer) { texts.intern(Self.stripped($0)) })
        }
        let areUnanimous = given.allSatisfy { $0 == given.first }
        scoring.areAsGiven.append(areUnanimous)
        guard !areUnanimous else { return }
        for (place, record) in zip(given.indices, records) {
            given[place] = prepared.value(of: record.answer) {
                texts.intern(AnswerNormalizer.normalize(Self.stripped($0)))
            }
        }
    }

    private static func stripped(_ text: ArraySlice<UInt8>) -> String {
        PythonText.stripped(String(decoding: text, as: UTF8.self))
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
