import CZlib

/// Places in gzip data from which unpacking can begin, noted while the data are unpacked once from front to back.
///
/// A place needs the 32 KiB unpacked before it. There are at most a thousand, whatever the length of the data: where there
/// would be more, every other one is dropped. The method is that of `examples/zran.c` in zlib's sources. It is filled by
/// one thread, and read by any number after that.
final class GzipIndex: @unchecked Sendable {
    private struct Place {
        /// The byte after the last one of which all bits have been used.
        let packedOffset: Int
        /// How many bits of the byte before it have not been used.
        let bits: CInt
        let unpackedOffset: Int
        let window: [UInt8]
    }

    private static let windowByteCount = 32 << 10
    private let largestCount: Int
    private var places: [Place] = []
    /// How many unpacked bytes there are at least between two places.
    private var interval: Int

    /// How many places are noted.
    var count: Int { places.count }

    /// - Parameters:
    ///   - interval: How many unpacked bytes there are between two places, as long as there are few.
    ///   - largestCount: How many there may be.
    init(interval: Int = 1 << 20, largestCount: Int = 1024) {
        self.interval = interval
        self.largestCount = largestCount
    }

    /// Notes where a stream stands, where that is the beginning of a block and far enough from the last one noted.
    func note(_ stream: UnsafeMutablePointer<z_stream>, packedOffset: Int, unpackedOffset: Int) {
        let state = stream.pointee.data_type
        // 128 stands for the end of a block or of a header, 64 for the last block of a member.
        guard state & 128 != 0, state & 64 == 0 else { return }
        if let last = places.last, unpackedOffset - last.unpackedOffset < interval { return }
        var byteCount: uInt = 0
        let window = [UInt8](unsafeUninitializedCapacity: Self.windowByteCount) { buffer, count in
            let status = inflateGetDictionary(stream, buffer.baseAddress, &byteCount)
            count = status == Z_OK ? Int(byteCount) : 0
        }
        places.append(
            Place(
                packedOffset: packedOffset, bits: state & 7, unpackedOffset: unpackedOffset, window: window))
        if places.count > largestCount { thinOut() }
    }

    private func thinOut() {
        interval *= 2
        var kept: [Place] = []
        for place in places
        where kept.last.map({ place.unpackedOffset - $0.unpackedOffset >= interval }) ?? true {
            kept.append(place)
        }
        places = kept
    }

    /// Unpacks a part of the data.
    ///
    /// - Parameters:
    ///   - source: The packed data.
    ///   - offset: Where the part begins in the unpacked data.
    ///   - buffer: Memory for it.
    /// - Throws: `ArchiveEntryError` where the data are others than they were when the places were noted.
    func read(from source: PackedBytes, at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws {
        guard let place = places.last(where: { $0.unpackedOffset <= offset }),
            let section = DeflatedSection(
                source, packedOffset: place.packedOffset, bits: place.bits, place.window)
        else { throw ArchiveEntryError("the gzip data cannot be unpacked there") }
        try section.skip(offset - place.unpackedOffset)
        try section.read(into: buffer)
    }
}

/// Deflated data that are unpacked from the beginning of a block on; behind them, members of a gzip file may follow.
final class DeflatedSection {
    private let source: PackedBytes
    private let stream: UnsafeMutablePointer<z_stream>
    private let packed = UnsafeMutableRawBufferPointer.allocate(byteCount: 128 << 10, alignment: 1)
    private var nextOffset: Int
    /// Whether the stream is at blocks without gzip's header and end around them.
    private var isRaw = true

    /// 15 for the largest window, negative for nothing around the blocks, 16 for gzip.
    private static let (rawBits, gzipBits): (CInt, CInt) = (-15, 15 + 16)
    /// The checksum and the length behind a member's blocks (RFC 1952, section 2.3.1).
    private static let trailerByteCount = 8

    /// - Parameters:
    ///   - packedOffset: The first byte of the block, behind bits of it in the byte before.
    ///   - bits: How many bits these are.
    ///   - window: The 32 KiB unpacked before.
    /// Nil where there is no memory for the decoder.
    init?(_ source: PackedBytes, packedOffset: Int, bits: CInt = 0, _ window: [UInt8] = []) {
        self.source = source
        nextOffset = packedOffset
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        guard inflateInit2_(stream, Self.rawBits, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size)) == Z_OK
        else {
            return nil
        }
        if bits > 0 {
            let place = UnsafeMutableRawBufferPointer(rebasing: packed[..<1])
            guard source.read(at: packedOffset - 1, into: place) == 1 else { return nil }
            inflatePrime(stream, bits, CInt(packed[0] >> (8 - UInt8(bits))))
        }
        inflateSetDictionary(stream, window, uInt(window.count))
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
        packed.deallocate()
    }

    /// Passes over bytes.
    func skip(_ byteCount: Int) throws {
        var left = byteCount
        try withUnsafeTemporaryAllocation(byteCount: min(max(1, left), 64 << 10), alignment: 8) { scratch in
            while left > 0 {
                let part = UnsafeMutableRawBufferPointer(rebasing: scratch[..<min(left, scratch.count)])
                try read(into: part)
                left -= part.count
            }
        }
    }

    /// The next bytes.
    ///
    /// - Throws: `ArchiveEntryError` where there are fewer, or the data are damaged.
    func bytes(_ byteCount: Int) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
            try read(into: UnsafeMutableRawBufferPointer(buffer))
            count = byteCount
        }
    }

    /// Fills memory with the next bytes.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws {
        var done = 0
        while done < buffer.count {
            // zlib counts in 32 bits.
            let part = UnsafeMutableRawBufferPointer(rebasing: buffer[done...].prefix(1 << 30))
            stream.pointee.next_out = part.baseAddress?.assumingMemoryBound(to: Bytef.self)
            stream.pointee.avail_out = uInt(part.count)
            while stream.pointee.avail_out > 0 { try advance() }
            done += part.count
        }
    }

    private func advance() throws {
        if stream.pointee.avail_in == 0 { try refill() }
        switch inflate(stream, Z_NO_FLUSH) {
        case Z_OK: break
        case Z_STREAM_END: try beginMember()
        default: throw Self.change
        }
    }

    /// Goes on with the member behind the one that has ended.
    private func beginMember() throws {
        guard isRaw else {
            inflateReset(stream)
            return
        }
        nextOffset += Self.trailerByteCount - Int(stream.pointee.avail_in)
        stream.pointee.avail_in = 0
        isRaw = false
        guard inflateReset2(stream, Self.gzipBits) == Z_OK else { throw Self.change }
    }

    private func refill() throws {
        let count = source.read(at: nextOffset, into: packed)
        guard count > 0 else { throw Self.change }
        nextOffset += count
        stream.pointee.next_in = packed.baseAddress?.assumingMemoryBound(to: Bytef.self)
        stream.pointee.avail_in = uInt(count)
    }

    private static var change: ArchiveEntryError { ArchiveEntryError("the file has been changed meanwhile") }
}
