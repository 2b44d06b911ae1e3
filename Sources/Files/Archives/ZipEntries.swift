/// What the entries of a zip tell about its kind: arrays of numpy, a file of `torch.save`, and wheels are all zips.
package enum ZipEntries {
    /// Whether a file is a zip that has an entry whose path ends so.
    package static func has(_ suffix: String, in path: String) -> Bool {
        guard let reader = try? ArchiveReader(path: path) else { return false }
        while let entry = try? reader.nextEntry() {
            if entry.path.hasSuffix(suffix) { return true }
        }
        return false
    }
}
