import Dispatch
import FileSystem
import Foundation
import Synchronization
import Workers

/// A comparison of feature stores with the checksums in their shards, on all cores. A file that was verified before and
/// has not been changed since is not read again.
///
/// A damaged shard is known as such afterwards: asking its store for one of its images throws.
package struct StoreCheck {
    /// A shard that is not as its checksum says, or cannot be read.
    package struct Damage: Sendable {
        /// What is wrong with it: a `FeatureStoreError` or a `FileAccessError`, which names the file.
        package let cause: any Error
        /// How many images are in it.
        package let imageCount: Int
    }

    /// How many bytes there are to read.
    package let byteCount: Int

    /// The shards to read; those of one file, which several stores may have opened, belong together.
    private let groups: [[FeatureShard]]
    private let memory: VerifiedFiles?

    /// - Parameters:
    ///   - stores: The stores.
    ///   - memory: What was verified before, and where it is remembered; nil for nowhere.
    ///   - isTrusting: Whether what is remembered is not read.
    ///   - onNotice: Told in one line where the memory is damaged.
    package init(
        of stores: [FeatureStore], memory: VerifiedFiles?, isTrusting: Bool = true,
        onNotice: (String) -> Void
    ) {
        self.memory = memory
        let shards = stores.flatMap(\.shards)
        let known =
            isTrusting && !shards.isEmpty ? memory?.identities(onNotice: onNotice) ?? [] : []
        var places: [FileIdentity: Int] = [:]
        var groups: [[FeatureShard]] = []
        for shard in shards where !known.contains(shard.identity) {
            if let place = places[shard.identity] {
                groups[place].append(shard)
            } else {
                places[shard.identity] = groups.count
                groups.append([shard])
            }
        }
        self.groups = groups
        byteCount = groups.reduce(0) { $0 + $1[0].byteCount }
    }

    /// How often it is told how far the check has come.
    private static let progressInterval = Duration.milliseconds(50)
    /// How long finished files wait to be remembered.
    private static let rememberingInterval = Duration.seconds(5)

    /// Reads the shards.
    ///
    /// - Parameters:
    ///   - onProgress: Called now and then, by the thread that calls this, with the number of bytes read.
    ///   - shouldStop: Asked as often; where it says so, or throws, no more is read.
    ///   - onNotice: Told in one line where what is verified cannot be remembered.
    /// - Returns: The damaged shards in the order of the stores; those found so far where it was stopped.
    /// - Throws: What `shouldStop` throws; `ThreadError` where the system makes no thread to read on.
    package func run(
        onProgress: (Int) -> Void = { _ in }, shouldStop: () throws -> Bool = { false },
        onNotice: (String) -> Void
    ) throws -> [Damage] {
        guard !groups.isEmpty else { return [] }
        let reading = ShardReading(groups)
        defer { reading.stop() }
        try reading.start()
        let clock = ContinuousClock()
        var remembered = clock.now
        repeat {
            onProgress(reading.byteCount)
            if try shouldStop() { break }
            if clock.now - remembered > Self.rememberingInterval {
                memory?.remember(reading.takeVerified(), onNotice: onNotice)
                remembered = clock.now
            }
        } while !reading.wait(for: Self.progressInterval)
        memory?.remember(reading.takeVerified(), onNotice: onNotice)
        return reading.damages
    }
}

/// What the threads that read shards share with the one that waits for them.
private final class ShardReading: Sendable {
    private struct State {
        var verified: [FileIdentity] = []
        var damages: [Int: StoreCheck.Damage] = [:]
    }

    private let groups: [[FeatureShard]]
    private let read = Atomic<Int>(0)
    private let isStopped = Atomic<Bool>(false)
    private let state = Mutex(State())
    private let ended = DispatchSemaphore(value: 0)

    init(_ groups: [[FeatureShard]]) { self.groups = groups }

    /// How many bytes have been read.
    var byteCount: Int { read.load(ordering: .relaxed) }

    /// The damaged shards so far, in the order of the stores.
    var damages: [StoreCheck.Damage] {
        state.withLock { $0.damages }.sorted { $0.key < $1.key }.map(\.value)
    }

    /// The files found to be as they should since the last time.
    func takeVerified() -> [FileIdentity] {
        state.withLock { state in
            defer { state.verified = [] }
            return state.verified
        }
    }

    /// Begins on threads of its own.
    func start() throws {
        let work = groups.indices.map { place in
            ParallelWork(cost: groups[place][0].byteCount) { self.verify(place) }
        }
        try ThreadMaker.current.start("checksums") {
            // The work itself throws nothing.
            _ = try? ParallelWork.results(of: work)
            self.ended.signal()
        }
    }

    /// Waits for the end. Returns false where it has not come in that time.
    func wait(for duration: Duration) -> Bool {
        let nanoseconds = Int(clamping: duration / .nanoseconds(1))
        return ended.wait(timeout: .now() + .nanoseconds(nanoseconds)) == .success
    }

    /// Ends the reading within a megabyte.
    func stop() { isStopped.store(true, ordering: .relaxed) }

    private struct Interruption: Error {}

    private func verify(_ place: Int) {
        let shards = groups[place]
        // A change while it is read would not show in the times of a file that has only just been written.
        let isSettled = shards[0].identity.isSettled
        do {
            try shards[0].verify { count in
                read.wrappingAdd(count, ordering: .relaxed)
                if isStopped.load(ordering: .relaxed) { throw Interruption() }
            }
            if isSettled { state.withLock { $0.verified.append(shards[0].identity) } }
        } catch is Interruption {
            return
        } catch {
            for shard in shards { shard.markDamaged(error) }
            let damage = StoreCheck.Damage(cause: error, imageCount: shards[0].imageIDs.count)
            state.withLock { $0.damages[place] = damage }
        }
    }
}
