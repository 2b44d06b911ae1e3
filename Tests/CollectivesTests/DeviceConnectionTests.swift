import Collectives
import NCCLDouble
import Testing

/// GPUs that add up their numbers; here with what stands for NCCL.
@Suite(.serialized) struct DeviceConnectionTests {
    private let library = NCCLLibrary(nccl_double())

    /// Has each end do something to numbers of its own.
    private func numbers(
        _ start: [[Float]], _ ask: (DeviceConnection, UnsafeMutableRawPointer, Int) throws -> Void
    ) throws -> [[Float]] {
        let ends = try DeviceConnection.join(devices: Array(start.indices), library)
        let memory = start.map { numbers in
            let memory = UnsafeMutableBufferPointer<Float>.allocate(capacity: numbers.count)
            _ = memory.initialize(from: numbers)
            return memory
        }
        defer { memory.forEach { $0.deallocate() } }
        try library.together {
            for (end, memory) in zip(ends, memory) {
                guard let address = memory.baseAddress else { continue }
                try ask(end, address, memory.count)
            }
        }
        return memory.map { Array($0) }
    }

    @Test("all ends have the sums, added in the order of the ends")
    func addUp() throws {
        let found = try numbers([[1e8, 1], [1, 2], [-1e8, 4]]) { try $0.addUp($1, count: $2, on: nil) }
        #expect(found == Array(repeating: [(1e8 + 1) - 1e8, 7], count: 3))
    }

    @Test("the first end has the sums that are collected, and hands out its numbers")
    func collectAndHandOut() throws {
        let collected = try numbers([[1, 2], [3, 4]]) { try $0.collect($1, count: $2, on: nil) }
        #expect(collected[0] == [4, 6])
        #expect(
            try numbers([[1, 2], [3, 4]]) { try $0.handOut($1, count: $2, on: nil) } == [[1, 2], [1, 2]])
    }

    @Test("what NCCL refuses is an error with its reason")
    func refused() throws {
        let error = #expect(throws: DeviceExchangeError.self) {
            var isFirst = true
            _ = try numbers([[1], [2]]) { end, address, count in
                defer { isFirst = false }
                // Ends that ask for different things.
                if isFirst {
                    try end.addUp(address, count: count, on: nil)
                } else {
                    try end.handOut(address, count: count, on: nil)
                }
            }
        }
        #expect(try #require(error).description.contains("invalid usage"))
    }

    @Test("where there is no NCCL, the error says what to do")
    func missing() {
        let error = DeviceExchangeError.notThere(reason: "libnccl.so.2: cannot open shared object file")
        #expect(error.description.contains("scripts/setup --cuda"))
    }
}
