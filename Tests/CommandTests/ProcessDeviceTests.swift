import ArgumentParser
import Collectives
import Testing
@testable import RWSANCommands

/// Which GPU each of several processes takes.
@Suite struct ProcessDeviceTests {
    private func devices(_ all: [(host: String, visible: String?, gpuCount: Int)]) throws -> [String] {
        let all = all.map { ProcessDevice(host: $0.host, visible: $0.visible, gpuCount: $0.gpuCount) }
        return try all.indices.map { try ProcessDevice.device(of: $0, among: all).description }
    }

    @Test("the processes of each machine take its GPUs one after the other")
    func byMachine() throws {
        #expect(
            try devices([("a", nil, 2), ("b", nil, 4), ("a", nil, 2), ("b", nil, 4), ("b", nil, 4)])
                == ["cuda:0", "cuda:0", "cuda:1", "cuda:1", "cuda:2"])
    }

    @Test("where the launcher has given each process a GPU of its own, that is the one")
    func bound() throws {
        #expect(
            try devices([("a", "0", 1), ("a", "1", 1), ("b", "0,1", 2)]) == ["cuda:0", "cuda:0", "cuda:0"])
    }

    @Test("where one process sees no GPU, all compute on CPUs")
    func withoutGPU() throws {
        #expect(try devices([("a", nil, 2), ("b", nil, 0)]) == ["cpu", "cpu"])
    }

    @Test("more processes on a machine than GPUs are refused, by all processes with the same words")
    func tooFew() throws {
        let all = ["a", "b", "b"].map { ProcessDevice(host: $0, visible: nil, gpuCount: 1) }
        for rank in all.indices {
            let error = #expect(throws: ValidationError.self) {
                try ProcessDevice.device(of: rank, among: all)
            }
            #expect(
                try #require(error).message.hasPrefix(
                    "--device: expected a GPU for each of the 2 processes on b, found 1"))
        }
    }
}
