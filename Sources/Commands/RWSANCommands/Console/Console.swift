import FileSystem
import Foundation

/// What goes to the terminal: results to standard output, everything else to standard error.
enum Console {
    /// Makes the line of a terminal free.
    private static let clearing = "\r\u{1B}[K"

    /// Whether standard error is a terminal, where a line can be overwritten.
    static let isTerminal = isatty(STDERR_FILENO) == 1

    /// Whether standard output is a terminal; else a program reads it, which is to have every name as it is.
    private static let showsResults = isatty(STDOUT_FILENO) == 1

    /// How wide help is; nil for as wide as the terminal.
    static var columns: Int? { showsResults ? nil : 100 }

    /// A line of the result, for people: names in it are written out wherever it goes, for a terminal may be at the end
    /// of a pipe. Programs have `--json`.
    ///
    /// - Throws: `StandardOutputError` where it cannot be written, as when the disk is full or nobody reads.
    static func result(_ text: String) throws { try lines(PrintableText.escaping(text)) }

    /// A path as the result, which the next command takes: as it is, but on a terminal.
    ///
    /// - Throws: As `result(_:)`.
    static func result(path: String) throws {
        try lines(showsResults ? PrintableText.escaping(path) : path)
    }

    /// Text of our own, of any number of lines.
    ///
    /// - Throws: As `result(_:)`.
    static func lines(_ text: String) throws {
        guard JoinedProcesses.isPrinting else { return }
        var rest = Array((text + "\n").utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Foundation.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw StandardOutputError(reason: String(cString: strerror(errno))) }
            rest = rest.dropFirst(count)
        }
    }

    /// A line of a program's reading.
    static func result(json value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        try lines(PrintableText.escapingJSON(String(decoding: try encoder.encode(value), as: UTF8.self)))
    }

    /// A line on how things go.
    static func note(_ text: String) {
        if JoinedProcesses.isPrinting { write(noteText(text)) }
    }

    /// Says that the system has no font to draw letters with.
    static func noteMissingFont() {
        note(
            "the system has no font: letters are drawn in plain strokes (the package fonts-dejavu-core has one)"
        )
    }

    /// What is written for such a line.
    static func noteText(_ text: String) -> String {
        (isTerminal ? clearing : "") + PrintableText.escaping(text) + "\n"
    }

    /// What went wrong, in one line.
    static func error(_ text: String) {
        clearProgress()
        write("\(Program.name): error: \(PrintableText.escaping(text))\n")
    }

    /// A line that the next one overwrites. Nothing without a terminal.
    static func progress(_ text: String) {
        guard isTerminal, JoinedProcesses.isPrinting else { return }
        write(clearing + PrintableText.escaping(text))
    }

    /// Makes the line free again.
    static func clearProgress() {
        guard isTerminal else { return }
        write(clearing)
    }

    /// What is said on the way is worth no run: where standard error takes nothing, it is lost.
    private static func write(_ text: String) {
        try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
    }
}

/// A result that could not be given.
struct StandardOutputError: Error, CustomStringConvertible {
    let reason: String
    var description: String { "standard output: cannot be written: \(reason)" }

    /// There was none from the start.
    static let closed = StandardOutputError(reason: "it is closed; > /dev/null does without the results")
}

/// How a duration reads: `3 s`, `4 min 12 s`, `2 h 5 min`.
func readable(seconds: Double) -> String {
    guard seconds.isFinite, seconds < 1e9 else { return "?" }
    let whole = Int(clamping: max(0, seconds).rounded())
    switch whole {
    case ..<60: return "\(whole) s"
    case ..<3600: return "\(whole / 60) min \(whole % 60) s"
    default: return "\(whole / 3600) h \(whole % 3600 / 60) min"
    }
}

/// How an amount of memory or of a file reads: `13.5 GB`, `24.8 MB`.
func readable(bytes byteCount: Int) -> String {
    let megabytes = Double(byteCount) / 1e6
    return megabytes < 1000 ? "\(decimal(megabytes, 1)) MB" : "\(decimal(megabytes / 1000, 1)) GB"
}

/// A number without its fraction, whatever it is.
func whole(_ value: Double) -> String {
    value.isFinite ? "\(Int(clamping: value))" : "?"
}

/// A number with a fixed count of decimals.
func decimal(_ value: Double, _ places: Int) -> String {
    String(format: "%.\(places)f", value)
}

/// A number with as many digits as it needs, at most six.
func short(_ value: Double) -> String {
    String(format: "%g", value)
}

/// A path below the working folder without that folder; any other as it is.
func relativeToWorkingFolder(_ path: String) -> String {
    let folder = FileManager.default.currentDirectoryPath + "/"
    return path.hasPrefix(folder) ? String(path.dropFirst(folder.count)) : path
}
