import CZlib
import Foundation

/// The unpacked bytes of a gzip file, read front to back, with the checksum and length of every member compared.
///
/// libarchive's own gzip filter compares neither, and takes what is left of a second member for padding. A
/// stream belongs to one thread at a time.
final class GzipStream {
    /// Why nothing more can be read; nil where all is well.
    private(set) var failure: ArchiveError.Reason?
    /// How many bytes of the file have been read.
    private(set) var readByteCount = 0
    /// How many bytes have been unpacked.
    private(set) var unpackedByteCount = 0
    /// Where the last byte that is not zero ends, among the unpacked ones.
    private(set) var endOfNonzeroBytes = 0

    private let source: PackedBytes
    private let stream: UnsafeMutablePointer<z_stream>
    private let packed = UnsafeMutableRawBufferPointer.allocate(byteCount: 128 << 10, alignment: 1)
    private let unpacked = UnsafeMutableRawBufferPointer.allocate(byteCount: 128 << 10, alignment: 1)
    /// Whether the last member has ended and no other one has begun.
    private var isBetweenMembers = false
    /// Where places are noted from which unpacking can begin; nil for nowhere.
    private let index: GzipIndex?

    /// 15 for the largest window, 16 for nothing but gzip.
    private static let windowBits: CInt = 15 + 16

    /// Unpacks what a source gives; nil where there is no memory for the decoder.
    ///
    /// - Parameter index: Where places are noted from which unpacking can begin.
    init?(_ source: PackedBytes, index: GzipIndex? = nil) {
        self.source = source
        self.index = index
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        let status = inflateInit2_(
            stream, Self.windowBits, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size))
        guard status == Z_OK else { return nil }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
        packed.deallocate()
        unpacked.deallocate()
    }

    /// The next unpacked bytes, which stay until the next call; none at the end; nil where there is a `failure` and
    /// all that could be unpacked before it has been given.
    func next() -> UnsafeRawBufferPointer? {
        guard failure == nil else { return nil }
        stream.pointee.next_out = unpacked.baseAddress?.assumingMemoryBound(to: Bytef.self)
        stream.pointee.avail_out = uInt(unpacked.count)
        while stream.pointee.avail_out > 0, advance() {}
        let bytes = UnsafeRawBufferPointer(rebasing: unpacked.dropLast(Int(stream.pointee.avail_out)))
        guard failure == nil || !bytes.isEmpty else { return nil }
        if let last = bytes.lastIndex(where: { $0 != 0 }) { endOfNonzeroBytes = unpackedByteCount + last + 1 }
        unpackedByteCount += bytes.count
        return bytes
    }

    /// Unpacks what there is to unpack, up to the end of a member; false at the end and where there is a failure.
    private func advance() -> Bool {
        if stream.pointee.avail_in == 0 {
            guard refill() else { return false }
            if stream.pointee.avail_in == 0 {
                return isBetweenMembers ? false : fail("the gzip data end early")
            }
        }
        if isBetweenMembers {
            guard stream.pointee.next_in.pointee != 0 else { return skipPadding() }
            inflateReset(stream)
            isBetweenMembers = false
        }
        // Stopping at every block takes next to no time, but only there unpacking can begin.
        let status = inflate(stream, index == nil ? Z_NO_FLUSH : Z_BLOCK)
        // A block that takes a few bits, which had been read before, is no progress to zlib, but it is an end of a block.
        let isShortBlock = status == Z_BUF_ERROR && index != nil
        guard status == Z_OK || status == Z_STREAM_END || isShortBlock else {
            let message = stream.pointee.msg.map { String(cString: $0) } ?? "no reason given"
            return fail("the gzip data are wrong: \(message)")
        }
        isBetweenMembers = status == Z_STREAM_END
        index?.note(
            stream, packedOffset: readByteCount - Int(stream.pointee.avail_in),
            unpackedOffset: unpackedByteCount + unpacked.count - Int(stream.pointee.avail_out))
        return true
    }

    /// Passes over zeros behind the last member, which tapes leave there.
    private func skipPadding() -> Bool {
        while stream.pointee.avail_in > 0, stream.pointee.next_in.pointee == 0 {
            stream.pointee.next_in += 1
            stream.pointee.avail_in -= 1
        }
        return true
    }

    /// Reads more of the file; at its end, nothing is there afterwards.
    private func refill() -> Bool {
        let count = source.read(at: readByteCount, into: packed)
        guard count >= 0 else {
            failure = .unreadable(String(cString: strerror(errno)))
            return false
        }
        stream.pointee.next_in = packed.baseAddress?.assumingMemoryBound(to: Bytef.self)
        stream.pointee.avail_in = uInt(count)
        readByteCount += count
        return true
    }

    private func fail(_ message: String) -> Bool {
        failure = .corrupt(message)
        return false
    }
}
