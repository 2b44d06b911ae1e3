import VQAFeatures

/// Training data as columns, for the cache.
extension TrainingData {
    /// Everything but what the request brought along.
    func columns(_ request: Request) throws -> PreparedColumns {
        var columns = PreparedColumns()
        if request.vocabulary == nil {
            try columns.add("vocabulary", vocabulary.index.strings)
            try columns.add("vocabulary.counts", wordCounts)
        }
        if request.answers == nil { try columns.add("answers", answers.index.strings) }
        try training.add(to: &columns, as: "training")
        if let validation {
            try validation.examples.add(to: &columns, as: "validation")
            guard let metric = validation.metric as? AccuracyMetric else {
                throw StoredColumns.Damage("metric \(validation.metric.name) is not kept in columns")
            }
            try metric.add(to: &columns, as: "metric")
            try columns.add("validation.left_out", validation.leftOut)
        }
        return columns
    }

    /// Reads what `columns(_:)` gave.
    ///
    /// - Throws: `StoredColumns.Damage` where the columns do not fit together.
    init(_ columns: StoredColumns, _ request: Request) throws {
        vocabulary = try request.vocabulary ?? Vocabulary(index: columns.stringIndex("vocabulary"))
        wordCounts = request.vocabulary == nil ? try columns.column("vocabulary.counts") : []
        answers = try request.answers ?? AnswerList(index: columns.stringIndex("answers"))
        training = try Examples(columns, "training", vocabulary, answers)
        validation =
            request.evaluatesVal
            ? AnnotatedQuestions(
                examples: try Examples(columns, "validation", vocabulary, answers),
                metric: try AccuracyMetric(columns, "metric", request.metric),
                leftOut: try columns.identifiers("validation.left_out")) : nil
    }
}

extension Examples {
    fileprivate func add(to columns: inout PreparedColumns, as name: String) throws {
        try columns.add(name + ".question_ids", questionIDs)
        try columns.add(name + ".image_ids", imageIDs)
        try columns.add(name + ".words", words.words)
        try columns.add(name + ".word_offsets", words.offsets)
        guard let targets else { return }
        try columns.add(name + ".targets.offsets", targets.offsets)
        try columns.add(name + ".targets.answers", targets.answers)
        try columns.add(name + ".targets.scores", targets.scores)
    }

    fileprivate init(
        _ columns: StoredColumns, _ name: String, _ vocabulary: Vocabulary, _ answers: AnswerList
    ) throws {
        let numbers = try columns.numbers(name + ".words", below: vocabulary.count)
        let words = EncodedQuestions(
            words: numbers, offsets: try columns.offsets(name + ".word_offsets", into: numbers.count))
        let (ids, images) = (
            try columns.identifiers(name + ".question_ids", of: QuestionID.self),
            try columns.identifiers(name + ".image_ids", of: ImageID.self)
        )
        var targets: SoftTargets?
        if columns.has(name + ".targets.offsets") {
            let listed = try columns.numbers(name + ".targets.answers", below: answers.count)
            let scores = try columns.column(name + ".targets.scores", of: Float.self)
            targets = SoftTargets(
                offsets: try columns.offsets(name + ".targets.offsets", into: listed.count),
                answers: listed.map(AnswerIndex.init(rawValue:)), scores: scores)
            try StoredColumns.require([scores.count], equal: listed.count, name)
        }
        try StoredColumns.require(
            [images.count, words.count, targets?.count ?? ids.count], equal: ids.count, name)
        self.init(questionIDs: ids, imageIDs: images, words: words, targets: targets)
    }
}

extension AccuracyMetric {
    fileprivate func add(to columns: inout PreparedColumns, as name: String) throws {
        try columns.add(name + ".question_ids", questionIDs)
        try columns.add(name + ".types", types)
        try columns.add(name + ".answer_types", answerTypes)
        try columns.add(name + ".question_types", questionTypes)
        try columns.add(name + ".texts", texts.strings)
        try columns.add(name + ".scoring.offsets", scoring.offsets)
        try columns.add(name + ".scoring.texts", scoring.texts)
        try columns.add(name + ".scoring.accuracies", scoring.accuracies)
        guard version == .vqa2021 else { return }
        try columns.add(name + ".scoring.as_given", scoring.areAsGiven.map { UInt8($0 ? 1 : 0) })
    }

    fileprivate init(_ columns: StoredColumns, _ name: String, _ version: MetricVersion) throws {
        let ids = try columns.identifiers(name + ".question_ids", of: QuestionID.self)
        let types = try columns.strings(name + ".types")
        let texts = try columns.stringIndex(name + ".texts")
        let answerTypes = try columns.numbers(name + ".answer_types", below: types.count)
        let questionTypes = try columns.numbers(name + ".question_types", below: types.count)
        var scoring = ScoringTexts()
        scoring.texts = try columns.numbers(name + ".scoring.texts", below: texts.count)
        scoring.offsets = try columns.offsets(name + ".scoring.offsets", into: scoring.texts.count)
        scoring.accuracies = try columns.column(name + ".scoring.accuracies")
        if version == .vqa2021 {
            scoring.areAsGiven = try columns.column(name + ".scoring.as_given", of: UInt8.self).map {
                $0 != 0
            }
            try StoredColumns.require([scoring.areAsGiven.count], equal: ids.count, name)
        }
        try StoredColumns.require(
            [answerTypes.count, questionTypes.count, scoring.offsets.count - 1], equal: ids.count, name)
        try StoredColumns.require([scoring.accuracies.count], equal: scoring.texts.count, name)
        try self.init(
            version: version, questionIDs: ids, types: types, answerTypes: answerTypes,
            questionTypes: questionTypes,
            texts: texts, scoring: scoring)
    }
}

extension StoredColumns {
    /// Holds that columns which belong together are of equal length.
    ///
    /// - Throws: `Damage` where they are not.
    fileprivate static func require(_ counts: [Int], equal count: Int, _ name: String) throws {
        guard counts.allSatisfy({ $0 == count }) else {
            throw Damage("the columns of \(name) are not of equal length")
        }
    }
}
