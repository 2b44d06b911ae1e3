import Collectives
import FileSystem
import Foundation
import NCCLDouble
import TestSupport
import Testing
import Torch
import VQABatches
import VQADatasets
@testable import VQATraining

/// Steps that several processes share, each with a device; here on the CPU, with what stands for NCCL.
@Suite(.serialized) struct DeviceProcessTests {
    private static let name = "DeviceProcessTests.process"

    /// A run of an epoch from the official epoch 2, whose features lie on the device.
    private static func trainer(
        _ stepping: Stepping, parts: Int, share: WorkShare = WorkShare(), precision: Precision = .float32,
        device: Device = .cpu, isStreamed: Bool = false
    ) throws -> Trainer {
        var mini = try MiniDataset()
        mini.training.gradAccuSteps = parts
        mini.training.maxEpoch = 3
        mini.training.evalEveryEpoch = false
        var setup = try mini.setup(in: TemporaryFolder().url)
        (setup.stepping, setup.share, setup.precision, setup.device) = (stepping, share, precision, device)
        try setup.model.move(to: device)
        if device == .cpu { setup.deviceLibrary = { NCCLLibrary(nccl_double()) } }
        if stepping == .recorded {
            setup.training.shapes = try BatchShapes(
                questions: (mini.training.batchSize / parts + share.processCount - 1) / share.processCount,
                regionStep: 32, wordStep: 32, maximumRegions: mini.data.imgFeatPadSize,
                maximumWords: mini.data.maxToken, areAlike: share.processCount > 1)
        }
        if !isStreamed {
            let regions = try #require(
                try ResidentRegions.Plan([setup.training]).load(on: device, computingType: .float32))
            setup.training = try setup.training.using(regions)
        }
        let trainer = try Trainer(setup, seed: 0)
        var start = try Checkpoint(contentsOf: MiniRun.checkpoint(2).path)
        try trainer.resume(from: start)
        guard precision == .float16 else { return trainer }
        // The usual scale leaves the first steps out.
        start.training = trainer.state
        start.training?.lossScale = LossScale(scale: 256)
        try trainer.resume(from: start)
        return trainer
    }

    private struct Found: Codable, Equatable {
        var loss = 0.0
        var gradientNorm: Double?
        var weights = ""

        init(_ trainer: Trainer) throws {
            let record = try #require(trainer.records.first)
            (loss, gradientNorm) = (record.loss, record.gradientNorm)
            var checksum = Checksum()
            for (_, tensor) in try trainer.checkpoint().weights.sorted(by: { $0.key < $1.key }) {
                try tensor.moved(to: .cpu).withUnsafeBytes { checksum.add($0) }
            }
            weights = checksum.text
        }
    }

    @Test(
        "a process of those that a test below has started",
        .enabled(if: StartedProcesses.folder != nil, StartedProcesses.areOthers))
    func process() throws {
        let folder = try #require(StartedProcesses.folder)
        let environment = ProcessInfo.processInfo.environment
        let launch = try #require(Launch(environment))
        let group = try #require(
            try ProcessGroup.join(
                launch, timeout: .seconds(folder.hasSuffix("lost") ? 1 : 60), isBeingKilled: { false },
                environment: environment))
        guard !folder.hasSuffix("lost") else { return try loseProcess(group, folder) }
        for stepping in [Stepping.deferred, .recorded] {
            let trainer = try Self.trainer(
                stepping, parts: folder.hasSuffix("streamed") ? 1 : 2, share: WorkShare(group),
                precision: folder.hasSuffix("half") ? .float16 : .float32,
                device: folder.hasSuffix("gpus") ? .cuda(group.localRank) : .cpu,
                isStreamed: folder.hasSuffix("streamed"))
            _ = try trainer.run()
            // NCCL wants recordings that add up made and started everywhere or nowhere. Streamed, each step has one part, which does.
            let repeated = try #require(trainer.steps as? DeferredSteps).repeatedSteps
            #expect(folder.hasSuffix("streamed") || (repeated > 0) == (stepping == .recorded))
            #expect(try Set(WorkShare(group).all(repeated)).count == 1)
            // The records are process 0's.
            guard group.rank == 0 else { continue }
            try JSONEncoder().encode(Found(trainer)).write(
                to: URL(fileURLWithPath: "\(folder)/\(stepping.rawValue).json"))
        }
        try group.leave()
    }

    /// Stops process 1, and has the other one wait for work that takes both, as of GPUs, which nobody interrupts.
    private func loseProcess(_ group: ProcessGroup, _ folder: String) throws {
        guard group.rank == 0 else {
            raise(SIGSTOP)
            return
        }
        let error = #expect(throws: ProcessError.self) { try group.wait { false } }
        try "\(#require(error))".write(toFile: folder + "/error", atomically: true, encoding: .utf8)
        group.abort(7)
    }

    private func run(_ count: Int, _ name: String, in folder: TemporaryFolder) throws -> [String: Found] {
        let place = folder.url.appending(path: name)
        let (code, text) = try StartedProcesses.run(count, Self.name, in: place)
        try #require(code == 0, Comment(rawValue: text))
        return try Dictionary(
            uniqueKeysWithValues: ["deferred", "recorded"].map {
                (
                    $0,
                    try JSONDecoder().decode(
                        Found.self, from: Data(contentsOf: place.appending(path: "\($0).json")))
                )
            })
    }

    @Test(
        "gradients of two and three processes come to what one process learns part by part",
        .enabled(if: StartedProcesses.arePossible, StartedProcesses.areMissing),
        arguments: [2, 3])
    func shared(count: Int) throws {
        let folder = try TemporaryFolder()
        let found = try run(count, "single", in: folder)
        let alone = try Self.trainer(.deferred, parts: 1)
        _ = try alone.run()
        let expected = try Found(alone)
        for (stepping, found) in found {
            #expect(abs(found.loss / expected.loss - 1) < 1e-5, "\(stepping)")
            let norms = (try #require(found.gradientNorm), try #require(expected.gradientNorm))
            #expect(abs(norms.0 / norms.1 - 1) < 1e-3, "\(stepping)")
        }
        // The same number of processes gives the same bits each time.
        if count == 2 { #expect(try run(count, "again", in: folder) == found) }
    }

    @Test(
        "a wait for work of all GPUs ends where a process is lost, and says which",
        .enabled(if: StartedProcesses.arePossible, StartedProcesses.areMissing))
    func lost() throws {
        let place = try TemporaryFolder().url.appending(path: "lost")
        #expect(try StartedProcesses.run(2, Self.name, in: place).code == 7)
        let error = try String(contentsOf: place.appending(path: "error"), encoding: .utf8)
        #expect(error.hasPrefix("process 1 on ") && error.contains("has not answered for 1 s"))
    }

    @Test(
        "gradients of two processes with a GPU each come to what one process learns part by part, with the same bits each time",
        .enabled(if: StartedProcesses.arePossible && GPU.areTwo, GPU.areMissing))
    func sharedGPUs() throws {
        let folder = try TemporaryFolder()
        let found = try run(2, "gpus", in: folder)
        let alone = try Self.trainer(.deferred, parts: 1)
        _ = try alone.run()
        for (stepping, found) in found {
            #expect(abs(found.loss / (try Found(alone).loss) - 1) < 1e-3, "\(stepping)")
        }
        #expect(try run(2, "again-gpus", in: folder) == found)
    }

    @Test(
        "batches of other shapes in each process come to the same, and are recorded in all processes or in none",
        .enabled(if: StartedProcesses.arePossible, StartedProcesses.areMissing))
    func streamed() throws {
        let folder = try TemporaryFolder()
        let found = try run(2, "streamed", in: folder)
        #expect(
            abs(try #require(found["recorded"]).loss / #require(found["deferred"]).loss - 1) < 1e-5)
    }

    @Test(
        "half precision is scaled alike in all processes",
        .enabled(if: StartedProcesses.arePossible, StartedProcesses.areMissing))
    func half() throws {
        let found = try run(2, "half", in: TemporaryFolder())
        let alone = try Self.trainer(.deferred, parts: 1)
        _ = try alone.run()
        for loss in [found["deferred"]?.loss, found["recorded"]?.loss] {
            #expect(abs(try #require(loss) / Found(alone).loss - 1) < 2e-2)
        }
    }

    @Test("pieces of gradients are added up in one order, the first of them while backward goes on")
    func pieces() throws {
        let connection = try DeviceConnection.join(devices: [0], NCCLLibrary(nccl_double()))[0]
        let weights = try (0..<4).map { try Tensor([Float($0 + 1)]).requiringGradient() }
        let buckets = try GradientBuckets(weights, on: .cpu, connection, length: 1)
        func product() throws -> Tensor { try weights.dropFirst().reduce(weights[0]) { try $0 * $1 }.sum() }
        for _ in 0..<2 {
            try buckets.begin()
            try product().backward()
            try buckets.finish()
            #expect(buckets.earlyPieces == 4)
        }
        #expect(try weights.map { try $0.gradient?.item() } == [48, 24, 16, 12])
        // A weight that backward does not come to holds back none but those behind it.
        try buckets.begin()
        try weights[3].sum().backward()
        try buckets.finish()
        #expect(buckets.earlyPieces == 1)
        // Backward by itself adds nothing up.
        try weights[0].sum().backward()
        #expect(buckets.earlyPieces == 1)
    }

    @Test("on a GPU they are part of what is recorded", .enabled(if: GPU.isThere, GPU.isMissing))
    func recordedPieces() throws {
        try GPU.alone {
            let device = Device.cuda(0)
            try device.useOwnStream()
            let connection = try DeviceConnection.join(devices: [0], NCCLLibrary.load())[0]
            let weights = try (0..<4).map {
                try Tensor([Float($0 + 1)]).moved(to: device).requiringGradient()
            }
            let buckets = try GradientBuckets(weights, on: device, connection, length: 1)
            func step() throws {
                try buckets.begin()
                try weights.dropFirst().reduce(weights[0]) { try $0 * $1 }.sum().backward()
                try buckets.finish()
            }
            try step()
            try step()
            let work = try RecordedWork(on: device, sharingMemoryOf: nil, step)
            try work.run()
            try work.run()
            // Gradients add up over the steps.
            #expect(try weights.map { try $0.gradient?.moved(to: .cpu).item() } == [96, 48, 32, 24])
        }
    }

    @Test("a connection that was ended refuses to add up, and what fails there ends the step")
    func ended() throws {
        let connection = try DeviceConnection.join(devices: [0], NCCLLibrary(nccl_double()))[0]
        let weight = try Tensor([Float(1)]).requiringGradient()
        let buckets = try GradientBuckets([weight], on: .cpu, connection)
        connection.end()
        try buckets.begin()
        try weight.sum().backward()
        let error = #expect(throws: DeviceExchangeError.self) { try buckets.finish() }
        #expect(try #require(error).description.contains("the connection was ended"))
    }
}
