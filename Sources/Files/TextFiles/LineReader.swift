import Archives
import Foundation

/// Reads a text of any size line by line, through a buffer of fixed size.
package final class LineReader {
    /// Reads the next bytes of the text into a buffer and gives their number; 0 at its end.
    package typealias Source = (UnsafeMutableRawBufferPointer) throws -> Int

    /// How long lines may be where the reader is not told: in a file of word vectors one takes some 3 KB.
    package static let longestLine = 1 << 20

    /// The number of the last line, from 1.
    package private(set) var lineNumber = 0

    /// Whether a line feed ended the last line; without one, a file may be cut in it.
    package private(set) var hasLineEnd = false

    private let file: URL
    private let source: Source
    private let longestLine: Int
    /// One byte longer than what is read at a time: see ``next()``.
    private let buffer: UnsafeMutableBufferPointer<UInt8>
    /// Where in the buffer lies what was read and not yet given out.
    private var unread = 0..<0

    /// - Parameters:
    ///   - file: The file that errors name.
    ///   - longestLine: How many bytes a line may have; longer ones are an error.
    ///   - source: Gives the text.
    package init(_ file: URL, longestLine: Int = LineReader.longestLine, source: @escaping Source) {
        self.file = file
        self.longestLine = longestLine
        self.source = source
        buffer = .allocate(capacity: longestLine + 1)
        buffer.initialize(repeating: 0)
    }

    /// - Parameters:
    ///   - file: The file to read.
    ///   - longestLine: How many bytes a line may have; longer ones are an error.
    /// - Throws: ``DatasetFileError`` where the file cannot be opened.
    package convenience init(_ file: URL, longestLine: Int = LineReader.longestLine) throws {
        let descriptor = try Descriptor(file)
        self.init(file, longestLine: longestLine) { try descriptor.read(into: $0) }
    }

    deinit { buffer.deallocate() }

    /// What some editors and tables put before UTF-8; it is no part of the first line.
    private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

    /// The next line without its end, or nil at the end of the file. It stays as it is until the next
    /// call. The byte behind it may be read, and is a line feed or 0.
    ///
    /// - Throws: ``DatasetFileError`` where the file cannot be read or a line is too long.
    package func next() throws -> UnsafeBufferPointer<UInt8>? {
        var searchedCount = 0
        while true {
            let start = unread.lowerBound
            if let end = positionOfLineFeed(in: (start + searchedCount)..<unread.upperBound) {
                unread = (end + 1)..<unread.upperBound
                hasLineEnd = true
                return line(start..<end)
            }
            searchedCount = unread.count
            guard try refill() else {
                let rest = unread
                unread = 0..<0
                hasLineEnd = false
                return rest.isEmpty ? nil : line(rest)
            }
        }
    }

    private func line(_ range: Range<Int>) -> UnsafeBufferPointer<UInt8> {
        lineNumber += 1
        let line = UnsafeBufferPointer(rebasing: buffer[range])
        guard lineNumber == 1, line.starts(with: Self.byteOrderMark) else { return line }
        return UnsafeBufferPointer(rebasing: line.dropFirst(Self.byteOrderMark.count))
    }

    private func positionOfLineFeed(in range: Range<Int>) -> Int? {
        guard !range.isEmpty, let start = buffer.baseAddress,
            let found = memchr(start + range.lowerBound, CInt(UInt8(ascii: "\n")), range.count)
        else { return nil }
        return UnsafeRawPointer(found) - UnsafeRawPointer(start)
    }

    /// Moves what is unread to the front and reads more behind it; false at the end of the file.
    private func refill() throws -> Bool {
        let kept = unread.count
        guard kept < longestLine, let start = buffer.baseAddress else {
            lineNumber += 1
            throw failure("is longer than \(longestLine) bytes: not a text file of this kind")
        }
        memmove(start, start + unread.lowerBound, kept)
        unread = 0..<kept
        let byteCount = try read(
            into: UnsafeMutableRawBufferPointer(start: start + kept, count: longestLine - kept))
        unread = 0..<(kept + byteCount)
        buffer[unread.upperBound] = 0
        return byteCount > 0
    }

    private func read(into free: UnsafeMutableRawBufferPointer) throws -> Int {
        do {
            return try source(free)
        } catch let error as SystemError {
            throw failure("cannot be read: \(error.reason)")
        } catch let error as ArchiveError {
            throw failure(error.problem)
        }
    }

    /// An error about the last line, or about the file where no line was read.
    package func failure(_ problem: String) -> DatasetFileError {
        DatasetFileError(
            file: file, location: lineNumber == 0 ? .file : .line(lineNumber), problem: problem)
    }
}

/// What the system said.
private struct SystemError: Error {
    let reason = String(cString: strerror(errno))
}

/// A file open for reading.
private final class Descriptor {
    private let number: CInt

    init(_ file: URL) throws {
        // Without O_NONBLOCK, opening a named pipe would wait for somebody to write to it, whatever signals come.
        let number = open(file.path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard number >= 0 else {
            throw DatasetFileError(file: file, problem: "cannot be opened: \(SystemError().reason)")
        }
        // What a pipe has yet to bring is waited for.
        _ = fcntl(number, F_SETFL, fcntl(number, F_GETFL) & ~O_NONBLOCK)
        self.number = number
    }

    deinit { close(number) }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        while true {
            let count = Foundation.read(number, buffer.baseAddress, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw SystemError() }
            return count
        }
    }
}

extension ArchiveError {
    /// What is wrong, without the file's name.
    package var problem: String {
        description.hasPrefix(file + ": ") ? String(description.dropFirst(file.count + 2)) : description
    }
}
