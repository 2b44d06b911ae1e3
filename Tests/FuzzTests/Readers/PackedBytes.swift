import CZlib
import Foundation

/// Archives put together byte by byte: around an input, so that what is in them is reached, and as seeds.
enum Packed {
    /// A zip that compresses nothing, with checksums that fit.
    static func zip(_ entries: [(name: String, contents: [UInt8])]) -> [UInt8] {
        var file: [UInt8] = []
        var directory: [UInt8] = []
        for (name, contents) in entries {
            let place = file.count
            // Version, flags, method, time, date; checksum, both lengths; length of the name, and no more fields.
            let common =
                little(UInt16(20)) + [UInt8](repeating: 0, count: 8) + little(checksum(contents))
                + little(UInt32(contents.count)) + little(UInt32(contents.count))
                + little(UInt16(name.utf8.count)) + little(UInt16(0))
            file += Array("PK\u{3}\u{4}".utf8) + common + Array(name.utf8) + contents
            directory +=
                Array("PK\u{1}\u{2}".utf8) + little(UInt16(20)) + common + [UInt8](repeating: 0, count: 10)
                + little(UInt32(place)) + Array(name.utf8)
        }
        let count = little(UInt16(entries.count))
        return file + directory + Array("PK\u{5}\u{6}".utf8) + [0, 0, 0, 0] + count + count
            + little(UInt32(directory.count)) + little(UInt32(file.count)) + [0, 0]
    }

    /// A tar of files.
    static func tar(_ entries: [(name: String, contents: [UInt8])]) -> [UInt8] {
        var file: [UInt8] = []
        for (name, contents) in entries {
            var header = [UInt8](repeating: 0, count: 512)
            func put(_ text: String, at place: Int) {
                header.replaceSubrange(place..<place + text.utf8.count, with: Array(text.utf8))
            }
            put(name, at: 0)
            put("0000644\u{0}0000000\u{0}0000000\u{0}", at: 100)
            put(octal(contents.count, digits: 11) + "\u{0}00000000000\u{0}", at: 124)
            put("0", at: 156)
            put("ustar\u{0}00", at: 257)
            let padding = [UInt8](repeating: 0, count: (512 - contents.count % 512) % 512)
            file += mendedTar(header) + contents + padding
        }
        return file + [UInt8](repeating: 0, count: 1024)
    }

    /// A tar whose first header has the checksum that it should have.
    static func mendedTar(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.count >= 512 else { return bytes }
        var bytes = bytes
        bytes.replaceSubrange(148..<156, with: Array("        ".utf8))
        let sum = bytes[..<512].reduce(0) { $0 + Int($1) }
        bytes.replaceSubrange(148..<156, with: Array((octal(sum, digits: 6) + "\u{0} ").utf8))
        return bytes
    }

    /// Gzip data that are stored, not compressed.
    static func gzip(_ contents: [UInt8]) -> [UInt8] {
        [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3] + stored(contents) + little(checksum(contents))
            + little(UInt32(contents.count))
    }

    /// A PNG of a header and rows of bytes, each with the number of its filter before it.
    static func png(
        width: UInt32, height: UInt32, depth: UInt8 = 8, color: UInt8, others: [(String, [UInt8])] = [],
        rows: [UInt8]
    ) -> [UInt8] {
        let header = big(width) + big(height) + [depth, color, 0, 0, 0]
        let image = [0x78, 0x01] + stored(rows) + big(UInt32(adler32(1, rows, UInt32(rows.count))))
        return ([("IHDR", header)] + others + [("IDAT", image), ("IEND", [])]).reduce(
            into: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
        ) { file, chunk in
            let checked = Array(chunk.0.utf8) + chunk.1
            file += big(UInt32(chunk.1.count)) + checked + big(checksum(checked))
        }
    }

    /// A PNG whose chunks have the checksums that they should have, as far as there are whole chunks.
    static func mendedPNG(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        var place = 8
        while place + 12 <= bytes.count {
            let length = bytes[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
            let end = place + 8 + length
            guard end + 4 <= bytes.count else { break }
            bytes.replaceSubrange(end..<end + 4, with: big(checksum(Array(bytes[place + 4..<end]))))
            place = end + 4
        }
        return bytes
    }

    /// The CRC-32 of bytes.
    private static func checksum(_ bytes: [UInt8]) -> UInt32 {
        UInt32(truncatingIfNeeded: crc32(0, bytes, UInt32(bytes.count)))
    }

    /// Deflate data of stored blocks.
    private static func stored(_ contents: [UInt8]) -> [UInt8] {
        var data: [UInt8] = []
        var rest = contents[...]
        repeat {
            let block = rest.prefix(Int(UInt16.max))
            rest = rest.dropFirst(block.count)
            let count = UInt16(block.count)
            data += [rest.isEmpty ? 1 : 0] + little(count) + little(~count) + block
        } while !rest.isEmpty
        return data
    }

    private static func octal(_ number: Int, digits: Int) -> String {
        let text = String(number, radix: 8)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }

    static func little<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
        withUnsafeBytes(of: number.littleEndian) { Array($0) }
    }

    private static func big<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
        withUnsafeBytes(of: number.bigEndian) { Array($0) }
    }
}
