import Foundation

/// Which columns of a table of questions hold what. Names count in capital letters or not.
package struct TableColumns: Sendable, Equatable {
    /// The name of the picture's column; `image` where it is nil.
    package var image: String?
    /// The name of the question's column; `question` where it is nil.
    package var question: String?
    /// The names of the columns of answers. Where there are none: `answer`, `answer1`, `answer2` and so on as far as they
    /// are there, and `answers` where each row is a JSON object.
    package var answers: [String] = []
    /// The name of the split's column; nil for `split`, where it is there.
    package var split: String?
    /// The name of the column of question ids; nil for `question_id`, where it is there.
    package var questionID: String?
    /// The name of the column of answer types; nil for `answer_type`, where it is there.
    package var answerType: String?

    /// The usual names.
    package init() {}

    /// What a column is for.
    enum Role: Hashable {
        case image, question, answer, split, questionID, answerType
    }

    /// What a column of this name is for; nil for one that is passed over.
    ///
    /// - Parameter takesLists: Whether a value may be a list.
    func role(of name: String, takesLists: Bool) -> Role? {
        let name = Self.key(name)
        if name == Self.key(image ?? "image") { return .image }
        if name == Self.key(question ?? "question") { return .question }
        if isAnswer(name, takesLists) { return .answer }
        if name == Self.key(split ?? "split") { return .split }
        if name == Self.key(questionID ?? "question_id") { return .questionID }
        return name == Self.key(answerType ?? "answer_type") ? .answerType : nil
    }

    private func isAnswer(_ name: String, _ takesLists: Bool) -> Bool {
        guard answers.isEmpty else { return answers.contains { Self.key($0) == name } }
        if takesLists, name == "answers" { return true }
        return name.hasPrefix("answer")
            && name.dropFirst("answer".count).allSatisfy { $0.isASCII && $0.isNumber }
    }

    /// The columns that there have to be, by what they are for, with the option that gives another name.
    private var needed: [(role: Role, names: [String], option: String)] {
        var all: [(role: Role, names: [String], option: String)] = [
            (.image, [image ?? "image"], "--image-column"),
            (.question, [question ?? "question"], "--question-column"),
            (.answer, answers.isEmpty ? ["answer"] : answers, "--answer-column"),
        ]
        if let split { all.append((.split, [split], "--split-column")) }
        if let questionID { all.append((.questionID, [questionID], "--question-id-column")) }
        if let answerType { all.append((.answerType, [answerType], "--answer-type-column")) }
        return all
    }

    /// What is wrong with the columns of a table; nil where all that is needed is there, once.
    ///
    /// - Parameters:
    ///   - names: The names of its columns.
    ///   - takesLists: Whether a value may be a list.
    func problem(with names: [String], takesLists: Bool) -> String? {
        for (role, wanted, option) in needed {
            let isThere =
                answers.isEmpty || role != .answer
                ? names.contains { self.role(of: $0, takesLists: takesLists) == role }
                : wanted.allSatisfy { name in names.contains { Self.key($0) == Self.key(name) } }
            guard !isThere else { continue }
            let wanted = wanted.map { "'\($0)'" }.joined(separator: ", ")
            let found = names.prefix(Self.shownNames).map { "'\($0)'" }.joined(separator: ", ")
            return "expected a column \(wanted), found \(found)"
                + (names.count > Self.shownNames ? " and \(names.count - Self.shownNames) more" : "")
                + ": \(option) gives the name that it has"
        }
        var seen: Set<String> = []
        for name in names where role(of: name, takesLists: takesLists) != nil {
            guard seen.insert(Self.key(name)).inserted else {
                return "expected one column '\(name)', found two of that name"
            }
        }
        return nil
    }

    private static let shownNames = 8

    private static func key(_ name: String) -> String {
        name.trimmingCharacters(in: .whitespaces).lowercased()
    }
}
