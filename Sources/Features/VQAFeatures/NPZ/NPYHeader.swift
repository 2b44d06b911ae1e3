/// What stands before the elements in an `.npy` file: their type, their order and the array's shape.
///
/// The format is numpy's (numpy.lib.format): the magic bytes `\x93NUMPY`, a version, the length of the
/// text, and the text: a Python dictionary, for example
/// `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`. It is read as data, not as Python.
struct NPYHeader: Equatable {
    var elementType: NPYArray.ElementType
    /// Whether the first axis, not the last, varies fastest in the file.
    var isFortranOrder: Bool
    var shape: [Int]

    /// As many axes as numpy allows.
    static let maximumRank = 64

    private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

    /// Reads the header at the start of `bytes`.
    ///
    /// - Returns: the header, and the offset in bytes at which the elements start.
    /// - Throws: `NPYFormatError`.
    static func parse(_ bytes: [UInt8]) throws -> (header: NPYHeader, dataOffset: Int) {
        guard bytes.starts(with: magic), bytes.count >= 12 else {
            throw NPYFormatError(expected: "a numpy array", found: "other bytes")
        }
        // Version 1 gives the text's length in two bytes, versions 2 and 3 in four.
        let version = bytes[6]
        guard 1...3 ~= version else {
            throw NPYFormatError(expected: "version 1, 2 or 3 of the npy format", found: "\(version)")
        }
        let textOffset = version == 1 ? 10 : 12
        let textLength = bytes[8..<textOffset].reversed().reduce(0) { $0 << 8 | Int($1) }
        guard textLength <= bytes.count - textOffset else {
            throw NPYFormatError(
                expected: "a header of \(textLength) bytes", found: "\(bytes.count - textOffset) bytes")
        }
        var scanner = PythonLiteralScanner(bytes[textOffset..<textOffset + textLength])
        return (try scanner.header(), textOffset + textLength)
    }

    /// The header as numpy writes it, padded so that the elements start at a multiple of 64 bytes.
    var serialized: [UInt8] {
        let axes = shape.count == 1 ? "\(shape[0])," : shape.map(String.init).joined(separator: ", ")
        let order = isFortranOrder ? "True" : "False"
        let text = "{'descr': '\(elementType.rawValue)', 'fortran_order': \(order), 'shape': (\(axes)), }"
        let padding = 63 - (10 + text.utf8.count) % 64
        let textLength = UInt16(truncatingIfNeeded: text.utf8.count + padding + 1)
        return Self.magic + [1, 0, UInt8(textLength & 0xff), UInt8(textLength >> 8)]
            + Array(text.utf8) + [UInt8](repeating: UInt8(ascii: " "), count: padding) + [UInt8(ascii: "\n")]
    }
}

/// Reads the one kind of Python text that a header may hold, and nothing else of Python.
private struct PythonLiteralScanner {
    private var rest: ArraySlice<UInt8>

    init(_ text: ArraySlice<UInt8>) {
        rest = text
    }

    /// A dictionary with the keys descr, fortran_order and shape, each once.
    mutating func header() throws -> NPYHeader {
        var description: String?
        var isFortranOrder: Bool?
        var shape: [Int]?
        try expect("{")
        while !consume("}") {
            let key = try string()
            try expect(":")
            switch key {
            case "descr" where description == nil: description = try elementDescription()
            case "fortran_order" where isFortranOrder == nil: isFortranOrder = try boolean()
            case "shape" where shape == nil: shape = try tuple()
            default: throw NPYFormatError(expected: "each of descr, fortran_order, shape once", found: key)
            }
            if !consume(",") {
                try expect("}")
                break
            }
        }
        skipSpaces()
        guard let description, let isFortranOrder, let shape, rest.isEmpty else {
            throw NPYFormatError(
                expected: "descr, fortran_order and shape in the header", found: "other text")
        }
        guard let elementType = NPYArray.ElementType(rawValue: description) else {
            let known = NPYArray.ElementType.allCases.map(\.rawValue).joined(separator: ", ")
            throw NPYFormatError(expected: "elements of type \(known)", found: "'\(description)'")
        }
        return NPYHeader(elementType: elementType, isFortranOrder: isFortranOrder, shape: shape)
    }

    private mutating func elementDescription() throws -> String {
        if consume("[") { throw NPYFormatError(expected: "elements that are numbers", found: "records") }
        return try string()
    }

    private mutating func string() throws -> String {
        let quote: Character = consume("\"") ? "\"" : "'"
        if quote == "'" { try expect("'") }
        let text = rest.prefix { $0 != quote.asciiValue }
        rest = rest.dropFirst(text.count)
        try expect(quote)
        return String(decoding: text, as: UTF8.self)
    }

    private mutating func boolean() throws -> Bool {
        if consume("True") { return true }
        try expect("False")
        return false
    }

    private mutating func tuple() throws -> [Int] {
        var values: [Int] = []
        try expect("(")
        while !consume(")") {
            guard values.count < NPYHeader.maximumRank else {
                throw NPYFormatError(expected: "at most \(NPYHeader.maximumRank) axes", found: "more")
            }
            try values.append(integer())
            if !consume(",") {
                try expect(")")
                break
            }
        }
        return values
    }

    private mutating func integer() throws -> Int {
        skipSpaces()
        let digits = rest.prefix { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
        rest = rest.dropFirst(digits.count)
        _ = consume("L")  // Python 2 marks its long integers.
        guard let value = Int(String(decoding: digits, as: UTF8.self)) else {
            let found = digits.isEmpty ? upcomingText : "'\(String(decoding: digits, as: UTF8.self))'"
            throw NPYFormatError(expected: "a whole number from 0 to \(Int.max) in the shape", found: found)
        }
        return value
    }

    private mutating func skipSpaces() {
        rest = rest.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }
    }

    private mutating func consume(_ token: some StringProtocol) -> Bool {
        skipSpaces()
        guard rest.starts(with: token.utf8) else { return false }
        rest = rest.dropFirst(token.utf8.count)
        return true
    }

    private mutating func expect(_ token: Character) throws {
        try expect(String(token))
    }

    private mutating func expect(_ token: String) throws {
        guard consume(token) else {
            throw NPYFormatError(expected: "'\(token)' in the header", found: upcomingText)
        }
    }

    /// The next few characters, for an error.
    private var upcomingText: String {
        rest.isEmpty ? "its end" : "'\(String(decoding: rest.prefix(12), as: UTF8.self))'"
    }
}
