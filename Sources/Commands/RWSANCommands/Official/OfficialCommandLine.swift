import FileSystem
import VQADatasets
import VQASettings
import VQASettings

/// A command line in the form of the official release, which is known by its capital letters:
/// `--RUN='train' --VERSION='RWSAN_val' --GPU='0' --SPLIT='train' --ACCU=1 --NW=4`.
///
/// Options have one, two or three dashes, as in the official README; of one that comes twice, the last counts.
/// What was left out is nil, or the official default.
struct OfficialCommandLine: Equatable {
    enum Run: String, CaseIterable {
        case train, val, test
    }

    enum Processor: Equatable {
        case cpu
        /// At least one GPU, by its number.
        case gpus(first: Int, others: [Int])
    }

    var run: Run
    var version: String?
    var processor = Processor.gpus(first: 0, others: [])
    var split: String?
    var accumulationSteps: Int?
    var workers: Int?
    var resumes = false
    var checkpointVersion: String?
    var checkpointEpoch: Int?
    var checkpointPath: String?
    var evaluatesEveryEpoch: Bool?
    var savesPredictions = false
    var isVerbose = true
    var dataPath = "./datasets/vqa/"
    var featurePath = "./datasets/coco_extract/"

    /// `--config`, `--set` and `--glove`, which work as they do beside subcommands.
    var configurationFile: String?
    var settings: [String] = []
    var glove: String?

    /// Whether arguments are meant in the official form: no subcommand, and an option in capital letters.
    static func isMeant(by arguments: [String]) -> Bool {
        guard let first = arguments.first, first.hasPrefix("-") else { return false }
        return arguments.contains { argument in
            guard let name = OfficialArgument(argument)?.name else { return false }
            return name.allSatisfy { ("A"..."Z").contains($0) || $0 == "_" }
        }
    }

    /// Reads the arguments that follow the program's name.
    init(parsing arguments: [String]) throws(OfficialCommandLineError) {
        run = .train
        var runIsGiven = false
        var rest = arguments[...]
        while let word = rest.popFirst() {
            guard let argument = OfficialArgument(word) else {
                throw OfficialCommandLineError(word, "expected an option of the form --NAME=value")
            }
            let value: String
            if let own = argument.value {
                value = own
            } else if let next = rest.first, !next.hasPrefix("-") {
                value = next
                rest.removeFirst()
            } else {
                throw OfficialCommandLineError(word, "expected a value, as in --\(argument.name)=value")
            }
            if let option = OfficialOption(rawValue: argument.name) {
                try set(option, to: value)
                runIsGiven = runIsGiven || option == .run
            } else if let option = CompanionOption(rawValue: argument.name) {
                set(option, to: value)
            } else {
                throw Self.unknown(argument.name, word)
            }
        }
        guard runIsGiven else {
            throw OfficialCommandLineError(.run, "expected train, val or test, found none")
        }
    }

    private mutating func set(_ option: OfficialOption, to text: String) throws(OfficialCommandLineError) {
        let value = OfficialValue(option: option, text: text)
        switch option {
        case .run: run = try value.choice(of: Run.self)
        case .version: version = try value.name()
        case .gpu: processor = try value.processor()
        case .split: split = try value.trainingSplits()
        case .accumulationSteps: accumulationSteps = try value.number(from: 1)
        case .workers: workers = try value.number(from: 1)
        case .resume: resumes = try value.flag()
        case .checkpointVersion: checkpointVersion = try value.name()
        case .checkpointEpoch: checkpointEpoch = try value.number(from: 0)
        case .checkpointPath: checkpointPath = try value.path()
        case .evaluatesEveryEpoch: evaluatesEveryEpoch = try value.flag()
        case .savesPredictions: savesPredictions = try value.flag()
        case .isVerbose: isVerbose = try value.flag()
        case .dataPath: dataPath = try value.path()
        case .featurePath: featurePath = try value.path()
        }
    }

    private mutating func set(_ option: CompanionOption, to text: String) {
        switch option {
        case .config: configurationFile = text
        case .set: settings.append(text)
        case .glove: glove = text
        }
    }

    private static func unknown(_ name: String, _ word: String) -> OfficialCommandLineError {
        let official = OfficialOption.allCases.map(\.rawValue)
        let nearest = Spelling.nearest(to: name.uppercased(), in: official).map { "; the nearest is --\($0)" }
        let valid = official + CompanionOption.allCases.map(\.rawValue)
        return OfficialCommandLineError(
            word,
            "no such option\(nearest ?? "")\(nearest == nil ? ": all" : ", and all") are "
                + valid.joined(separator: ", "))
    }
}

/// One argument with one to three dashes: `--NAME=value`, or `--NAME` with its value in the next.
private struct OfficialArgument {
    let name: String
    let value: String?

    init?(_ argument: String) {
        let body = argument.drop { $0 == "-" }
        guard (1...3).contains(argument.count - body.count) else { return nil }
        let parts = body.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard let name = parts.first, !name.isEmpty else { return nil }
        self.name = String(name)
        value = parts.count > 1 ? String(parts[1]) : nil
    }
}

/// The text given for an option, and the ways to read it.
private struct OfficialValue {
    let option: OfficialOption
    let text: String

    private func expected(_ what: String) -> OfficialCommandLineError {
        OfficialCommandLineError(option, "expected \(what), found '\(text)'")
    }

    func choice<Choice: RawRepresentable<String> & CaseIterable>(
        of type: Choice.Type
    ) throws(OfficialCommandLineError) -> Choice {
        guard let choice = Choice(rawValue: text) else {
            throw expected(Choice.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return choice
    }

    func trainingSplits() throws(OfficialCommandLineError) -> String {
        do {
            _ = try DatasetSplit.trainingSplits(named: text)
            return text
        } catch {
            throw expected("train, train+val or train+val+vg")
        }
    }

    /// A part of a file's name.
    func name() throws(OfficialCommandLineError) -> String {
        guard !text.isEmpty, !text.hasSlash else { throw expected("a name without /") }
        return text
    }

    func path() throws(OfficialCommandLineError) -> String {
        guard !text.isEmpty else { throw expected("a path") }
        return text
    }

    func number(from minimum: Int) throws(OfficialCommandLineError) -> Int {
        guard let number = Int(text), number >= minimum else {
            throw expected("a whole number from \(minimum) on")
        }
        return number
    }

    func flag() throws(OfficialCommandLineError) -> Bool {
        switch text.lowercased() {
        case "true": return true
        case "false": return false
        default: throw expected("True or False")
        }
    }

    func processor() throws(OfficialCommandLineError) -> OfficialCommandLine.Processor {
        guard text != "cpu" else { return .cpu }
        let numbers = text.split(separator: ",", omittingEmptySubsequences: false).map { part in
            Int(part.filter { $0 != " " }).flatMap { (0..<128).contains($0) ? $0 : nil }
        }
        let known = numbers.compactMap { $0 }
        guard let first = known.first, known.count == numbers.count else {
            throw expected("the number of a GPU ('0'), several ('0, 1') or 'cpu'")
        }
        return .gpus(first: first, others: Array(known.dropFirst()))
    }
}
