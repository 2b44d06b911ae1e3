import Foundation

/// What a file holds, told by its first bytes and not by its name.
package enum FileKind: Sendable, Equatable {
    /// A file without a byte.
    case empty
    /// A zip archive, which `.npz` files, Python wheels and files of `torch.save` are too.
    case zip
    case gzip
    case tar
    case safetensors
    /// A pickle, as older versions of `torch.save` wrote them.
    case pickle
    case png
    case jpeg
    case webP
    case tiff
    case gif
    case bmp
    /// A picture of another format, by the format's name.
    case otherPicture(String)
    /// A text with tabs in its first line.
    case table
    /// Any other text, in words.
    case text(String)
    /// A file of some other known kind, in words.
    case other(String)
    /// The first bytes of a file of no known kind.
    case unknown([UInt8])

    /// How many of a file's first bytes are looked at.
    package static let prefixByteCount = 4096

    /// Tells a file's kind.
    ///
    /// - Parameter bytes: The file's first `prefixByteCount` bytes, or all where it has fewer.
    package init(startingWith bytes: [UInt8]) {
        guard !bytes.isEmpty else {
            self = .empty
            return
        }
        self =
            Self.signed(bytes) ?? Self.structured(bytes) ?? Self.written(bytes)
            ?? .unknown(
                Array(bytes.prefix(8)))
    }

    /// Looks into a file; nil where there is no regular file that can be read.
    package init?(contentsOf path: String) {
        // Without O_NONBLOCK, opening a named pipe would wait for somebody to write to it.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        var bytes = [UInt8](repeating: 0, count: Self.prefixByteCount)
        var count = 0
        while count < bytes.count {
            let added = bytes.withUnsafeMutableBytes { buffer in
                let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[count...])
                return read(descriptor, rest.baseAddress, rest.count)
            }
            if added < 0, errno == EINTR { continue }
            guard added >= 0 else { return nil }
            guard added > 0 else { break }
            count += added
        }
        self.init(startingWith: Array(bytes.prefix(count)))
    }

    /// Whether it is a picture, of a format that can be read here or not.
    package var isPicture: Bool {
        switch self {
        case .png, .jpeg, .webP, .tiff, .gif, .bmp, .otherPicture: true
        default: false
        }
    }
}

// MARK: - Telling kinds

extension FileKind {
    private static let signatures: [(bytes: [UInt8], kind: FileKind)] = [
        ([0x50, 0x4B, 3, 4], .zip), ([0x50, 0x4B, 5, 6], .zip), ([0x50, 0x4B, 7, 8], .zip),
        ([0x1F, 0x8B], .gzip),
        ([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A], .png), ([0xFF, 0xD8, 0xFF], .jpeg),
        (Array("GIF8".utf8), .gif), (Array("II*\0".utf8), .tiff), (Array("MM\0*".utf8), .tiff),
        // BigTIFF.
        (Array("II+\0".utf8), .tiff), (Array("MM\0+".utf8), .tiff),
        ([0, 0, 0, 0x0C, 0x6A, 0x50, 0x20, 0x20], .otherPicture("JPEG 2000")),
        ([0xFF, 0x0A], .otherPicture("JPEG XL")),
        ([0, 0, 0, 0x0C, 0x4A, 0x58, 0x4C, 0x20], .otherPicture("JPEG XL")),
        ([0x89] + Array("HDF\r\n".utf8), .other("an HDF5 file")),
        ([0x93] + Array("NUMPY".utf8), .other("a single array of numpy (.npy)")),
        (Array("BZh".utf8), .other("a file packed with bzip2")),
        ([0xFD] + Array("7zXZ\0".utf8), .other("a file packed with xz")),
        ([0x28, 0xB5, 0x2F, 0xFD], .other("a file packed with zstd")),
        (Array("7z".utf8) + [0xBC, 0xAF], .other("a 7z archive")),
        (Array("Rar!".utf8), .other("a rar archive")),
        (Array("%PDF".utf8), .other("a PDF")), ([0x7F] + Array("ELF".utf8), .other("a program")),
        (Array("version https://git-lfs".utf8), .other("a pointer of Git LFS, not the file it stands for")),
    ]

    private static func signed(_ bytes: [UInt8]) -> FileKind? {
        signatures.first { bytes.starts(with: $0.bytes) }?.kind
    }

    /// Kinds whose first bytes differ from file to file.
    private static func structured(_ bytes: [UInt8]) -> FileKind? {
        if bytes.count > 8, bytes[8] == UInt8(ascii: "{"), bytes[4..<8].allSatisfy({ $0 == 0 }) {
            // Eight bytes of the header's length, then the header in JSON.
            return .safetensors
        }
        if bytes.count > 1, bytes[0] == 0x80, (2...5).contains(bytes[1]) { return .pickle }
        if bytes.starts(with: Array("RIFF".utf8)), bytes.dropFirst(8).starts(with: Array("WEBP".utf8)) {
            return .webP
        }
        // The four bytes behind the file's length are reserved.
        if bytes.count > 14, bytes.starts(with: Array("BM".utf8)), bytes[6..<10].allSatisfy({ $0 == 0 }) {
            return .bmp
        }
        if bytes.dropFirst(4).starts(with: Array("ftyp".utf8)), let brand = pictureBrand(bytes) {
            return .otherPicture(brand)
        }
        return isTar(bytes) ? .tar : nil
    }

    private static func pictureBrand(_ bytes: [UInt8]) -> String? {
        switch String(decoding: bytes.dropFirst(8).prefix(4), as: UTF8.self) {
        case "avif", "avis": "AVIF"
        case "heic", "heix", "hevc", "hevx", "mif1", "msf1": "HEIC"
        default: nil
        }
    }

    /// Whether the first block is the header of a tar, whose sum is in it (POSIX.1-2017, pax, "ustar Interchange
    /// Format").
    private static func isTar(_ bytes: [UInt8]) -> Bool {
        guard bytes.count >= 512 else { return false }
        let sumField = 148..<156
        let digits = bytes[sumField].drop { $0 == UInt8(ascii: " ") }.prefix { (48...55).contains($0) }
        guard let stated = Int(String(decoding: digits, as: UTF8.self), radix: 8) else { return false }
        let sum = bytes.prefix(512).enumerated().reduce(0) { sum, byte in
            sum + (sumField.contains(byte.offset) ? 32 : Int(byte.element))
        }
        return sum == stated
    }

    private static func written(_ bytes: [UInt8]) -> FileKind? {
        let controls: Set<UInt8> = [9, 10, 12, 13]
        guard bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || controls.contains($0) }) else { return nil }
        // Bytes beyond ASCII are letters of UTF-8, the last of which may be cut, or now and then one of Latin-1.
        let longestCut = bytes.count < prefixByteCount ? 0 : 3
        guard
            bytes.count(where: { $0 >= 0x80 }) * 3 < bytes.count
                || (0...longestCut).contains(where: {
                    String(validating: bytes.dropLast($0), as: UTF8.self) != nil
                })
        else { return nil }
        let line = bytes.prefix { $0 != UInt8(ascii: "\n") }
        if line.contains(UInt8(ascii: "\t")) { return .table }
        switch bytes.first(where: { $0 > 0x20 }) {
        case UInt8(ascii: "<"): return .text("a page of HTML or XML")
        case UInt8(ascii: "{"), UInt8(ascii: "["): return .text("JSON")
        default: return .text("text")
        }
    }
}

extension FileKind: CustomStringConvertible {
    /// The kind in words, as an error names what it found.
    package var description: String {
        switch self {
        case .empty: return "an empty file"
        case .zip: return "a zip archive"
        case .gzip: return "a file packed with gzip"
        case .tar: return "a tar archive"
        case .safetensors: return "a safetensors file"
        case .pickle: return "a pickle"
        case .png: return "a PNG picture"
        case .jpeg: return "a JPEG picture"
        case .webP: return "a WebP picture"
        case .tiff: return "a TIFF picture"
        case .gif: return "a GIF picture"
        case .bmp: return "a BMP picture"
        case .otherPicture(let format): return "a picture in \(format) format"
        case .table: return "a table with tabs"
        case .text(let words), .other(let words): return words
        case .unknown(let bytes):
            let digits = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
            return "bytes that start with " + digits.joined(separator: " ")
        }
    }
}
