import Synchronization
import Torch

/// Where the features of batches lie on the host.
enum BatchMemory: Sendable {
    /// In memory of the process, used again and again.
    case pageable(RowMemory)
    /// In page-locked memory, whose allocator, libtorch's own, knows when the GPU has read it.
    case pinned

    /// Whether the other tensors of a batch are to be pinned too.
    var isPinned: Bool {
        switch self {
        case .pageable: false
        case .pinned: true
        }
    }

    /// Rows of features: float32 `[rows, width]`.
    ///
    /// - Parameters:
    ///   - capacity: How many rows there can be.
    ///   - width: The length of a row.
    ///   - fill: Fills rows from the front of memory for `capacity` of them or more, and gives how many.
    /// - Throws: `TorchError` where memory is short, or cannot be page-locked; what `fill` throws.
    func rows(
        capacity: Int, width: Int, filling fill: (UnsafeMutableBufferPointer<Float>) throws -> Int
    ) throws -> Tensor {
        switch self {
        case .pageable(let memory):
            let block = memory.take(byteCount: capacity * width * MemoryLayout<Float>.size)
            let count = try fill(block.bytes.bindMemory(to: Float.self))
            return try memory.tensor(on: block, shape: [count, width])
        case .pinned:
            return try Tensor(
                uninitializedCapacity: [capacity, width], of: Float.self, pinned: true,
                initializingWith: fill)
        }
    }
}

/// Memory for the features of batches, which is used again once a batch is gone.
///
/// A batch of 64 questions takes some 20 MB. The first touch of memory that the system has just handed out costs
/// about as much as everything else in making a batch from a feature store.
final class RowMemory: Sendable {
    private let free = Mutex<[Block]>([])

    /// A piece of memory, for one batch at a time.
    final class Block: @unchecked Sendable {
        let bytes: UnsafeMutableRawBufferPointer

        fileprivate init(byteCount: Int) {
            // Batches differ in size a little; one piece is to serve them all.
            let step = 4 << 20
            bytes = .allocate(byteCount: (byteCount / step + 1) * step, alignment: 64)
        }

        deinit { bytes.deallocate() }
    }

    /// Memory for so many bytes or more.
    func take(byteCount: Int) -> Block {
        free.withLock { free in
            // The last one to come back is the likeliest to be in the cache.
            if let index = free.lastIndex(where: { $0.bytes.count >= byteCount }) {
                return free.remove(at: index)
            }
            // In place of one that is too small, so that no more are kept than were ever in use.
            _ = free.popLast()
            return Block(byteCount: byteCount)
        }
    }

    /// A tensor on the front of a piece, which comes back here when the tensor is gone.
    ///
    /// - Throws: `TorchError` where memory is short.
    func tensor(on block: Block, shape: [Int]) throws -> Tensor {
        let byteCount = shape.reduce(MemoryLayout<Float>.size, *)
        return try Tensor(
            borrowing: UnsafeRawBufferPointer(rebasing: block.bytes[..<byteCount]), shape: shape,
            dtype: .float32, owner: Loan(block, of: self))
    }

    private final class Loan: Sendable {
        private let block: Block
        private let memory: RowMemory

        init(_ block: Block, of memory: RowMemory) { (self.block, self.memory) = (block, memory) }

        deinit { memory.free.withLock { [block] in $0.append(block) } }
    }
}
