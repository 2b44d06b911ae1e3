import Foundation
import VQADatasets
import VQAFeatures

/// The feature archives of the official release, where they lie in a datasets folder.
struct FeatureArchives {
    let layout: OfficialLayout
    let interrupts: Interrupts

    private var folders: [URL] { [DatasetSplit.train, .val, .test].flatMap(layout.featureFolders) }

    /// The archives to fetch from a mirror: those that are missing and whose store is not there; with `isForced`, those
    /// that lie there too.
    ///
    /// - Parameter mirror: The address that their names follow; nil where there is none.
    /// - Throws: `UnfetchableFeatures` where some are missing and there is no mirror.
    func planned(_ mirror: String?, isForced: Bool) throws -> [FetchPlan.File] {
        let unpacked = folders.filter { !FeatureStore.isFinished(layout.featureStore(packedFrom: $0).path) }
            .map(layout.featureArchive)
        let missing = unpacked.filter { !FileManager.default.fileExists(atPath: $0.path) }
        guard let mirror else {
            guard missing.isEmpty else { throw UnfetchableFeatures(archives: missing) }
            return []
        }
        return (isForced ? unpacked : missing).map {
            FetchPlan.File(address: mirror + $0.lastPathComponent, path: $0.path, isForced: isForced)
        }
    }

    /// Packs each archive whose store is not there yet. One that cannot be packed does not keep the others from it.
    ///
    /// - Throws: `FetchStopped`; the last archive's error where some could not be packed, after the
    ///   others' have been told.
    func pack() throws {
        var failure: (any Error)?
        for folder in folders {
            do {
                try pack(folder)
            } catch is FetchStopped {
                throw FetchStopped()
            } catch {
                if let failure { Console.note(ErrorLine.text(for: failure)) }
                failure = error
            }
        }
        if let failure { throw failure }
    }

    private func pack(_ folder: URL) throws {
        let archive = layout.featureArchive(of: folder).path
        let store = layout.featureStore(packedFrom: folder).path
        guard FileManager.default.fileExists(atPath: archive) else { return }
        guard !FeatureStore.isFinished(store) else {
            Console.note("\(relativeToWorkingFolder(store)) is there already")
            return
        }
        Console.note("packing \(relativeToWorkingFolder(archive))")
        let (report, _) = try FeaturePacker().packShowing([archive], into: store) { interrupts.isRequested }
        switch report.outcome {
        case .complete: break
        case .incomplete: throw UnfinishedStore(path: store, causes: report.endedEarly)
        case .interrupted: throw FetchStopped()
        }
    }
}

/// Features that a program cannot fetch.
struct UnfetchableFeatures: Error, CustomStringConvertible {
    /// Those that are missing.
    let archives: [URL]
    var description: String {
        let places = archives.map(\.relativePath).joined(separator: ", ")
        return
            "--with features: expected \(places), found none of them, and their only links are on a file sharing site "
            + "that no program can fetch from: open them in a browser as the official release's README says, name "
            + "another address by --mirror, or make features of the pictures (--with images, '\(Program.name) fetch "
            + "detector', '\(Program.name) extract --store')"
    }
}
