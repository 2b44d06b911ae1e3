import TestSupport
import Testing
import Torch

/// Memory that a GPU reads by itself, and what a device has left.
@Suite struct PinnedMemoryTests {
    @Test(
        "without a CUDA device a pinned tensor is an error with the reason",
        .enabled(if: Device.best == .cpu, "there is a GPU here"))
    func withoutGPU() throws {
        let error = #expect(throws: TorchError.self) { try Tensor([1, 2] as [Float], pinned: true) }
        #expect(try #require(error).operation == "pinned tensor")
        #expect(!(try #require(error).reason.isEmpty))
        #expect(throws: TorchError.self) {
            try Tensor(uninitialized: [2], of: Float.self, pinned: true) { $0.update(repeating: 0) }
        }
        #expect(throws: TorchError.self) { try Segments(lengths: [1, 2], pinned: true) }
        #expect(throws: TorchError.self) { try Device.cuda(0).freeMemory }
    }

    @Test(
        "a pinned tensor holds what it was filled with", .enabled(if: GPU.isThere, GPU.isMissing))
    func pinned() throws {
        let tensor = try Tensor(uninitializedCapacity: [3, 2], of: Float.self, pinned: true) { memory in
            _ = memory.update(fromContentsOf: [1, 2, 3, 4])
            return 2
        }
        #expect(try tensor.isPinned)
        #expect(try tensor.array(of: Float.self) == [1, 2, 3, 4])
        #expect(try tensor.moved(to: .best).array(of: Float.self) == [1, 2, 3, 4])
        #expect(try Tensor([5, 6] as [Int64], pinned: true).isPinned)
        #expect(try Device.best.freeMemory > 0)
    }

    @Test("other tensors are not pinned, and the memory of the CPU is not the device's to tell")
    func pageable() throws {
        #expect(!(try Tensor([1, 2] as [Float]).isPinned))
        #expect(throws: TorchError.self) { try Device.cpu.freeMemory }
    }

    @Test("a tensor of as many rows as were filled, from none to all", arguments: [0, 1, 3])
    func filledRows(count: Int) throws {
        let tensor = try Tensor(uninitializedCapacity: [3, 2], of: Int64.self) { memory in
            for index in 0..<count * 2 { memory[index] = Int64(index) }
            return count
        }
        #expect(tensor.shape == [count, 2])
        #expect(tensor.isContiguous)
        #expect(try tensor.array(of: Int64.self) == (0..<count * 2).map(Int64.init))
        #expect(try (tensor + 1).sum().item() == Double((0..<count * 2).reduce(0) { $0 + $1 + 1 }))
    }

    @Test("more rows than there is memory for are an error", arguments: [-1, 4])
    func tooManyRows(count: Int) {
        #expect(throws: TorchError.self) {
            try Tensor(uninitializedCapacity: [3, 2], of: Float.self) { _ in count }
        }
    }
}
