import FileSystem
import Foundation
import TestSupport
import Torch
@testable import Downloads
@testable import Hub
@testable import VQADatasets

/// Readers of what was kept for the next time, and of what servers say.
let cacheReaders: [FuzzedReader] = [
    FuzzedReader(name: "verified", seeds: { [try verified()] }) { bytes, place in
        _ = VerifiedFiles(path: try place.write(bytes)).identities { _ in }
    },
    // Columns that are kept, with the checksums that they should have.
    FuzzedReader(name: "prepared", maximumByteCount: 64 << 10, seeds: { [try prepared()] }) { bytes, place in
        let file = try SafetensorsFile(path: place.write(bytes))
        let sums = try file.tensors.map(\.name).sorted().map {
            "\($0) \(Checksum.text(of: try file.bytes(of: $0)))"
        }
        let path = place.path + "/columns"
        try saveSafetensors(
            Dictionary(uniqueKeysWithValues: file.tensors.map { ($0.name, try file.tensor($0.name)) }),
            metadata: ["key": "key", "checksums": sums.joined(separator: "\n")], to: path, durably: false)
        let data = try TrainingData(StoredColumns(path, key: "key"), preparedRequest)
        _ = try? data.validation?.metric.evaluate([])
    },
    FuzzedReader(
        name: "http", maximumByteCount: 4 << 10,
        seeds: {
            let head =
                "HTTP/1.1 206 Partial Content\r\nContent-Length: 5\r\nETag: \"a\"\r\nLast-Modified: x\r\n"
            return [Array((head + "Content-Range: bytes 3-7/8\r\nRetry-After: 3\r\n").utf8)]
        }
    ) { bytes, _ in
        var response = HTTPResponse()
        for line in bytes.split(separator: 10) {
            response.read(headerLine: String(decoding: line, as: UTF8.self))
            _ = (response.contentLength, response.contentRange, response.validator, response["retry-after"])
        }
    },
    // What a hub says of a file, the first line of which is what a branch of the hub's cache stands for.
    FuzzedReader(
        name: "hub", maximumByteCount: 4 << 10,
        seeds: {
            let commit = "0123456789abcdef0123456789abcdef01234567"
            let head = "HTTP/1.1 302 Found\r\nX-Repo-Commit: \(commit)\r\nX-Linked-Etag: \"abc\"\r\n"
            return [Array((commit + "\n" + head + "X-Linked-Size: 5\r\nLocation: /a\r\n").utf8)]
        }
    ) { bytes, place in
        let lines = bytes.split(separator: 10, omittingEmptySubsequences: false)
        let cache = HubCache(place.path, try HubRepository("org/net"))
        let reference = place.path + "/models--org--net/refs/main"
        try FileManager.default.createDirectory(
            atPath: URL(fileURLWithPath: reference).deletingLastPathComponent().path,
            withIntermediateDirectories: true)
        _ = try place.write(Array(lines[0]), as: "models--org--net/refs/main")
        let commit = cache.commit(of: try HubPath("main", what: "a branch"))
        var response = HTTPResponse()
        for line in lines.dropFirst() { response.read(headerLine: String(decoding: line, as: UTF8.self)) }
        var answers = HubVersion.Answers()
        answers.add(ResponseHead(response, redirection: response["location"]))
        let version = try answers.version(at: "address")
        // What is made of it has to stay in the cache.
        for name in [version.tag, version.commit] + [commit].compactMap({ $0 }) {
            _ = try HubPath(name, what: "the name of one file")
            guard !name.contains("/") else { throw CocoaError(.fileReadInvalidFileName) }
        }
    },
    // The note beside a download that is on its way.
    FuzzedReader(
        name: "partial", maximumByteCount: 4 << 10,
        seeds: { [Array(#"{"address":"x","validator":"\"a\"","byteCount":8}"#.utf8)] }
    ) { bytes, place in
        _ = try place.write(bytes, as: "file.partial.json")
        _ = try place.write([1, 2, 3], as: "file.partial")
        _ = try PartialFile(path: place.path + "/file", address: "x").isWhole
    },
]

private func verified() throws -> [UInt8] {
    let folder = try TemporaryFolder()
    let file = Fixtures.url("mini/answer_dict.json")
    VerifiedFiles(path: folder.file("verified.json")).remember([FileIdentity(file)]) { _ in }
    return try folder.bytes(of: "verified.json")
}

private let preparedRequest = TrainingData.Request(splits: [.train], evaluatesVal: true, maximumWords: 16)

private func prepared() throws -> [UInt8] {
    let folder = try TemporaryFolder()
    let cache = PreparedCache(folder: folder.file("prepared"), smallestSource: 0)
    _ = try OfficialDataset(MiniRun.datasets).trainingData(preparedRequest, cache: cache, onNotice: { _ in })
    let names = try FileManager.default.contentsOfDirectory(atPath: cache.folder)
    return try names.first.map { try folder.bytes(of: "prepared/" + $0) } ?? []
}
