import Foundation
import TestSupport
import Testing
import Torch

@testable import RegionDetector

/// The copy of converted weights that is kept for the next time.
@Suite struct CachedWeightsTests {
    private let folder: TemporaryFolder
    private var cache: String { folder.file("cache") }
    private var weights: String { folder.file("weights.caffemodel") }

    init() throws {
        folder = try TemporaryFolder()
        try FileManager.default.copyItem(atPath: WeightFiles.path("weights.caffemodel"), toPath: weights)
        // Until a change to come shows in its times.
        usleep(80_000)
    }

    @Test("the second reading takes the copy, and finds the same")
    func copy() throws {
        let first = try read()
        let copies = try copies()
        #expect(copies.count == 1)
        let second = try read()
        #expect(second.format == .caffe)
        #expect(second.fingerprint == first.fingerprint)
        #expect(second.shape == first.shape)
        try expectSame(second, as: first, within: 0)
        // A mark in the copy's own times says that it was taken and not made again.
        let number = try inode(copies[0])
        _ = try read()
        #expect(try inode(copies[0]) == number)
        let (tensors, metadata) = try loadSafetensors(copies[0])
        #expect(tensors.count == first.state.count)
        #expect(metadata["fingerprint"] == first.fingerprint)
    }

    @Test("a damaged copy is told, and made anew", arguments: [0.0, 0.5, 0.999])
    func damage(place: Double) throws {
        let first = try read()
        let copy = try #require(try copies().first)
        var bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: copy)))
        bytes[Int(Double(bytes.count) * place)] ^= 0x40
        try Data(bytes).write(to: URL(fileURLWithPath: copy))
        var notices: [String] = []
        try expectSame(read { notices.append($0) }, as: first, within: 0)
        #expect(
            notices.count == 1 && notices[0].hasPrefix("\(copy) is damaged, and made anew: "), "\(notices)")
        #expect(notices.first?.contains("\n") == false)
        try expectSame(read(), as: first, within: 0)
    }

    @Test("a copy that was cut short is made anew")
    func cut() throws {
        let first = try read()
        let copy = try #require(try copies().first)
        truncate(copy, 100_000)
        var notices: [String] = []
        try expectSame(read { notices.append($0) }, as: first, within: 0)
        #expect(notices.count == 1)
        try expectSame(read(), as: first, within: 0)
    }

    @Test("a changed file is read anew, and its old copy goes")
    func changedFile() throws {
        _ = try read()
        let old = try copies()
        try Data(WeightFiles.bytes("weights_milvlg.pth")).write(to: URL(fileURLWithPath: weights))
        usleep(80_000)
        #expect(try read().format == .milvlg)
        #expect(try copies().count == 1)
        #expect(try copies() != old)
    }

    @Test("only so many copies are kept")
    func manyCopies() throws {
        for number in 0..<6 {
            let path = folder.file("copy\(number).pth")
            try FileManager.default.copyItem(atPath: WeightFiles.path("weights_milvlg.pth"), toPath: path)
            usleep(80_000)
            _ = try DetectorWeights.cached(path, in: cache) { Issue.record("\($0)") }
        }
        #expect(try copies().count == 4)
    }

    @Test("a folder that cannot be written to is told, and the weights are read all the same")
    func unwritableFolder() throws {
        _ = try folder.write("file", "in the way")
        var notices: [String] = []
        let found = try DetectorWeights.cached(weights, in: folder.file("file") + "/cache") {
            notices.append($0)
        }
        #expect(found.format == .caffe)
        #expect(
            notices.count == 1 && notices[0].contains("no copy") && !notices[0].contains("\n"), "\(notices)")
    }

    @Test("what is wrong with the file is the error that it is without a copy")
    func wrongFile() throws {
        let path = Fixtures.url("detector/a_landscape.png").path
        #expect(throws: DetectorWeightsError.self) { try DetectorWeights.cached(path, in: cache) { _ in } }
        #expect(throws: FileAccessError.self) {
            try DetectorWeights.cached(folder.file("none"), in: cache) { _ in }
        }
        #expect(!FileManager.default.fileExists(atPath: cache))
    }

    @Test("copies are kept in the user's cache")
    func userCache() {
        #expect(DetectorWeights.cacheFolder(["RWSAN_CACHE": "/c"]) == "/c/detector")
    }

    private func read(_ onNotice: (String) -> Void = { Issue.record("\($0)") }) throws -> DetectorWeights {
        try DetectorWeights.cached(weights, in: cache, onNotice: onNotice)
    }

    private func copies() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: cache).sorted().map { cache + "/" + $0 }
    }

    private func inode(_ path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.systemFileNumber] as? Int
    }
}
