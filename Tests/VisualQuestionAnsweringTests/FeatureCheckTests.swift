import FileSystem
import Foundation
import Synchronization
import TestSupport
import Testing
import VQAFeatures
import VQASettings
import VQATraining
import VisualQuestionAnswering

/// Feature stores compared with their checksums while a run is made.
@Suite struct FeatureCheckTests {
    private let folder: TemporaryFolder

    /// A copy of the fixture's dataset with packed features.
    init() throws {
        folder = try TemporaryFolder()
        try FileManager.default.copyItem(
            atPath: MiniRun.datasets.path, toPath: folder.file("datasets"))
        for name in ["train2014", "val2014"] {
            let features = folder.file("datasets/coco_extract/" + name)
            _ = try FeaturePacker().pack([features], into: features + ".packed")
        }
        usleep(60_000)
    }

    private func request() throws -> TrainingRun.Request {
        var request = TrainingRun.Request(name: "mini", place: .folder(folder.file("datasets")))
        for (key, text) in MiniRun.settings {
            try request.configuration.set(key, to: SettingValue(parsing: text))
        }
        try request.configuration.set("use_glove", to: .bool(false))
        request.workingFolder = folder.url
        request.answerFile = MiniRun.answers.path
        request.devices = [.cpu]
        request.cache = nil
        request.verifiedFiles = VerifiedFiles(path: folder.file("verified.json"))
        return request
    }

    @Test("how far the check has come is told, and that it happens once; the next run tells nothing")
    func progress() throws {
        var request = try request()
        var progress: [FeatureCheckProgress] = []
        let notices = Mutex<[String]>([])
        request.onProgress = { progress.append($0) }
        request.onNotice = { notice in notices.withLock { $0.append(notice) } }
        let stores = try ["train2014", "val2014"].map {
            try FeatureStore(folder.file("datasets/coco_extract/\($0).packed"))
        }
        let byteCount = stores.reduce(0) { $0 + $1.byteCount }
        _ = try TrainingRun(request)
        #expect(!progress.isEmpty)
        #expect(progress.allSatisfy { $0.byteCount == byteCount && $0.checkedByteCount <= byteCount })
        let said = notices.withLock { $0 }.filter { $0.contains("once for each change of a file") }
        #expect(said.count == 1)
        #expect(said.allSatisfy { $0.contains(String(format: "%.1f MB", Double(byteCount) / 1e6)) })

        progress = []
        notices.withLock { $0 = [] }
        _ = try TrainingRun(request)
        #expect(progress.isEmpty)
        #expect(!notices.withLock { $0 }.contains { $0.contains("checksums") })
    }

    @Test("whoever stops the check ends the making of the run, before any of its files are there")
    func stopped() throws {
        var request = try request()
        request.shouldStop = { true }
        #expect(throws: InterruptedError.self) { try TrainingRun(request) }
        #expect(!FileManager.default.fileExists(atPath: folder.file("ckpts")))
    }
}
