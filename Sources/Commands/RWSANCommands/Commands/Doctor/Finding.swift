/// What a check of what a run needs has found.
struct Finding: Encodable, Equatable {
    /// How it stands.
    enum State: String, Encodable {
        case ok
        /// A run works, and is slower or can do less than it might.
        case note
        /// A run would fail.
        case wrong
    }

    /// What was looked at.
    let check: String
    let state: State
    /// What was found, in one line.
    let found: String
    /// What to do about it; nil where nothing is to be done.
    let advice: String?

    static func ok(_ check: String, _ found: String) -> Finding {
        Finding(check: check, state: .ok, found: found, advice: nil)
    }

    static func note(_ check: String, _ found: String, advice: String) -> Finding {
        Finding(check: check, state: .note, found: found, advice: advice)
    }

    static func wrong(_ check: String, _ found: String, advice: String) -> Finding {
        Finding(check: check, state: .wrong, found: found, advice: advice)
    }

    /// The widest name of a check.
    private static let checkWidth = 16

    /// One line for people.
    var line: String {
        let name = check + String(repeating: " ", count: max(0, Self.checkWidth - check.count))
        let label = state.rawValue + String(repeating: " ", count: 5 - state.rawValue.count)
        return "\(label)  \(name)  \(found)" + (advice.map { " → \($0)" } ?? "")
    }
}
