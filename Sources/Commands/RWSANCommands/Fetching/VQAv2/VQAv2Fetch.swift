import Downloads
import Foundation
import VQADatasets

/// Brings VQA-v2's questions and annotations, and what else is asked for, into a datasets folder.
struct VQAv2Fetch {
    let layout: OfficialLayout
    private let folder: String
    private let parts: Set<VQAv2Part>
    private let source: FetchSource
    private let interrupts: Interrupts
    private let questions: ArchiveFetch
    private let genome: VisualGenomeFetch?
    private let kept: [KeptArchive]
    private let features: FeatureArchives
    private let isForced: Bool

    /// - Parameters:
    ///   - output: The datasets folder.
    ///   - isForced: Whether files that are there are fetched all the same.
    /// - Throws: `UnwritableOutput`; `FolderInUse`.
    init(
        output: String, parts: Set<VQAv2Part>, source: FetchSource, isForced: Bool, interrupts: Interrupts
    ) throws {
        let layout = OfficialLayout(datasets: URL(fileURLWithPath: output))
        let downloads = try DownloadsFolder(in: layout)
        questions = ArchiveFetch(
            layout: layout, source: source.mirror ?? VQAv2Archive.publicAddress, isForced: isForced,
            downloader: source.downloader, downloads: downloads, interrupts: interrupts)
        let genome = VisualGenomeFetch(
            layout: layout, source: source, isForced: isForced, downloads: downloads, interrupts: interrupts)
        self.genome = parts.contains(.visualGenome) ? genome : nil
        let vectors = KeptArchive.vectors(
            in: URL(fileURLWithPath: output), source, isForced: isForced, interrupts)
        let pictures = KeptArchive.pictures(layout, source, isForced: isForced, interrupts)
        kept = (parts.contains(.glove) ? [vectors] : []) + (parts.contains(.images) ? pictures : [])
        features = FeatureArchives(layout: layout, interrupts: interrupts)
        (self.layout, self.parts, self.source) = (layout, parts, source)
        (folder, self.isForced, self.interrupts) = (output, isForced, interrupts)
    }

    /// Brings everything. With parts, nothing comes before all sizes were told and there is room.
    ///
    /// - Returns: How many records each question and annotation file has.
    /// - Throws: `FetchStopped`; `UnfetchableFeatures`; `UnwritableOutput`; `DownloadError`; what else keeps a part away.
    func run() throws -> [VQAv2File: Int] {
        let featureFiles =
            parts.contains(.features) ? try features.planned(source.mirror, isForced: isForced) : []
        let present = Dictionary(
            uniqueKeysWithValues: VQAv2Archive.allCases.map { ($0, questions.present($0)) })
        if !parts.isEmpty { try plan(present, featureFiles) }
        let counts = try VQAv2Archive.allCases.reduce(into: [VQAv2File: Int]()) { counts, archive in
            counts.merge(try questions.bring(archive, present[archive] ?? [:])) { $1 }
        }
        if let genome { try genome.bring() } else { noteVisualGenome() }
        for archive in kept { try archive.bring() }
        for file in featureFiles {
            try source.downloader.fetchShowing(file.address, to: file.path, interrupts)
        }
        try features.pack()
        return counts
    }

    /// Tells what is about to come, and makes sure that it can.
    private func plan(
        _ present: [VQAv2Archive: [VQAv2File: Int]], _ featureFiles: [FetchPlan.File]
    ) throws {
        var plan = FetchPlan(downloader: source.downloader, interrupts: interrupts)
        plan.files = VQAv2Archive.allCases.compactMap { questions.planned($0, present[$0] ?? [:]) }
        plan.files += genome?.planned ?? []
        plan.files += kept.compactMap(\.planned) + featureFiles
        for file in plan.files { _ = try OutputPath(file.path) }
        try plan.begin(in: folder)
    }

    private func noteVisualGenome() {
        let files = [layout.questions(of: .visualGenome), layout.annotations(of: .visualGenome)]
        let missing = files.compactMap { $0 }.filter { !FileManager.default.fileExists(atPath: $0.path) }
        guard !missing.isEmpty else { return }
        Console.note(
            "\(missing.map(\.lastPathComponent).joined(separator: " and ")), for training on train+val+vg, come with "
                + "--with visual-genome, or from the official release into \(layout.questionsFolder.relativePath)"
        )
    }
}
