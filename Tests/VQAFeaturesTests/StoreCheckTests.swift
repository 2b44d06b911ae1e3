import Foundation
import TestSupport
import Testing
import Torch
import Workers
@testable import FileSystem
@testable import VQAFeatures

/// Stores compared with their checksums once for each change of a file.
@Suite struct StoreCheckTests {
    private let folders: PackingFolders
    private let memory: VerifiedFiles

    /// A store of three shards.
    init() throws {
        folders = try PackingFolders(images: Array(1...6))
        memory = VerifiedFiles(path: folders.temporary.file("verified.json"))
        try folders.pack()
        try #require(try folders.shards().count == 3)
        usleep(60_000)
    }

    private func shard(_ number: Int) -> String {
        folders.output + "/" + FeatureShardWriter.fileName(number)
    }

    /// Changes a bit of the first feature.
    private func damage(_ path: String) throws {
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        let file = try SafetensorsFile(path: path)
        let headerLength = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        bytes[8 + headerLength + (try file.info(of: "features").byteRange.lowerBound)] ^= 4
        try bytes.write(to: URL(fileURLWithPath: path))
    }

    private func check(_ stores: [FeatureStore], isTrusting: Bool = true) -> StoreCheck {
        StoreCheck(of: stores, memory: memory, isTrusting: isTrusting) { Issue.record("\($0)") }
    }

    private func run(_ check: StoreCheck) throws -> [StoreCheck.Damage] {
        try check.run { Issue.record("\($0)") }
    }

    @Test("every shard is read once, however many stores have opened it, and again when it is changed")
    func once() throws {
        let store = try FeatureStore(folders.output)
        #expect(check([store]).byteCount == store.byteCount)
        let both = check([store, try FeatureStore(folders.output)])
        #expect(both.byteCount == store.byteCount)
        #expect(try run(both).isEmpty)
        #expect(check([try FeatureStore(folders.output)]).byteCount == 0)
        #expect(check([store], isTrusting: false).byteCount == store.byteCount)

        let content = try Data(contentsOf: URL(fileURLWithPath: shard(1)))
        try content.write(to: URL(fileURLWithPath: shard(1)))
        #expect(check([try FeatureStore(folders.output)]).byteCount == content.count)
    }

    @Test("a damaged shard is named, is not remembered, and gives none of its images any more")
    func damaged() throws {
        try damage(shard(1))
        usleep(60_000)
        let stores = [try FeatureStore(folders.output), try FeatureStore(folders.output)]
        for _ in 1...2 {
            let damages = try run(check(stores))
            #expect(damages.map(\.imageCount) == [2])
            #expect(damages.allSatisfy { "\($0.cause)".contains(shard(1)) })
        }
        for store in stores {
            for image in 1...6 {
                let id = ImageID(rawValue: Int64(image))
                #expect((try? store.features(for: id)) == (3...4 ~= image ? nil : try madeUpRegions(image)))
            }
        }
        let error = #expect(throws: FeatureStoreError.self) { try stores[0].verify(remembering: memory) }
        #expect(try #require(error).path == shard(1))
    }

    @Test("where no thread can be made, the check ends with an error that says so; one is enough")
    func withoutThreads() throws {
        let store = try FeatureStore(folders.output)
        ThreadMaker.$current.withValue(.making(0)) {
            #expect(throws: ThreadError.self) { try run(check([store])) }
        }
        let damages = try ThreadMaker.$current.withValue(.making(1)) { try run(check([store])) }
        #expect(damages.isEmpty)
    }

    @Test(
        "where no thread can be made, to read or to write, packing ends with an error and goes on the next time"
    )
    func packingWithoutThreads() throws {
        let folders = try PackingFolders(images: Array(1...6))
        for count in [0, 1] {
            ThreadMaker.$current.withValue(.making(count)) {
                #expect(throws: ThreadError.self) { try folders.pack() }
            }
        }
        #expect(try folders.pack().outcome == .complete)
    }

    @Test("it can be stopped, and the threads end")
    func stopped() throws {
        let folders = try PackingFolders()
        for image in 1...4 { try folders.write(image, madeUpRegions(image, count: 500, width: 1024)) }
        try folders.pack()
        usleep(60_000)
        let store = try FeatureStore(folders.output)
        var progress: [Int] = []
        let damages = try check([store]).run(
            onProgress: { progress.append($0) }, shouldStop: { true },
            onNotice: { Issue.record("\($0)") })
        #expect(damages.isEmpty)
        #expect(progress.count == 1 && progress.allSatisfy { $0 < store.byteCount })
        #expect(check([try FeatureStore(folders.output)]).byteCount > 0)
    }

    @Test("what packing has verified is verified")
    func packed() throws {
        var packer = FeaturePacker()
        packer.precision = .float32
        packer.memory = memory
        // The shards that are there, and one more.
        try folders.write(7)
        #expect(try packer.pack([folders.input], into: folders.output).packedCount == 1)
        let store = try FeatureStore(folders.output)
        #expect(store.shardCount == 4)
        #expect(check([store]).byteCount == 0)
    }
}
