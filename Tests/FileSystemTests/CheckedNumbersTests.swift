import Foundation
import TestSupport
import Testing
@testable import FileSystem

/// Numbers and lengths that files and clocks can state, and no honest one does.
@Suite struct CheckedNumbersTests {
    @Test(
        "a number without its fraction is the nearest integer that there is",
        arguments: [
            (1.9, 1), (-1.9, -1), (1e300, .max), (-1e300, .min), (.infinity, .max), (-.infinity, .min),
            (.nan, 0),
            (9_223_372_036_854_775_808, .max), (-9_223_372_036_854_775_808, .min), (0x1p62, 1 << 62),
        ] as [(Double, Int)])
    func clamping(value: Double, expected: Int) {
        #expect(Int(clamping: value) == expected)
        #expect(UInt8(clamping: value) == UInt8(clamping: expected))
    }

    @Test("sums stop at the last number that there is")
    func sums() {
        #expect(Int.max.addingClamped(1) == .max && Int.min.addingClamped(-1) == .min)
        #expect(3.addingClamped(-4) == -1)
    }

    @Test(
        "a file may bear any date, and is told from one of another",
        arguments: [253_402_300_799, -99_999_999_999])
    func anyDate(seconds: Int) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("a", "a")
        let now = FileIdentity(URL(fileURLWithPath: path))
        var times = [timespec(tv_sec: seconds, tv_nsec: 0), timespec(tv_sec: seconds, tv_nsec: 0)]
        try #require(utimensat(AT_FDCWD, path, &times, 0) == 0)
        let then = FileIdentity(URL(fileURLWithPath: path))
        #expect(then != now)
        // A file system may know no date before 1901.
        #expect(seconds > 0 ? then.modification == .max : then.modification ?? 0 < 0)
        _ = then.isSettled
    }

    @Test("a time of change beyond what can be counted is not settled, and one long ago is")
    func settled() throws {
        func identity(change: Int64) throws -> FileIdentity {
            try JSONDecoder().decode(
                FileIdentity.self, from: Data("{\"path\": \"a\", \"change\": \(change)}".utf8))
        }
        #expect(try !identity(change: .max).isSettled)
        #expect(try identity(change: .min).isSettled)
    }

    @Test("what is read whole has an end: a device and a file of holes are refused unread")
    func smallFiles() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("a", "12345")
        #expect(try SmallFile.contents(of: path, byteLimit: 5) == Data("12345".utf8))
        #expect(throws: SmallFileError.self) { try SmallFile.contents(of: path, byteLimit: 4) }
        #expect(throws: SmallFileError.self) { try SmallFile.contents(of: "/dev/zero", byteLimit: 1000) }
        #expect(truncate(path, 1 << 40) == 0)
        #expect(throws: SmallFileError.self) { try SmallFile.contents(of: path, byteLimit: 1000) }
    }
}
