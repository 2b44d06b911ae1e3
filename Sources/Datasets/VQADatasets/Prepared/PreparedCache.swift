import Archives
import FileSystem
import Foundation
import Torch

/// Columns that took long to make out of text files, kept for the next time.
///
/// One safetensors file an entry, in the folder `prepared` of the user's cache. Its metadata holds the key it was
/// made for and a checksum of every column. An entry whose key or checksums are not as expected is never used; it
/// is made anew. Files appear whole or not at all, so any number of processes may share the folder.
public struct PreparedCache: Sendable {
    /// The path of the folder. It need not be there.
    public let folder: String
    /// What is made from fewer bytes than this is made anew each time, which takes no longer.
    let smallestSource: Int64

    /// How many entries are kept, those used last.
    static let entryLimit = 8
    /// Counts up whenever columns change their meaning.
    private static let version = 1

    /// The folder `prepared` in the project's cache: `$RWSAN_CACHE`, else `$XDG_CACHE_HOME/rwsan`, else
    /// `~/.cache/rwsan`.
    ///
    /// - Parameter environment: The variables to go by.
    public init(environment: [String: String] = ProcessInfo.processInfo.environment) {
        self.init(folder: UserCache.folder(environment) + "/prepared")
    }

    /// - Parameters:
    ///   - folder: The path of the folder.
    ///   - smallestSource: What is made from fewer bytes is not kept.
    public init(folder: String, smallestSource: Int64 = 16 << 20) {
        self.folder = folder
        self.smallestSource = smallestSource
    }

    /// What an entry was made from and for.
    struct Key: Sendable {
        /// What entries have in common that replace one another when `sources` change: a dataset, say.
        let subject: String
        /// The files.
        let sources: [FileIdentity]
        /// The settings.
        let settings: String
        /// Whether a change of the sources since would show.
        fileprivate let isSettled: Bool

        /// The sources as they are now.
        init(subject: String, sources: [URL], settings: String) {
            self.subject = subject
            self.sources = sources.map(FileIdentity.init)
            isSettled = self.sources.allSatisfy(\.isSettled)
            self.settings = settings
        }

        fileprivate var subjectPart: String { Checksum.text(of: subject) + "-" }
        fileprivate var sourcesPart: String { subjectPart + Checksum.text(of: "\(sources)") + "-" }
        fileprivate var fileName: String {
            sourcesPart + Checksum.text(of: settings) + PreparedCache.suffix
        }
        fileprivate var text: String { "\(PreparedCache.version)\n\(subject)\n\(sources)\n\(settings)" }
        var byteCount: Int64 {
            Int64(sources.reduce(0) { $0.addingClamped(Int($1.byteCount ?? 0)) })
        }
    }

    private static let suffix = ".safetensors"

    /// The value for a key: read where it was kept, else made, and kept where the sources did not change
    /// meanwhile.
    ///
    /// - Parameters:
    ///   - key: What it is made from.
    ///   - onNotice: Told in one line where an entry is damaged or cannot be kept.
    ///   - read: Makes the value out of columns; what it throws means that they are damaged.
    ///   - make: Makes the value out of the sources.
    ///   - columns: The value as columns.
    /// - Throws: What `make` throws.
    func value<Value>(
        for key: Key, onNotice: (String) -> Void, read: (StoredColumns) throws -> Value,
        make: () throws -> Value, columns: (Value) throws -> PreparedColumns
    ) throws -> Value {
        guard key.byteCount >= smallestSource else { return try make() }
        let path = folder + "/" + key.fileName
        if access(path, F_OK) == 0 {
            do {
                let value = try read(StoredColumns(path, key: key.text))
                utimes(path, nil)
                return value
            } catch {
                onNotice("\(path) is damaged, and made anew: \(error)")
            }
        }
        let value = try make()
        let areUnchanged = key.sources.allSatisfy { $0 == FileIdentity(URL(fileURLWithPath: $0.path)) }
        guard key.isSettled, areUnchanged else { return value }
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try columns(value).write(to: path, key: key.text)
            removeOthers(than: key)
        } catch {
            onNotice("what was prepared is not kept for the next time: \(Self.reason(of: error, path))")
        }
        return value
    }

    private static func reason(of error: any Error, _ path: String) -> String {
        error is ArchiveError ? "\(error)" : "\(path): \(systemReason(of: error))"
    }

    /// Removes entries of the same subject made from files that have changed since, those unused for longest
    /// where there are too many, and what a kill has left.
    private func removeOthers(than key: Key) {
        let manager = FileManager.default
        let names = (try? FolderListing(folder))?.names ?? []
        var kept: [(name: String, used: Date)] = []
        for name in names {
            let attributes = try? manager.attributesOfItem(atPath: folder + "/" + name)
            let used = attributes?[.modificationDate] as? Date ?? .distantPast
            let isReplaced = name.hasPrefix(key.subjectPart) && !name.hasPrefix(key.sourcesPart)
            let isLeftOver = name.hasSuffix(".partial") && used.timeIntervalSinceNow < -3600
            if isReplaced && name.hasSuffix(Self.suffix) || isLeftOver {
                try? manager.removeItem(atPath: folder + "/" + name)
            } else if name.hasSuffix(Self.suffix) {
                kept.append((name, used))
            }
        }
        for old in kept.sorted(by: { $0.used > $1.used }).dropFirst(Self.entryLimit) {
            try? manager.removeItem(atPath: folder + "/" + old.name)
        }
    }
}
