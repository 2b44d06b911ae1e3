import Foundation
import Synchronization
import TestSupport
import Testing
import VQATraining

@testable import TensorBoardEvents
@testable import VisualQuestionAnswering

/// Curves that cannot be written: a run goes on.
@Suite struct TrainingCurvesTests {
    private func epoch(_ number: Int) throws -> TrainingEvent {
        let record = """
            {"epoch": \(number), "loss": 1, "lr": 1, "questions_per_second": 1, "seconds": 1}
            """
        return .epoch(try JSONDecoder().decode(EpochRecord.self, from: Data(record.utf8)), checkpoint: "")
    }

    @Test("an event file that cannot be begun is told once")
    func noFile() throws {
        let notices = Mutex<[String]>([])
        let curves = TrainingCurves(onNotice: { line in notices.withLock { $0.append(line) } }) {
            try EventWriter(in: URL(fileURLWithPath: "/proc/nowhere"), from: 0)
        }
        for step in 1...3 { curves.add(try epoch(step), step: step) }
        curves.finish()
        #expect(notices.withLock { $0.count } == 1)
        #expect(notices.withLock { $0.first }?.contains("the run goes on") == true)
    }

    @Test("a disk that fills up is told once, and what was written before can be read")
    func fullDisk() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("events")
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
        try #require(descriptor >= 0)
        let notices = Mutex<[String]>([])
        let curves = TrainingCurves(onNotice: { line in notices.withLock { $0.append(line) } }) {
            try EventWriter(RecordFile(path: path, descriptor: descriptor), from: 0, now: { 0 })
        }
        curves.add(try epoch(1), step: 1)
        let before = try folder.bytes(of: "events")
        // From here on the descriptor is that of a device that is always full.
        let full = open("/dev/full", O_WRONLY | O_CLOEXEC)
        try #require(dup2(full, descriptor) == descriptor)
        close(full)
        for step in 2...4 { curves.add(try epoch(step), step: step) }
        curves.finish()
        #expect(
            notices.withLock { $0 } == [
                "\(path): cannot be written: No space left on device; the run goes on, and TensorBoard will not show the rest of it"
            ])
        #expect(try folder.bytes(of: "events") == before)
        #expect(!before.isEmpty)
    }
}
