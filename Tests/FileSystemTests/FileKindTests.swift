import Foundation
import TestSupport
import Testing

@testable import FileSystem

@Suite struct FileKindTests {
    @Test(
        "a file's first bytes tell its kind",
        arguments: [
            ([], .empty), ([0x50, 0x4B, 3, 4, 20], .zip), ([0x50, 0x4B, 5, 6], .zip),
            ([0x1F, 0x8B, 8], .gzip),
            ([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A], .png), ([0xFF, 0xD8, 0xFF, 0xE0], .jpeg),
            ([0x80, 2, 0x8A], .pickle), ([2, 0, 0, 0, 0, 0, 0, 0, 0x7B, 0x7D], .safetensors),
            (Array("GIF89a".utf8), .gif),
            (Array("RIFF0000WEBPVP8 ".utf8), .webP),
            (Array("BM0000\0\0\0\0000000".utf8), .bmp),
            (Array("II*\0".utf8), .tiff), (Array("MM\0+".utf8), .tiff),
            ([0, 0, 0, 32] + Array("ftypheic".utf8), .otherPicture("HEIC")),
            (Array("39318\t640\t480\t36\tAAAA".utf8), .table), (Array("the 0.1 0.2\n".utf8), .text("text")),
            (Array("BMW and caf\u{E9}".utf8), .text("text")),
            (Array(" <html>".utf8), .text("a page of HTML or XML")),
            (Array("{\"a\": 1}".utf8), .text("JSON")),
            ([1, 2, 3], .unknown([1, 2, 3])), ([0x80, 9], .unknown([0x80, 9])),
        ] as [([UInt8], FileKind)])
    func kinds(bytes: [UInt8], kind: FileKind) {
        #expect(FileKind(startingWith: bytes) == kind)
    }

    @Test("a tar is told by the sum in its first header, and no other block is taken for one")
    func tar() throws {
        let folder = try TemporaryFolder()
        _ = try folder.write("a.txt", "text")
        let tar = Process()
        tar.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        tar.arguments = ["tar", "-cf", folder.file("archive"), "-C", folder.path, "a.txt"]
        try tar.run()
        tar.waitUntilExit()
        var bytes = try folder.bytes(of: "archive")
        #expect(FileKind(contentsOf: folder.file("archive")) == .tar)
        bytes[0] ^= 1
        #expect(FileKind(startingWith: bytes) == .unknown(Array(bytes.prefix(8))))
    }

    @Test("what is no file that can be read has no kind")
    func noFile() throws {
        let folder = try TemporaryFolder()
        #expect(FileKind(contentsOf: folder.file("none")) == nil)
        #expect(FileKind(contentsOf: folder.path) == nil)
        #expect(mkfifo(folder.file("pipe"), 0o600) == 0)
        #expect(FileKind(contentsOf: folder.file("pipe")) == nil)
    }
}

@Suite struct FolderListingTests {
    @Test("names that are not UTF-8 are told with their bytes, and end no listing")
    func invalidNames() throws {
        let folder = try TemporaryFolder()
        for name in ["b", "a é", ".hidden"] { _ = try folder.write(name, []) }
        let escaped = try folder.copyToLatin1Name(folder.file("b"), "_1.npz")
        let listing = try FolderListing(folder.path)
        #expect(listing.names == [".hidden", "a é", "b"])
        #expect(listing.visibleNames == ["a é", "b"])
        #expect(listing.invalidNames == [escaped])
        #expect(escaped == "caf\\xE9_1.npz")
    }

    @Test("a folder that cannot be listed is an error in the system's words")
    func missing() throws {
        let error = #expect(throws: FolderListingError.self) { try FolderListing("/no/such/folder") }
        #expect(
            try #require(error).description
                == "/no/such/folder: cannot list the folder: No such file or directory")
    }

    @Test("hidden files and what macOS leaves are hidden in folders and archives")
    func hidden() {
        for path in [".DS_Store", "a/._1.npz", "__MACOSX/1.npz", "a/__MACOSX/b/1.npz", ".git/1.npz"] {
            #expect(FolderListing.isHidden(path))
        }
        for path in ["1.npz", "./1.npz", "../a/1.npz", "a.b/1..npz"] {
            #expect(!FolderListing.isHidden(path))
        }
    }
}
