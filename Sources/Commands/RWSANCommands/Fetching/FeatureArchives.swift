import Foundation
import VQADatasets
import VQAFeatures

/// The feature archives of the official release, where they lie in a datasets folder.
struct FeatureArchives {
    let layout: OfficialLayout
    let interrupts: Interrupts

    /// Packs each archive whose store is not there yet. One that cannot be packed does not keep the others from it.
    ///
    /// - Throws: `FetchStopped`; the last archive's error where some could not be packed, after the
    ///   others' have been told.
    func pack() throws {
        var failure: (any Error)?
        for folder in [DatasetSplit.train, .val, .test].flatMap(layout.featureFolders) {
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
