import Archives
import Foundation
import TestSupport
import Testing
import Torch

@testable import VQATraining

/// Where a run's files go, and how it finds them again.
@Suite struct RunFolderTests {
    private func record(_ epoch: Int) -> EpochRecord {
        EpochRecord(
            epoch: epoch, loss: 4.5, lr: 0.001, overall: 60.25, perAnswerType: ["yes/no": 71.5],
            questionsPerSecond: 100, seconds: 2.5)
    }

    private func writeCheckpoint(_ file: URL, step: Int) throws {
        var checkpoint = Checkpoint(weights: ["w": try Tensor([1] as [Float])])
        checkpoint.training = TrainingState(learningRateBase: 1, seed: 0, threadCount: 1)
        checkpoint.training?.step = step
        try checkpoint.write(to: file.path)
    }

    @Test("files go to the official places")
    func places() {
        let folder = RunFolder(name: "x", in: URL(fileURLWithPath: "/work"))
        #expect(folder.checkpoint(epoch: 3).path == "/work/ckpts/ckpt_x/epoch3.safetensors")
        #expect(folder.interrupted.path == "/work/ckpts/ckpt_x/interrupted.safetensors")
        #expect(folder.metrics.path == "/work/ckpts/ckpt_x/metrics.jsonl")
        #expect(folder.log.path == "/work/results/log/log_run_x.txt")
    }

    @Test("records are written one a line under the official names, and read back up to an epoch")
    func records() throws {
        let temporary = try TemporaryFolder()
        let folder = RunFolder(name: "x", in: temporary.url)
        #expect(try folder.records(upTo: 9).isEmpty)
        try folder.create()
        try folder.write((1...3).map(record))
        let lines = try String(contentsOf: folder.metrics, encoding: .utf8).split(separator: "\n")
        #expect(lines.count == 3)
        #expect(
            lines[0] == """
                {"epoch":1,"loss":4.5,"lr":0.001,"overall":60.25,"perAnswerType":{"yes/no":71.5},\
                "questions_per_second":100,"seconds":2.5}
                """)
        #expect(try folder.records(upTo: 2) == [record(1), record(2)])
        #expect(try String(contentsOf: folder.log, encoding: .utf8).contains("Overall Accuracy is: 60.25"))
    }

    @Test("an epoch that was not evaluated has no accuracies in its record")
    func recordWithoutAccuracy() throws {
        let record = EpochRecord(epoch: 1, loss: 1, lr: 1, questionsPerSecond: 1, seconds: 1)
        let json = String(decoding: try JSONEncoder().encode(record), as: UTF8.self)
        #expect(!json.contains("overall") && !json.contains("perAnswerType"))
    }

    @Test("records that cannot be read are an error that names the file")
    func damagedRecords() throws {
        let temporary = try TemporaryFolder()
        let folder = RunFolder(name: "x", in: temporary.url)
        try folder.create()
        try Data("{\"epoch\":1,".utf8).write(to: folder.metrics)
        let error = #expect(throws: CheckpointError.self) { try folder.records(upTo: 1) }
        #expect(try #require(error).path == folder.metrics.path)
    }

    @Test("the checkpoint that has come furthest is found; what cannot be read is passed over and told")
    func latest() throws {
        let temporary = try TemporaryFolder()
        let folder = RunFolder(name: "x", in: temporary.url)
        try folder.create()
        #expect(throws: CheckpointError.self) {
            try RunFolder.latestCheckpoint(in: folder.checkpoints) { _ in }
        }
        try writeCheckpoint(folder.checkpoint(epoch: 9), step: 90)
        try writeCheckpoint(folder.checkpoint(epoch: 10), step: 100)
        try writeCheckpoint(folder.interrupted, step: 95)
        try Data("half".utf8).write(to: folder.checkpoint(epoch: 11))
        var unreadable: [String] = []
        let latest = try RunFolder.latestCheckpoint(in: folder.checkpoints) { unreadable.append("\($0)") }
        #expect(latest.lastPathComponent == "epoch10.safetensors")
        #expect(unreadable.count == 1 && unreadable[0].contains("epoch11.safetensors"))
    }

    @Test(
        "of a folder of official checkpoints the highest epoch is taken, or it is said that one has to be named"
    )
    func latestOfficial() throws {
        let temporary = try TemporaryFolder()
        func latest() throws -> String {
            try RunFolder.latestCheckpoint(in: temporary.url) { _ in }.lastPathComponent
        }
        _ = try temporary.write("weights.pkl", "")
        #expect(try latest() == "weights.pkl")
        _ = try temporary.write("other.pkl", "")
        let error = #expect(throws: CheckpointError.self) { try latest() }
        #expect(try #require(error).reason.contains("other.pkl, weights.pkl: name the one"))
        for epoch in [2, 9, 10] { _ = try temporary.write("epoch\(epoch).pkl", "") }
        #expect(try latest() == "epoch10.pkl")
    }

    @Test("an earlier run is moved to the first free number; a folder without checkpoints stays")
    func earlierRun() throws {
        let temporary = try TemporaryFolder()
        let folder = RunFolder(name: "x", in: temporary.url)
        try folder.create()
        #expect(!folder.hasCheckpoints)
        #expect(try folder.setAsideEarlierRun(goingOnFrom: nil, step: 0) == nil)
        for number in 1...2 {
            try folder.create()
            try writeCheckpoint(folder.checkpoint(epoch: 0), step: number)
            #expect(folder.hasCheckpoints)
            #expect(
                try folder.setAsideEarlierRun(goingOnFrom: nil, step: 0)?.lastPathComponent
                    == "ckpt_x.\(number)")
        }
        let kept = temporary.file("ckpts/ckpt_x.1/epoch0.safetensors")
        #expect(try Checkpoint.stepCount(of: kept) == 1)
    }

    @Test(
        "going on from a checkpoint moves those that are ahead of it; from elsewhere, the whole earlier run")
    func aheadOfSource() throws {
        let temporary = try TemporaryFolder()
        let folder = RunFolder(name: "x", in: temporary.url)
        try folder.create()
        for epoch in 0...3 { try writeCheckpoint(folder.checkpoint(epoch: epoch), step: epoch) }
        #expect(try folder.setAsideEarlierRun(goingOnFrom: folder.checkpoint(epoch: 3), step: 3) == nil)
        let aside = try #require(
            try folder.setAsideEarlierRun(goingOnFrom: folder.checkpoint(epoch: 1), step: 1))
        let names = try FileManager.default.contentsOfDirectory(atPath: aside.path).sorted()
        #expect(names == ["epoch2.safetensors", "epoch3.safetensors"])
        let latest = try RunFolder.latestCheckpoint(in: folder.checkpoints) { _ in }
        #expect(latest.lastPathComponent == "epoch1.safetensors")

        let other = temporary.url.appending(component: "epoch9.safetensors")
        try writeCheckpoint(other, step: 9)
        #expect(try folder.setAsideEarlierRun(goingOnFrom: other, step: 9)?.lastPathComponent == "ckpt_x.2")
        #expect(!folder.hasCheckpoints)
    }

    @Test("a checkpoint of the run's own folder is known as such also where a link leads there")
    func throughLink() throws {
        let temporary = try TemporaryFolder()
        let folder = RunFolder(name: "x", in: temporary.url)
        try folder.create()
        try writeCheckpoint(folder.checkpoint(epoch: 1), step: 1)
        let link = temporary.url.appending(component: "link")
        try FileManager.default.createSymbolicLink(at: link, withDestinationURL: folder.checkpoints)
        let source = link.appending(component: "epoch1.safetensors")
        #expect(try folder.setAsideEarlierRun(goingOnFrom: source, step: 1) == nil)
        #expect(folder.hasCheckpoints)
    }

    @Test("a run is trained by one process at a time")
    func lock() throws {
        let temporary = try TemporaryFolder()
        let folder = RunFolder(name: "x", in: temporary.url)
        var lock: FileLock? = try folder.lock()
        #expect(throws: RunInUseError.self) { try folder.lock() }
        withExtendedLifetime(lock) {}
        lock = nil
        _ = try folder.lock()
    }

    @Test("what a kill left half written is removed when the run goes on")
    func partialFiles() throws {
        let temporary = try TemporaryFolder()
        let folder = RunFolder(name: "x", in: temporary.url)
        try folder.create()
        try Data("half".utf8).write(
            to: folder.checkpoints.appending(component: "epoch1.safetensors.abc.partial"))
        try folder.create()
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.checkpoints.path).isEmpty)
    }

    @Test("the log has the official lines, and names a metric that is not the release's")
    func logOfAnEpoch() {
        var record = EpochRecord(
            epoch: 1, loss: 2.5, lr: 0.1, overall: 61.25, perAnswerType: ["other": 50], questionsPerSecond: 3,
            seconds: 4)
        for (metric, line) in [(nil, ""), ("release", ""), ("vqa-2021", "Metric: vqa-2021\n")]
            as [(String?, String)]
        {
            record.metric = metric
            let text = OfficialLog.text(of: record)
            #expect(text.hasSuffix("Overall Accuracy is: 61.25\nother : 50.0\n\(line)\n"))
        }
    }
}
