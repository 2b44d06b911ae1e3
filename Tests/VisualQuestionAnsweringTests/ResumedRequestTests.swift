import Foundation
import Synchronization
import TestSupport
import Testing
import VQADatasets
import VQASettings
import VQATraining
import VisualQuestionAnswering

/// What a program is told that asks for what changes nothing.
@Suite struct ResumedRequestTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func request(_ settings: [(String, SettingValue)] = []) throws -> TrainingRun.Request {
        var request = TrainingRun.Request(name: "mini", place: .folder(MiniRun.datasets.path))
        for (key, text) in MiniRun.settings {
            try request.configuration.set(key, to: SettingValue(parsing: text))
        }
        try request.configuration.apply(settings + [("max_epoch", .int(1)), ("use_glove", .bool(false))])
        request.workingFolder = folder.url
        request.devices = [.cpu]
        request.cache = nil
        return request
    }

    private func notices(_ request: TrainingRun.Request) throws -> [String] {
        let notices = Mutex<[String]>([])
        var request = request
        request.onNotice = { notice in notices.withLock { $0.append(notice) } }
        _ = try TrainingRun(request).train()
        return notices.withLock { $0 }
    }

    @Test("settings of a request that goes on are told to be the checkpoint's, those of changeSettings count")
    func configurationOfResumed() throws {
        _ = try TrainingRun(request()).train()
        var again = try request([("lr_base", .double(0.5))])
        again.resume = folder.file("ckpts/ckpt_mini")
        #expect(
            try notices(again).contains {
                $0.contains("lr_base") && $0.contains("without effect") && $0.contains("changeSettings")
            })
        var changed = TrainingRun.Request(name: "mini", place: .folder(MiniRun.datasets.path))
        changed.workingFolder = folder.url
        changed.devices = [.cpu]
        changed.cache = nil
        changed.resume = folder.file("ckpts/ckpt_mini")
        changed.changeSettings = { try $0.set("lr_base", to: .double(0.5)) }
        #expect(try notices(changed).allSatisfy { !$0.contains("without effect") })
        #expect(try TrainingRun(changed).configuration.training.lrBase == 0.5)
    }

    @Test("a run that goes on with another dataset keeps the sizes and the training of its checkpoint")
    func otherDataset() throws {
        _ = try TrainingRun(request([("batch_size", .int(8))])).train()
        var again = TrainingRun.Request(name: "mini", place: .folder(MiniRun.datasets.path))
        again.workingFolder = folder.url
        again.devices = [.cpu]
        again.cache = nil
        again.resume = folder.file("ckpts/ckpt_mini")
        again.changeSettings = { try $0.set("dataset", to: "easy-vqa") }
        let configuration = try TrainingRun(again).configuration
        #expect(configuration.dataset == "easy-vqa")
        #expect(configuration.training.batchSize == 8)
        #expect(configuration.data.imgFeatSize == 24)
    }

    @Test("vectors that are named and not used are told")
    func gloVeWithoutUse() throws {
        var request = try request()
        request.glove = URL(fileURLWithPath: "/nowhere/glove.txt")
        #expect(try notices(request).contains("--glove changes nothing: use_glove is false"))
    }
}
