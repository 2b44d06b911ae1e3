import ArgumentParser
import Collectives
import Testing
@testable import RWSANCommands

/// Which GPU each of several processes takes.
@Suite struct ProcessDeviceTests {
    /// - Parameter all: The machine of each process, and the GPUs that it sees.
    private func devices(_ all: [(host: String, gpus: [UInt8])]) throws -> [String] {
        let all = all.map { process in
            ProcessDevice(host: process.host, gpus: process.gpus.map { Array(process.host.utf8) + [$0] })
        }
        return try all.indices.map { try ProcessDevice.device(of: $0, among: all).description }
    }

    @Test("the processes of each machine take its GPUs one after the other")
    func byMachine() throws {
        #expect(
            try devices([
                ("a", [0, 1]), ("b", [0, 1, 2]), ("a", [0, 1]), ("b", [0, 1, 2]), ("b", [0, 1, 2]),
            ])
                == ["cuda:0", "cuda:0", "cuda:1", "cuda:1", "cuda:2"])
    }

    @Test("where the launcher shows each process GPUs of its own, each takes one of those")
    func bound() throws {
        #expect(try devices([("a", [0]), ("a", [1]), ("b", [3, 2])]) == ["cuda:0", "cuda:0", "cuda:0"])
        // Two processes for each two GPUs.
        #expect(
            try devices([("a", [0, 1]), ("a", [0, 1]), ("a", [2, 3]), ("a", [2, 3])])
                == ["cuda:0", "cuda:1", "cuda:0", "cuda:1"])
    }

    @Test("where one process sees no GPU, all compute on CPUs")
    func withoutGPU() throws {
        #expect(try devices([("a", [0, 1]), ("b", [])]) == ["cpu", "cpu"])
    }

    @Test("more processes on a machine than GPUs are refused, by all processes with the same words")
    func tooFew() throws {
        let all = ["a", "b", "b"].map { ProcessDevice(host: $0, gpus: [Array($0.utf8)]) }
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
