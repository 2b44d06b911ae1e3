import Foundation
import Synchronization

/// The texts that identify questions and images, each kept once for the whole process and never given up.
///
/// It is what lets identifiers be numbers of eight bytes (``DatasetIdentifier``), and is asked about texts only. Any
/// number of threads may use it at once.
package final class IdentifierPool: Sendable {
    /// The one pool.
    package static let shared = IdentifierPool()

    /// The least number that identifies something as a number; what lies below stands for texts, and is no number of
    /// any dataset.
    package static let firstNumber = Int64.min + (1 << 32)

    private let texts = Mutex(Texts())

    private init() {}

    /// The raw value of the identifier with this text, in UTF-8: the number that it is, or the text's place.
    package func rawValue(of text: UnsafeRawBufferPointer) -> Int64 {
        Self.number(text) ?? texts.withLock { Self.rawValue(ofNumber: $0.intern(text)) }
    }

    /// The raw values of many texts, which lie one behind the other: text i at `offsets[i]..<offsets[i + 1]`.
    ///
    /// - Parameters:
    ///   - bytes: The texts in UTF-8.
    ///   - offsets: Offsets that never fall, into `bytes`.
    package func rawValues(of bytes: UnsafeRawBufferPointer, offsets: some Collection<Int64>) -> [Int64] {
        texts.withLock { texts in
            zip(offsets, offsets.dropFirst()).map { start, end in
                let text = UnsafeRawBufferPointer(rebasing: bytes[Int(start)..<Int(end)])
                return Self.number(text) ?? Self.rawValue(ofNumber: texts.intern(text))
            }
        }
    }

    /// The text of a raw value; nil where it is a number, or of no text that is here.
    package func text(of rawValue: Int64) -> String? {
        guard let number = Self.number(ofRawValue: rawValue) else { return nil }
        return texts.withLock { texts in
            number < texts.count ? texts.withBytes(of: number) { String(decoding: $0, as: UTF8.self) } : nil
        }
    }

    /// Whether the text of a raw value comes before another's, byte by byte; raw values without a text come last.
    package func isText(_ left: Int64, before right: Int64) -> Bool {
        guard let first = Self.number(ofRawValue: left), let second = Self.number(ofRawValue: right) else {
            return left < right
        }
        return texts.withLock { texts in
            guard first < texts.count, second < texts.count else { return first < second }
            return texts.withBytes(of: first) { first in
                texts.withBytes(of: second) { first.lexicographicallyPrecedes($0) }
            }
        }
    }

    private static func rawValue(ofNumber number: Int) -> Int64 { .min + Int64(number) }

    /// The place among the texts that a raw value stands for; nil where it is a number.
    private static func number(ofRawValue rawValue: Int64) -> Int? {
        rawValue < firstNumber ? Int(rawValue - .min) : nil
    }

    /// The number that is printed as this text, where it is one that identifies something as a number.
    private static func number(_ text: UnsafeRawBufferPointer) -> Int64? {
        let isNegative = text.first == UInt8(ascii: "-")
        let digits = text.dropFirst(isNegative ? 1 : 0)
        guard let first = digits.first, digits.count <= 19,
            first != UInt8(ascii: "0") || (digits.count == 1 && !isNegative)
        else { return nil }
        var number: Int64 = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            let value = Int64(digit - UInt8(ascii: "0"))
            let (tenfold, overflows) = number.multipliedReportingOverflow(by: 10)
            let (next, overflowsToo) = tenfold.addingReportingOverflow(isNegative ? -value : value)
            guard !overflows, !overflowsToo else { return nil }
            number = next
        }
        return number >= firstNumber ? number : nil
    }
}

/// Different texts, numbered from 0 in order of first appearance.
private struct Texts {
    /// Text i is `bytes[offsets[i]..<offsets[i + 1]]`.
    private var bytes: [UInt8] = []
    private var offsets = [0]
    /// An open-addressing hash table of the numbers; -1 where there is none. Its size is a power of 2.
    private var slots: [Int32] = Array(repeating: -1, count: 64)

    var count: Int { offsets.count - 1 }

    func withBytes<Result>(of number: Int, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        bytes.withUnsafeBytes {
            body(UnsafeRawBufferPointer(rebasing: $0[offsets[number]..<offsets[number + 1]]))
        }
    }

    /// The number of a text, a new one where it was not seen before.
    mutating func intern(_ text: UnsafeRawBufferPointer) -> Int {
        let slot = slot(for: text)
        if slots[slot] >= 0 { return Int(slots[slot]) }
        let number = count
        slots[slot] = Int32(number)
        bytes.append(contentsOf: text)
        offsets.append(bytes.count)
        if 2 * count > slots.count { grow() }
        return number
    }

    /// Where the text's number is, or the free place where it belongs.
    private func slot(for text: UnsafeRawBufferPointer) -> Int {
        var hasher = Hasher()
        hasher.combine(bytes: text)
        let mask = slots.count - 1
        var slot = hasher.finalize() & mask
        while slots[slot] >= 0, !withBytes(of: Int(slots[slot]), { $0.elementsEqual(text) }) {
            slot = (slot + 1) & mask
        }
        return slot
    }

    private mutating func grow() {
        slots = Array(repeating: -1, count: 2 * slots.count)
        for number in 0..<count {
            let free = withBytes(of: number) { slot(for: $0) }
            slots[free] = Int32(number)
        }
    }
}
