import VQADatasets
import VQAVision

/// The rows of a table, sorted into what is taken and what is left out.
struct TableReading {
    /// The pictures' paths below their folder.
    let paths: [String]
    /// What is taken.
    private(set) var questions: [ImportedQuestion] = []
    /// What is left out.
    private(set) var leftOut: [LeftOutRow] = []
    /// Whether the table has a column of splits.
    private(set) var hasSplits = false
    /// How many answers were brought into normal form, and one of them, before and after.
    private(set) var changedAnswers: (count: Int, example: (given: String, form: String)?) = (0, nil)

    /// The places of all pictures that a row names, whether or not it is taken.
    private(set) var namedPictures: Set<Int> = []

    private let names: PictureNames
    /// The split of each picture that has one, and the first row that says so.
    private var splits: [Int: (split: ImportSplit, row: Int)] = [:]
    /// What rows say of a picture's split that the first one contradicts.
    private var contradictions: [String] = []
    /// The row of each id.
    private var ids: [QuestionID: Int] = [:]
    private var rowsWithoutID = 0
    private var seen: [Asked: Int] = [:]

    private struct Asked: Hashable {
        let picture: Int
        let question: String
    }

    /// More rows than fit into memory with all that is made of them.
    private static let mostRows = 5_000_000

    init(_ paths: [String]) {
        self.paths = paths
        names = PictureNames(paths)
    }

    /// Reads a table to its end.
    mutating func read(_ rows: any QuestionRows) throws {
        var count = 0
        while let row = try rows.next() {
            count += 1
            guard count <= Self.mostRows else {
                throw rows.failure("expected at most \(Self.mostRows) rows, found more")
            }
            hasSplits = hasSplits || row.split != nil
            let id = try id(of: row, rows)
            if let reason = take(row, id) { leftOut.append(LeftOutRow(row, reason)) }
        }
    }

    /// The question's id in the dataset: its own, or the number of its row.
    private mutating func id(of row: QuestionRow, _ rows: any QuestionRows) throws -> QuestionID {
        guard let text = row.questionID else {
            guard ids.isEmpty else {
                throw rows.failure("expected a question id, as in the row before, found none")
            }
            rowsWithoutID += 1
            return QuestionID(rawValue: Int64(row.number))
        }
        guard !text.isEmpty else { throw rows.failure("expected a question id in this row, found none") }
        guard rowsWithoutID == 0 else {
            throw rows.failure("expected no question id, as in the row before, found '\(text)'")
        }
        let id = QuestionID(text)
        if let other = ids.updateValue(row.number, forKey: id) {
            throw rows.failure(
                "expected a question id of its own, found '\(text)', which row \(other) has too")
        }
        return id
    }

    /// Takes a row; gives the reason where it is left out.
    private mutating func take(_ row: QuestionRow, _ id: QuestionID) -> LeftOutRow.Reason? {
        guard !row.picture.isEmpty else { return .noPictureNamed }
        let picture: Int
        switch names.find(row.picture) {
        case .picture(let place): picture = place
        case .none: return .missingPicture
        case .several(let first, let second): return .ambiguousPicture(first, second)
        }
        namedPictures.insert(picture)
        guard ImportedQuestion.hasWords(row.question) else { return .emptyQuestion }
        guard let given = row.answers.first else { return .noAnswer }
        let forms = row.answers.compactMap(ImportedQuestion.normalForm)
        guard !forms.isEmpty else { return .emptyAnswer(given) }
        var split: ImportSplit?
        if let name = row.split {
            split = ImportSplit(named: name)
            guard split != nil else { return .unknownSplit(name) }
        }
        let asked = Asked(picture: picture, question: row.question)
        if let place = seen[asked] {
            let other = questions[place]
            return other.answers == forms ? .duplicate(other.row) : .otherAnswer(other.row)
        }
        seen[asked] = questions.count
        note(row.answers)
        if let split { note(split, of: picture, in: row.number) }
        let type = row.answerType.flatMap { $0.isEmpty ? nil : $0 }
        questions.append(
            ImportedQuestion(
                row: row.number, id: id, picture: picture, text: row.question, answers: forms,
                answerType: type))
        return nil
    }

    private mutating func note(_ answers: [String]) {
        for answer in answers {
            let form = ImportedQuestion.normalForm(answer) ?? ""
            guard form != answer else { continue }
            changedAnswers.count += 1
            if changedAnswers.example == nil { changedAnswers.example = (answer, form) }
        }
    }

    private mutating func note(_ split: ImportSplit, of picture: Int, in row: Int) {
        guard let first = splits[picture] else { return splits[picture] = (split, row) }
        guard first.split != split else { return }
        contradictions.append(
            "\(paths[picture]) is in \(first.split.rawValue) in row \(first.row) and in \(split.rawValue) in row \(row)"
        )
    }

    /// The split that the table says of a picture.
    func split(ofPicture place: Int) -> ImportSplit? { splits[place]?.split }

    /// What is wrong with the splits in one line; nil where every picture is in one.
    var splitProblem: String? {
        guard !contradictions.isEmpty else { return nil }
        let more = contradictions.count - Self.shownContradictions
        return "expected all questions about a picture in one split, found that "
            + contradictions.prefix(Self.shownContradictions).joined(separator: "; ")
            + (more > 0 ? "; and \(more) more" : "")
    }

    private static let shownContradictions = 5

    /// The places of the pictures that questions are about, in order.
    var usedPictures: [Int] { Set(questions.map(\.picture)).sorted() }

    /// Leaves out all questions about pictures that something is wrong with, by their places.
    mutating func leaveOut(_ problems: [Int: PictureError]) {
        guard !problems.isEmpty else { return }
        for question in questions {
            guard let problem = problems[question.picture] else { continue }
            leftOut.append(
                LeftOutRow(
                    row: question.row, picture: paths[question.picture], question: question.text,
                    reason: .unreadablePicture("\(problem)")))
        }
        questions.removeAll { problems[$0.picture] != nil }
        leftOut.sort { $0.row < $1.row }
    }
}

extension ImportedQuestion {
    /// The same question, about the picture of another place.
    func about(_ picture: Int) -> ImportedQuestion {
        ImportedQuestion(
            row: row, id: id, picture: picture, text: text, answers: answers, answerType: answerType)
    }
}
