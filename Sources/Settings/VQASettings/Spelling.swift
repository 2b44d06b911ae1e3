/// Guesses what was meant by a word that is not one of those understood.
package enum Spelling {
    /// A word that begins with `word`, else the one that needs the fewest changes to become it; nil where
    /// none is near: at least half of the letters stay what they are.
    package static func nearest(to word: String, in words: [String]) -> String? {
        // What is longer than any word is no misspelt one, and would take long to compare.
        guard word.utf8.count <= 1000 else { return nil }
        if let longer = words.first(where: { !word.isEmpty && $0.hasPrefix(word) }) { return longer }
        let nearest = words.map { (word: $0, changes: distance($0.lowercased(), word.lowercased())) }.min {
            $0.changes < $1.changes
        }
        return nearest.flatMap { 2 * $0.changes <= max($0.word.count, word.count) ? $0.word : nil }
    }

    /// How many letters must be put in, taken out or replaced to make one word the other (Levenshtein).
    private static func distance(_ left: String, _ right: String) -> Int {
        let (left, right) = (Array(left), Array(right))
        var row = Array(0...right.count)
        for (i, letter) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, other) in right.enumerated() {
                let replaced = diagonal + (letter == other ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(replaced, diagonal + 1, row[j] + 1)
            }
        }
        return row[right.count]
    }
}
