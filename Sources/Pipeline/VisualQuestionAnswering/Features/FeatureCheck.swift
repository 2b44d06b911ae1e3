import FileSystem
import Foundation
import VQAFeatures
import VQATraining

/// How far feature stores have been compared with their checksums.
public struct FeatureCheckProgress: Sendable, Equatable {
    /// How many bytes have been read.
    public let checkedByteCount: Int
    /// How many there are to read.
    public let byteCount: Int
}

/// Finds damaged feature stores before anything is read from them, so that no run ends after hours for one.
struct FeatureCheck {
    /// Whether the images of damaged shards are left out, in place of an error.
    let skipsDamaged: Bool
    /// What was verified before, and where it is remembered; nil for nowhere.
    let memory: VerifiedFiles?
    let onNotice: (String) -> Void

    /// How many damaged shards are named.
    private static let namedShards = 5

    /// Compares stores with their checksums, as far as they have not been before.
    ///
    /// - Throws: ``DamagedFeaturesError`` where a shard is damaged and such are not left out; `InterruptedError` where
    ///   `shouldStop` ended it; what `shouldStop` throws.
    func check(
        _ stores: [FeatureStore], onProgress: (FeatureCheckProgress) -> Void = { _ in },
        shouldStop: () throws -> Bool = { false }
    ) throws {
        let check = StoreCheck(of: stores, memory: memory, onNotice: onNotice)
        guard check.byteCount > 0 else { return }
        onNotice(
            "comparing \(Self.text(byteCount: check.byteCount)) of packed features with their checksums, once for "
                + "each change of a file")
        var isStopped = false
        let damages = try check.run(
            onProgress: {
                onProgress(FeatureCheckProgress(checkedByteCount: $0, byteCount: check.byteCount))
            },
            shouldStop: {
                isStopped = try shouldStop()
                return isStopped
            }, onNotice: onNotice)
        guard !isStopped else { throw InterruptedError() }
        guard let first = damages.first else { return }
        guard skipsDamaged else {
            throw DamagedFeaturesError(cause: "\(first.cause)", otherCount: damages.count - 1)
        }
        for damage in damages.prefix(Self.namedShards) {
            onNotice("\(damage.cause): its \(damage.imageCount) images are left out")
        }
        let others = damages.dropFirst(Self.namedShards)
        guard !others.isEmpty else { return }
        let images = others.reduce(0) { $0 + $1.imageCount }
        onNotice("\(others.count) more shards are damaged: their \(images) images are left out")
    }

    private static func text(byteCount: Int) -> String {
        byteCount < 100_000_000
            ? "\(String(format: "%.1f", Double(byteCount) / 1e6)) MB"
            : "\(String(format: "%.1f", Double(byteCount) / 1e9)) GB"
    }
}

/// Feature stores with shards that are not as their checksums say.
public struct DamagedFeaturesError: Error, Sendable, CustomStringConvertible {
    /// The first file, and what is wrong with it.
    public let cause: String
    /// How many more files are damaged.
    public let otherCount: Int

    /// One line, with what to do.
    public var description: String {
        "\(cause)\(otherCount > 0 ? "; \(otherCount) more shards are damaged" : ""): pack the same input to the same "
            + "folder again, for 'rwsan pack' removes damaged shards and makes them anew, or leave their images out "
            + "with --skip-damaged"
    }
}
