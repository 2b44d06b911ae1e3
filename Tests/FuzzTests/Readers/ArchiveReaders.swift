import Archives
import Foundation
@testable import VQADatasets

/// Readers of archives. Those of one kind are read by everything that takes the kind.
let archiveReaders: [FuzzedReader] = [
    FuzzedReader(
        name: "zip",
        seeds: {
            [
                Packed.zip(entries), try fixture("features/COCO_val2014_000000000011.npz"),
                try fixture("torch/expanded.pt"),
            ]
        }
    ) { bytes, _ in
        // Both readers of zips have a look at the bytes, whatever the other one says.
        let found = Result { try readAll(bytes) }
        let zip = try ZipFile(bytes: bytes, name: "input")
        for entry in zip.entries { _ = try zip.contents(of: entry, byteLimit: byteLimit) }
        try found.get()
    },
    FuzzedReader(name: "tar", seeds: { [Packed.tar(entries)] }) { bytes, _ in
        try readAll(Packed.mendedTar(bytes))
    },
    FuzzedReader(name: "gzip", seeds: { [Packed.gzip(Packed.tar(entries))] }) { bytes, _ in try readAll(bytes)
    },
    // A file whose entries are read from last to first, as pictures are.
    FuzzedReader(
        name: "indexedarchive",
        seeds: { [Packed.zip(entries), Packed.tar(entries), Packed.gzip(Packed.tar(entries))] }
    ) { bytes, place in
        let archive = try IndexedArchive(path: place.write(bytes), startByteCount: 16) { _, start in
            _ = start()
            return true
        }
        var failure: (any Error)?
        for entry in archive.entries.reversed() {
            do { _ = try archive.contents(of: entry, byteLimit: byteLimit) } catch { failure = error }
        }
        if let failure { throw failure }
    },
    // The questions in easy-VQA's wheel.
    FuzzedReader(
        name: "wheel",
        seeds: {
            [
                Array(
                    #"[["what color is the shape?","blue",0],["is there a red shape?","yes",1],["is it?","no",0]]"#
                        .utf8)
            ]
        }
    ) { bytes, place in
        let file = Packed.zip([
            ("easy_vqa/data/train/questions.json", bytes), ("easy_vqa/data/train/images/0.png", [1]),
            ("easy_vqa/data/train/images/1.png", [2]), ("easy_vqa/data/test/questions.json", bytes),
            ("easy_vqa/data/test/images/0.png", [1]), ("easy_vqa/data/test/images/1.png", [2]),
        ])
        _ = try EasyVQAWheel.read(place.write(file)) { _, _, _ in }
    },
]

private let byteLimit = 1 << 20

private let entries: [(name: String, contents: [UInt8])] = [
    ("folder/a.txt", Array("some words\n".utf8)), ("folder/", []),
    ("b.bin", [UInt8](repeating: 7, count: 700)),
]

/// Reads every entry of an archive to its end.
private func readAll(_ bytes: [UInt8]) throws {
    let reader = try ArchiveReader(bytes: bytes, name: "input")
    while let entry = try reader.nextEntry() {
        _ = entry.path.count
        _ = try reader.readContents(byteLimit: byteLimit)
    }
}
