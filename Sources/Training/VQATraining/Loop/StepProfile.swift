import Foundation
import Torch

/// Records some steps of a run as a trace for Chrome's viewer or Perfetto.
package final class StepProfile {
    /// Where the trace goes.
    package let file: URL
    /// The steps that are recorded, counted from 1 in this process.
    package let steps: ClosedRange<Int>

    /// Whether the trace has been written.
    package private(set) var isWritten = false

    private let device: Device
    private var stepsBegun = 0
    private var isRecording = false

    /// - Parameters:
    ///   - file: Where the trace goes; its folder must exist.
    ///   - device: Where the run computes.
    ///   - skipping: How many steps go before: the first ones are slower than the rest.
    ///   - count: How many steps are recorded.
    package init(file: URL, device: Device, skipping: Int = 2, count: Int = 3) {
        self.file = file
        self.device = device
        steps = skipping + 1...skipping + max(1, count)
    }

    /// Does a step, recorded where it is one of ``steps``.
    ///
    /// - Throws: `TorchError` where the trace cannot be written; what `body` throws.
    func step<Result>(_ body: () throws -> Result) throws -> Result {
        stepsBegun += 1
        if stepsBegun == steps.lowerBound {
            try Profiler.start(on: device)
            isRecording = true
        }
        let result = try Profiler.named("step") { try body() }
        if stepsBegun == steps.upperBound { try finish() }
        return result
    }

    /// Writes what has been recorded of a run that ends before the last of ``steps``.
    func finish() throws {
        guard isRecording else { return }
        isRecording = false
        try device.synchronize()
        try Profiler.stop(writingTo: file)
        isWritten = true
    }
}
