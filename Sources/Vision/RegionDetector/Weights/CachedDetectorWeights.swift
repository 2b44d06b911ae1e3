import Archives
import FileSystem
import Foundation
import Torch

extension DetectorWeights {
    /// The weights of a file, by way of a copy in their final form that is kept for the next time.
    ///
    /// The copy is a safetensors file, mapped and not read: several processes share its memory. It belongs to the
    /// file as it is, so that a changed file is read anew, and is compared with the checksum of its values each time;
    /// where it is damaged, it is made anew. Copies appear whole or not at all, so any number of processes may share
    /// the folder, and they can be deleted at any time.
    ///
    /// - Parameters:
    ///   - path: The file of weights, as for ``init(contentsOf:)``.
    ///   - folder: Where copies are kept; it need not be there.
    ///   - onNotice: Told in one line where a copy is damaged or cannot be kept.
    /// - Throws: As ``init(contentsOf:)``.
    public static func cached(
        _ path: String, in folder: String = cacheFolder(), onNotice: (String) -> Void
    ) throws -> DetectorWeights {
        let copy = WeightsCopy(of: path, in: folder)
        if access(copy.path, F_OK) == 0 {
            do {
                let weights = try copy.read()
                utimes(copy.path, nil)
                return weights
            } catch {
                onNotice("\(copy.path) is damaged, and made anew: \(error)")
            }
        }
        let weights = try DetectorWeights(contentsOf: path)
        guard copy.isOfUnchangedFile else { return weights }
        do {
            try copy.write(weights)
        } catch {
            let reason =
                (error as NSError).domain == NSCocoaErrorDomain ? systemReason(of: error) : "\(error)"
            onNotice("no copy of the detector's weights is kept for the next time: \(copy.path): \(reason)")
        }
        return weights
    }

    /// The weights with a fingerprint, where a copy of them is kept: those that features were made with before.
    ///
    /// - Parameters:
    ///   - fingerprint: That of the weights.
    ///   - folder: Where copies are kept.
    /// - Returns: Nil where there is no copy, or a damaged one.
    public static func kept(_ fingerprint: String, in folder: String = cacheFolder()) -> DetectorWeights? {
        let names = (try? FolderListing(folder))?.names ?? []
        return names.lazy.filter { $0.hasSuffix(WeightsCopy.suffix) }.compactMap { name -> DetectorWeights? in
            guard let file = try? SafetensorsFile(path: folder + "/" + name),
                file.metadata["fingerprint"] == fingerprint
            else { return nil }
            return try? WeightsCopy.weights(in: file)
        }.first
    }

    /// Where copies are kept if nothing else is said: the folder `detector` in the project's cache, which is
    /// `$RWSAN_CACHE`, else `$XDG_CACHE_HOME/rwsan`, else `~/.cache/rwsan`.
    ///
    /// - Parameter environment: The variables to go by.
    public static func cacheFolder(
        _ environment: [String: String] = ProcessInfo.processInfo.environment
    ) -> String { UserCache.folder(environment) + "/detector" }
}

/// The copy of a file of weights that is kept for the next time.
private struct WeightsCopy {
    /// Where the copy is, or will be.
    let path: String
    private let folder: String
    private let source: FileIdentity
    private let isSettled: Bool

    /// Counts up whenever the tensors of copies change their meaning.
    private static let version = "1"
    static let suffix = ".safetensors"
    /// How many copies are kept, those used last, of 262 MB each.
    private static let limit = 4

    /// What is wrong with a copy.
    private struct Damage: Error, CustomStringConvertible { let description: String }

    init(of file: String, in folder: String) {
        source = FileIdentity(URL(fileURLWithPath: file))
        isSettled = source.isSettled
        self.folder = folder
        path = "\(folder)/\(Self.start(source))\(Checksum.text(of: "\(source)"))\(Self.suffix)"
    }

    /// What the names of all copies of a file begin with, whatever has become of it.
    private static func start(_ source: FileIdentity) -> String { Checksum.text(of: source.path) + "-" }

    /// Whether the file is the one that it was before it was read, and a change to come will show.
    var isOfUnchangedFile: Bool {
        isSettled && source == FileIdentity(URL(fileURLWithPath: source.path))
    }

    func read() throws -> DetectorWeights {
        let file = try SafetensorsFile(path: path)
        guard file.metadata["source"] == "\(source)" else {
            throw Damage(description: "it was made from something else")
        }
        return try Self.weights(in: file)
    }

    /// What a copy holds, whatever it was made from.
    static func weights(in file: SafetensorsFile) throws -> DetectorWeights {
        guard file.metadata["version"] == version,
            let format = file.metadata["format"].flatMap(DetectorWeights.Format.init)
        else { throw Damage(description: "it was made by another version") }
        var state: [String: Tensor] = [:]
        for info in file.tensors {
            guard info.dtype == .float32 else { throw Damage(description: "it has other tensors") }
            state[info.name] = try file.tensor(info.name)
        }
        let weights = try DetectorWeights(state, format: format)
        guard file.metadata["fingerprint"] == weights.fingerprint else {
            throw Damage(description: "its checksum does not fit")
        }
        return weights
    }

    /// Writes the copy, whole or not at all. A power cut may damage it, which its checksum shows.
    func write(_ weights: DetectorWeights) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let metadata = [
            "version": Self.version, "source": "\(source)", "format": weights.format.rawValue,
            "fingerprint": weights.fingerprint,
        ]
        try saveSafetensors(weights.state, metadata: metadata, to: path, durably: false)
        removeOthers()
    }

    /// Removes copies of the file as it was before, those unused for longest where there are too many, and what a kill
    /// has left.
    private func removeOthers() {
        let manager = FileManager.default
        var kept: [(path: String, used: Date)] = []
        for name in (try? FolderListing(folder))?.names ?? [] {
            let other = folder + "/" + name
            let attributes = try? manager.attributesOfItem(atPath: other)
            let used = attributes?[.modificationDate] as? Date ?? .distantPast
            if name.hasSuffix(".partial") {
                AtomicFile.removeLeftOver(other)
            } else if name.hasSuffix(Self.suffix), other != path {
                if name.hasPrefix(Self.start(source)) {
                    try? manager.removeItem(atPath: other)
                } else {
                    kept.append((other, used))
                }
            }
        }
        for old in kept.sorted(by: { $0.used > $1.used }).dropFirst(Self.limit - 1) {
            try? manager.removeItem(atPath: old.path)
        }
    }
}
