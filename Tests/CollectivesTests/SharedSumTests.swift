import Foundation
import TestSupport
import Testing
@testable import Collectives

/// Sums of several processes, as if they were on several machines.
@Suite(.serialized) struct SharedSumTests {
    /// In single precision, what comes first decides what is lost.
    private static let numbers: [Float] = [1e8, 1, -1e8, 1]
    private static let inOrder = ((numbers[0] + numbers[1]) + numbers[2]) + numbers[3]
    private static let byMachine = (numbers[0] + numbers[1]) + (numbers[2] + numbers[3])

    @Test(
        "a process of those that a test below has started",
        .enabled(if: StartedProcesses.folder != nil, StartedProcesses.areOthers))
    func process() throws {
        let environment = ProcessInfo.processInfo.environment
        let launch = try #require(Launch(environment))
        let group = try #require(
            try ProcessGroup.join(
                launch, timeout: .seconds(60), isBeingKilled: { false }, environment: environment))
        // Of one machine, of two, and of two that are interleaved; fewer numbers than processes, and many.
        for (machines, expected) in [
            ([[0, 1, 2, 3]], Self.inOrder), ([[0, 1], [2, 3]], Self.byMachine),
            ([[0, 2], [1, 3]], (Self.numbers[0] + Self.numbers[2]) + (Self.numbers[1] + Self.numbers[3])),
            ([[0, 1, 2], [3]], Self.inOrder), ([[0], [1], [2], [3]], Self.inOrder),
        ] {
            for count in [1, 3, 1_000_003] {
                let memory = UnsafeMutableBufferPointer<Float>.allocate(capacity: count)
                defer { memory.deallocate() }
                for place in 0..<count { memory[place] = place == count / 2 ? 7 : Self.numbers[group.rank] }
                try group.addUp(memory, machines: machines)
                #expect(memory.enumerated().allSatisfy { $1 == ($0 == count / 2 ? 28 : expected) })
            }
        }
        try group.leave()
    }

    @Test(
        "numbers are added in the order of ranks, those of a machine first",
        .enabled(if: StartedProcesses.arePossible, StartedProcesses.areMissing))
    func order() throws {
        #expect(Self.inOrder != Self.byMachine)
        let (code, text) = try StartedProcesses.run(
            4, "SharedSumTests.process", in: TemporaryFolder().url.appending(path: "sums"))
        #expect(code == 0, Comment(rawValue: text))
    }
}
