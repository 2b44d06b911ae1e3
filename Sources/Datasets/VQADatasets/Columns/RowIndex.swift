import Foundation
import TextFiles

/// Finds the row of a question id.
///
/// An open-addressing hash table of row numbers beside the ids: a fifth of a dictionary's memory, and made in a
/// fifth of its time.
struct RowIndex: Sendable {
    private let ids: [QuestionID]
    /// Rows; -1 where there is none. The size is a power of 2, and at most half is taken.
    private var slots: [Int32]
    /// Drawn anew for each index, for a file could hold ids that all belong to one place.
    private let seed = UInt64.random(in: .min ... .max)

    /// - Throws: ``DuplicateQuestionError``.
    init(of ids: [QuestionID]) throws {
        self.ids = ids
        var size = 16
        while size < 2 * ids.count { size *= 2 }
        slots = Array(repeating: -1, count: size)
        for row in ids.indices {
            let slot = slot(of: ids[row])
            guard slots[slot] < 0 else {
                throw DuplicateQuestionError(id: ids[row], rows: [Int(slots[slot]), row])
            }
            slots[slot] = Int32(row)
        }
    }

    /// - Throws: ``DatasetFileError`` naming the two records, for example `questions[3]`.
    init(of ids: [QuestionID], in file: URL, name: String) throws {
        do {
            try self.init(of: ids)
        } catch let duplicate as DuplicateQuestionError {
            let records = duplicate.rows.map { "\(name)[\($0)]" }.joined(separator: " and ")
            throw DatasetFileError(
                file: file, location: .record(duplicate.rows[1]),
                problem: "\(records) have the same question_id \(duplicate.id)")
        }
    }

    subscript(id: QuestionID) -> Int? {
        let row = slots[slot(of: id)]
        return row >= 0 ? Int(row) : nil
    }

    /// Where the id's row is, or the free place where it belongs.
    private func slot(of id: QuestionID) -> Int {
        let mask = slots.count - 1
        // The halves of the product together depend on all bits of the id.
        let product = (UInt64(bitPattern: id.rawValue) ^ seed).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        var slot = Int(truncatingIfNeeded: product.high ^ product.low) & mask
        while slots[slot] >= 0, ids[Int(slots[slot])] != id { slot = (slot + 1) & mask }
        return slot
    }
}
