import CCrypto
import Foundation

/// What a file is by its bytes, as the hub names it: its SHA-256 where Git LFS has it, else Git's own SHA-1.
package enum BlobChecksum {
    /// 64 hexadecimal digits: SHA-256 (FIPS 180-4) of the bytes.
    case sha256
    /// 40 hexadecimal digits: SHA-1 of `blob LENGTH`, a zero, and the bytes.
    case git

    /// What a name is the checksum of; nil for a name that says nothing of the bytes.
    init?(ofName name: String) {
        guard name.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }) else {
            return nil
        }
        switch name.utf8.count {
        case 64: self = .sha256
        case 40: self = .git
        default: return nil
        }
    }

    /// The checksum of a file in hexadecimal digits; nil where somebody asked to stop.
    ///
    /// - Throws: `HubError` where it cannot be read.
    package func text(of path: String, shouldStop: () -> Bool = { false }) throws(HubError) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        defer { if descriptor >= 0 { close(descriptor) } }
        var status = stat()
        guard descriptor >= 0, fstat(descriptor, &status) == 0, let digest = Digest(self) else {
            throw Self.unreadable(path)
        }
        if self == .git { digest.add(Array("blob \(status.st_size)\0".utf8)[...]) }
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            guard !shouldStop() else { return nil }
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Self.unreadable(path) }
            guard count > 0 else { return digest.finish() }
            digest.add(buffer[..<count])
        }
    }

    /// The SHA-256 of bytes in memory, in hexadecimal digits; nil where libcrypto has no memory.
    package static func sha256(of bytes: some Sequence<UInt8>) -> String? {
        guard let digest = Digest(.sha256) else { return nil }
        digest.add(ArraySlice(bytes))
        return digest.finish()
    }

    private static func unreadable(_ path: String) -> HubError {
        .unusableCache(path: path, reason: String(cString: strerror(errno)))
    }
}

/// A checksum under way, by libcrypto, which uses the processor's instructions for it.
private final class Digest {
    private let context: OpaquePointer

    /// Nil where libcrypto has no memory, or not this checksum.
    init?(_ checksum: BlobChecksum) {
        guard let context = EVP_MD_CTX_new() else { return nil }
        self.context = context
        let algorithm = checksum == .sha256 ? EVP_sha256() : EVP_sha1()
        guard EVP_DigestInit_ex(context, algorithm, nil) == 1 else { return nil }
    }

    deinit { EVP_MD_CTX_free(context) }

    func add(_ bytes: ArraySlice<UInt8>) {
        _ = bytes.withUnsafeBytes { EVP_DigestUpdate(context, $0.baseAddress, $0.count) }
    }

    /// The checksum; nothing can be added after that.
    func finish() -> String {
        var bytes = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: CUnsignedInt = 0
        guard EVP_DigestFinal_ex(context, &bytes, &count) == 1 else { return "" }
        return bytes.prefix(Int(count)).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
