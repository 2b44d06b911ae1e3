import Foundation
import Testing

/// Conversions of numbers that end the process, or give another number, where the number does not fit.
///
/// Files, clocks and the network can state any number. `Int(exactly:)` and `Int(clamping:)`, which takes Doubles too
/// (`FileSystem`), take all of them; `Int(_:)` of a Double, and any conversion to a type of fewer numbers, do not. What
/// looks like one of these is found in the text of the sources, and has to be among those that were looked at:
///
/// - `Int(x)` and `Int64(x)` where something in `x` is a Double: a literal with a point, `.rounded`, `.item()`, a
///   duration divided by another, or a name that is declared as a Double somewhere and as a whole number nowhere;
/// - `Int32(x)`, `UInt64(x)` and other types that do not hold every `Int`, unless `x` is a literal, a constant of a
///   library, a `.count` or `condition ? 1 : 0`;
/// - `truncatingIfNeeded`.
@Suite struct NumberConversionTests {
    /// A conversion as it stands in a file.
    private struct Place: Hashable {
        let file: String
        let text: String
    }

    /// Those that were looked at: the file, the conversion, and why it always fits.
    private static let reasons: [(file: String, text: String, reason: String)] = [
        ("JSONText.swift", "UInt8(unit)", "the case is that of ASCII"),
        ("RowIndex.swift", "Int32(row)", "2^31 ids take sixteen gigabytes, and their file a hundred"),
        ("RowIndex.swift", "truncatingIfNeeded: product.high ^ product.low", "a hash; any bits do"),
        ("StringColumn.swift", "UInt64(text[position])", "a byte"),
        ("StringColumn.swift", "Int32(number)", "the number was an Int32 before"),
        ("StringColumn.swift", "truncatingIfNeeded: state", "a hash; any bits do"),
        ("IdentifierPool.swift", "Int32(number)", "the reader of JSON refuses 2^31 different texts"),
        ("WordVectors.swift", "UInt64(byte)", "a byte"),
        ("WordVectors.swift", "CInt(text.pointee)", "a character of C"),
        ("WordVectors.swift", "CInt(end.pointee)", "a character of C"),
        ("Operator.swift", "Int32(capacity)", "how many results an operator has"),
        ("SafetensorsFile.swift", "UInt64(prefixByteCount)", "eight"),
        ("SafetensorsFile.swift", "UInt64(SafetensorsHeader.maximumByteCount)", "a limit of ours"),
        ("NPYHeader.swift", "UInt8(textLength & 0xff)", "eight bits"),
        ("NPYHeader.swift", "UInt8(textLength >> 8)", "eight bits of sixteen"),
        (
            "NPYHeader.swift", "truncatingIfNeeded: text.utf8.count + padding + 1",
            "a header of ours has 128 bytes"
        ),
        ("GzipStream.swift", "CInt(MemoryLayout<z_stream>.size)", "some hundred bytes"),
        ("GzipIndex.swift", "CInt(MemoryLayout<z_stream>.size)", "some hundred bytes"),
        ("GzipIndex.swift", "CInt(packed[0] >> (8 - UInt8(bits)))", "a byte"),
        ("GzipIndex.swift", "UInt8(bits)", "zlib's three bits"),
        ("Checksum.swift", "UInt64($1)", "a byte"),
        ("FileIdentity.swift", "UInt64(status.st_ino)", "the system's number has 64 bits without a sign"),
        ("FileIdentity.swift", "UInt64(status.st_dev)", "the system's number has 64 bits without a sign"),
        ("PictureSearch.swift", "UInt64(status.st_ino)", "the system's number has 64 bits without a sign"),
        ("PictureSearch.swift", "UInt64(status.st_dev)", "the system's number has 64 bits without a sign"),
        ("SplitDraw.swift", "UInt64(byte)", "a byte"),
        ("CRC32C.swift", "UInt32(byte)", "a byte"),
        ("LineReader.swift", "CInt(UInt8(ascii: \"\\n\"))", "a byte"),
        ("BicubicResizing.swift", "Int32(source[pixel])", "a byte"),
        ("BicubicResizing.swift", "Int32(source[pixel + 1])", "a byte"),
        ("BicubicResizing.swift", "Int32(source[pixel + 2])", "a byte"),
        ("BicubicResizing.swift", "Int32(source[start &+ column])", "a byte"),
        ("DrawingSurface.swift", "UInt32(pixels[place])", "a byte"),
        ("DrawingSurface.swift", "UInt32(pixels[place + 1])", "a byte"),
        ("DrawingSurface.swift", "UInt32(pixels[place + 2])", "a byte"),
        ("PictureResizing.swift", "Int(center - radius + 0.5)", "within a side, of at most 65,535 pixels"),
        ("ServerSettings.swift", "UInt8($0)", "of a text, which may give none"),
        (
            "PictureResizing.swift", "Int(center + radius + 0.5)",
            "within twice a side, of at most 65,535 pixels"
        ),
        ("PictureResizing.swift", "UInt8(rounded)", "the line above holds it within 0 and 255"),
    ]

    @Test("every conversion that could end the process has been looked at")
    func conversions() throws {
        let allowed = Set(Self.reasons.map { Place(file: $0.file, text: $0.text) })
        let found = try Self.found()
        for place in found.subtracting(allowed).sorted(by: { ($0.file, $0.text) < ($1.file, $1.text) }) {
            Issue.record(
                "\(place.file): \(place.text): use exactly: or clamping:, or add it here with the reason why it always fits"
            )
        }
        for place in allowed.subtracting(found) {
            Issue.record("\(place.file): \(place.text) is no longer there")
        }
    }

    @Test(
        "what could end the process is found, and what cannot is not",
        arguments: [
            ("Int(speed * 100)", true), ("Int(x.rounded())", true), ("Int(1.5 * x)", true),
            ("Int(a / .seconds(1))", true),
            ("Int(try loss.item())", true), ("Int32(goodSteps)", true), ("UInt64(epoch)", true),
            ("Int(x * 1e9)", true),
            ("Int(count)", false), ("Int(exactly: speed)", false), ("Int(clamping: speed)", false),
            ("Int32(7)", false),
            ("UInt64(bytes.count)", false), ("UInt8($0 ? 1 : 0)", false), ("Int32(TJPF_RGB.rawValue)", false),
            ("Int(header.length)", false), ("UInt8(ascii: \"x\")", false), ("x.Int32(y)", false),
            ("MyInt32(y)", false),
        ])
    func detection(text: String, isFound: Bool) {
        let places = Self.places(in: "let x = " + text, floatingPoint: ["speed"])
        #expect(places == (isFound ? [text] : []), "\(places)")
    }

    // MARK: - Reading sources

    private static func found() throws -> Set<Place> {
        let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(component: "Sources")
        let walk = try #require(FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil))
        let texts = try walk.compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" }.map {
            ($0.lastPathComponent, code(try String(contentsOf: $0, encoding: .utf8)))
        }
        let names = floatingPointNames(in: texts.map(\.1))
        return Set(
            texts.flatMap { file, text in
                places(in: text, floatingPoint: names).map { Place(file: file, text: $0) }
            })
    }

    /// A file without the lines that are comments.
    private static func code(_ text: String) -> String {
        text.split(separator: "\n").filter { !$0.drop { $0 == " " }.hasPrefix("//") }.joined(separator: "\n")
    }

    /// What is declared as a Double, or a duration, and nowhere as a whole number or a text.
    private static func floatingPointNames(in texts: [String]) -> Set<Substring> {
        let floats: Set<Substring> = ["Double", "Float", "TimeInterval", "Duration"]
        let others: Set<Substring> = [
            "Int", "Int64", "Int32", "UInt8", "UInt16", "UInt32", "UInt64", "String", "Substring",
        ]
        var (names, otherNames) = (Set<Substring>(), Set<Substring>())
        for text in texts {
            let parts = text.split(separator: ": ")
            for (before, behind) in zip(parts, parts.dropFirst()) {
                let type = behind.prefix(while: isPartOfName)
                let name = Substring(String(before.reversed().prefix(while: isPartOfName).reversed()))
                if floats.contains(type) { names.insert(name) }
                if others.contains(type) { otherNames.insert(name) }
            }
        }
        return names.subtracting(otherNames)
    }

    private static let wide: Set<String> = ["Int", "Int64"]
    private static let narrow: Set<String> = [
        "Int8", "Int16", "Int32", "UInt8", "UInt16", "UInt32", "UInt64", "UInt", "CInt", "uInt", "useconds_t",
    ]

    /// The conversions in a text that could end the process.
    private static func places(in text: String, floatingPoint: Set<Substring>) -> [String] {
        let characters = Array(text.utf8)
        var places: [String] = []
        for open in characters.indices where characters[open] == UInt8(ascii: "(") {
            var start = open
            while start > 0, isPartOfName(Character(Unicode.Scalar(characters[start - 1]))) { start -= 1 }
            let type = String(decoding: characters[start..<open], as: UTF8.self)
            guard wide.contains(type) || narrow.contains(type) else { continue }
            guard start == 0 || characters[start - 1] != UInt8(ascii: ".") else { continue }
            let argument = argument(in: characters[open...])
            let isSuspect =
                wide.contains(type) ? isFloatingPoint(argument, floatingPoint) : !isHarmless(argument)
            let isTruncating = argument.hasPrefix("truncatingIfNeeded: ")
            if isTruncating {
                places.append(argument)
            } else if isSuspect, !hasLabel(argument) {
                places.append("\(type)(\(argument))")
            }
        }
        return places
    }

    /// What stands between a bracket and the one that closes it, in one line.
    private static func argument(in characters: ArraySlice<UInt8>) -> String {
        var depth = 0
        let end = characters.firstIndex { byte in
            if byte == UInt8(ascii: "(") { depth += 1 }
            if byte == UInt8(ascii: ")") { depth -= 1 }
            return depth == 0
        }
        let text = String(decoding: characters[..<(end ?? characters.endIndex)].dropFirst(), as: UTF8.self)
        return text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }

    private static func hasLabel(_ argument: String) -> Bool {
        let label = argument.prefix(while: isPartOfName)
        return !label.isEmpty && argument.dropFirst(label.count).hasPrefix(": ")
    }

    private static func isFloatingPoint(_ argument: String, _ names: Set<Substring>) -> Bool {
        let marks = [".rounded", ".item()", "/ .", "Double(", "Float(", "timeInterval"]
        if marks.contains(where: argument.contains) { return true }
        let words = argument.split { !isPartOfName($0) }
        if words.contains(where: names.contains) { return true }
        return argument.firstMatch(of: /\d\.\d|\b\d+e-?\d/) != nil
    }

    /// Whether it is a literal, a constant of a library, a count or one of 0 and 1.
    private static func isHarmless(_ argument: String) -> Bool {
        let isCount = argument.hasSuffix(".count") && argument.allSatisfy { isPartOfName($0) || $0 == "." }
        let isConstant = argument.wholeMatch(of: /[A-Z][A-Z0-9_a-z]*(\.rawValue)?/) != nil
        return isCount || isConstant || argument == "count" || argument.hasSuffix("? 1 : 0")
            || argument.allSatisfy { $0.isHexDigit || $0 == "_" || $0 == "x" || $0 == "-" }
    }

    private static func isPartOfName(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber || character == "_")
    }
}
