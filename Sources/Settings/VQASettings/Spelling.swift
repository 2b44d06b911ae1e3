/// Guesses what was meant by a word that is not one of those understood.
package enum Spelling {
    /// A word that begins with `word`, else the one that needs the fewest changes to become it; nil where
    /// there are none to choose from, or it is no word.
    package static func nearest(to word: String, in words: [String]) -> String? {
        // What is longer than any word is no misspelt one, and would take long to compare.
        guard word.utf8.count <= 1000 else { return nil }
        return words.first { !word.isEmpty && $0.hasPrefix(word) }
            ?? words.min { distance($0, word) < distance($1, word) }
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
