import Foundation

/// A file of records that grows at its end: TFRecord, as TensorFlow has it.
///
/// A record is its length (8 bytes, little-endian), the masked CRC-32C of these, its bytes, and the masked CRC-32C of
/// them. Each goes to the file in one piece: a process that is killed leaves whole records, and at most a part of one
/// behind them, which readers leave alone.
final class RecordFile {
    /// Where the file is.
    let path: String
    private let descriptor: Int32
    /// How many bytes of the file are whole records.
    private var byteCount = 0

    /// Makes a file that is not there yet.
    ///
    /// - Throws: ``EventFileError`` where none can be made, or one is there.
    init(creating path: String) throws(EventFileError) {
        self.path = path
        descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw EventFileError(path: path) }
    }

    /// Takes over an open descriptor; tests hand in one of a device that is always full.
    init(path: String, descriptor: Int32) {
        self.path = path
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// Adds a record, whole or not at all.
    ///
    /// - Throws: ``EventFileError``, a full disk included.
    func append(_ record: [UInt8]) throws(EventFileError) {
        let framed = Self.framed(record)
        var written = 0
        while written < framed.count {
            let count = framed.withUnsafeBytes {
                write(descriptor, $0.baseAddress?.advanced(by: written), framed.count - written)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let error = EventFileError(path: path)
                ftruncate(descriptor, off_t(byteCount))
                throw error
            }
            written += count
        }
        byteCount += framed.count
    }

    /// A record with what stands before and behind it.
    static func framed(_ record: [UInt8]) -> [UInt8] {
        let length = bytes(of: UInt64(record.count))
        return length + bytes(of: CRC32C(of: length).masked) + record + bytes(of: CRC32C(of: record).masked)
    }

    private static func bytes(of number: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: number.littleEndian) { Array($0) }
    }
}

/// An event file that cannot be written.
package struct EventFileError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The file.
    package let path: String
    /// What the system says.
    package let reason: String
    /// One line.
    package var description: String { "\(path): cannot be written: \(reason)" }

    /// The error for a system call that has just failed and left its reason in `errno`.
    init(path: String) {
        self.path = path
        reason = String(cString: strerror(errno))
    }
}
