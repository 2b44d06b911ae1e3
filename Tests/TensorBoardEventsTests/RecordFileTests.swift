import Foundation
import TestSupport
import Testing

@testable import TensorBoardEvents

/// Records in files, and their checksums.
@Suite struct RecordFileTests {
    @Test(
        "CRC-32C is that of RFC 3720's examples",
        arguments: [
            (Array(repeating: UInt8(0), count: 32), UInt32(0x8a91_36aa)),
            (Array(repeating: UInt8(0xff), count: 32), UInt32(0x62a8_ab43)),
            (Array(UInt8(0)..<32), UInt32(0x46dd_794e)), ((UInt8(0)..<32).reversed(), UInt32(0x113f_db5c)),
            (Array("123456789".utf8), UInt32(0xe306_9283)), ([], UInt32(0)),
        ])
    func checksum(bytes: [UInt8], expected: UInt32) { #expect(CRC32C(of: bytes).value == expected) }

    @Test("a record has its length before it, and masked checksums behind both")
    func framing() {
        // As the RecordWriter of the tensorboard package writes "abc".
        let expected: [UInt8] = [
            3, 0, 0, 0, 0, 0, 0, 0, 0xb0, 0x99, 0x49, 0x0e, 0x61, 0x62, 0x63, 0x6e, 0x57, 0xf1, 0x21,
        ]
        #expect(RecordFile.framed(Array("abc".utf8)) == expected)
    }

    @Test("records are on the disk one behind the other as soon as they are added")
    func growing() throws {
        let folder = try TemporaryFolder()
        let file = try RecordFile(creating: folder.file("records"))
        try file.append([1, 2])
        #expect(try folder.bytes(of: "records") == RecordFile.framed([1, 2]))
        try file.append([])
        #expect(try folder.bytes(of: "records") == RecordFile.framed([1, 2]) + RecordFile.framed([]))
    }

    @Test("a full disk, a folder that is missing and a file that is there are told with the system's reason")
    func refusals() throws {
        let folder = try TemporaryFolder()
        let full = RecordFile(path: "events", descriptor: open("/dev/full", O_WRONLY))
        #expect(throws: EventFileError.self) { try full.append([1]) }
        let error = #expect(throws: EventFileError.self) {
            try RecordFile(creating: folder.file("missing/records"))
        }
        #expect(
            error?.description.hasSuffix("missing/records: cannot be written: No such file or directory")
                == true)
        _ = try folder.write("taken", "")
        #expect(throws: EventFileError.self) { try RecordFile(creating: folder.file("taken")) }
    }

    @Test("an event file's name comes behind those of the folder, whatever the clock says")
    func names() throws {
        let folder = try TemporaryFolder()
        for clock in [1_700_000_000, 1_700_000_000, 1_600_000_000, -1, Double.nan] {
            _ = try EventWriter(in: folder.url, from: 0, now: { clock })
        }
        #expect(
            try folder.names() == (0..<5).map { "events.out.tfevents.\(1_700_000_000 + $0).rwsan" })
    }
}
