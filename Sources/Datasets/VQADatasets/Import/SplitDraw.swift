import FileSystem

/// Draws splits by picture, the same for the same seed on every machine.
package enum SplitDraw {
    /// The split of each picture. Pictures that had one keep it; of the others, as many are drawn as the shares lack.
    ///
    /// - Parameters:
    ///   - pictures: The paths.
    ///   - seed: What the draw starts from.
    ///   - validation: The share of the pictures that is to be `val`, from 0 to 1.
    ///   - test: The share that is to be `test`.
    ///   - earlier: The splits that were drawn before, by path.
    /// - Returns: Nil where nothing would be left to learn from.
    package static func splits(
        of pictures: [String], seed: UInt64, validation: Double, test: Double,
        earlier: [String: ImportSplit] = [:]
    ) -> [ImportSplit]? {
        var splits = pictures.map { earlier[$0] }
        // What decides on a picture does not depend on which others there are.
        let drawn = pictures.indices.filter { splits[$0] == nil }
            .map { (mark: mark(pictures[$0], seed), place: $0) }.sorted { $0 < $1 }
        var rest = drawn[...]
        for (split, share) in [(ImportSplit.val, validation), (.test, test)] where share > 0 {
            // A split that is asked for has a picture at least.
            let wanted = max(1, Int(clamping: (share * Double(pictures.count)).rounded()))
            let missing = max(0, wanted - splits.count { $0 == split })
            for (_, place) in rest.prefix(missing) { splits[place] = split }
            rest = rest.dropFirst(missing)
        }
        for (_, place) in rest { splits[place] = .train }
        let complete = splits.compactMap { $0 }
        return complete.contains(.train) ? complete : nil
    }

    /// A number that looks like a random one.
    private static func mark(_ picture: String, _ seed: UInt64) -> UInt64 {
        var state = seed
        for byte in picture.utf8 { state = mixed(state ^ UInt64(byte)) }
        return state
    }

    /// The mixing of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
    private static func mixed(_ value: UInt64) -> UInt64 {
        var z = value &+ 0x9E37_79B9_7F4A_7C15
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
