import FileSystem
import Testing

/// Paths are taken apart as the system does it.
@Suite struct PathPartsTests {
    @Test("a slash ends a part whatever follows it")
    func accents() {
        #expect("a/b//c".pathParts == ["a", "b", "c"])
        #expect("a/\u{301}b.jpg".pathParts == ["a", "\u{301}b.jpg"])
        #expect("a/\u{200D}b.jpg".pathName == "\u{200D}b.jpg")
        #expect("b.jpg".pathName == "b.jpg" && "".pathName == "")
        #expect("a/\u{301}".hasSlash && !"a".hasSlash)
        #expect(FolderListing.isHidden("x/\u{301}/.b") && FolderListing.isHidden("a/.\u{301}"))
        #expect(!FolderListing.isHidden("../\u{301}x"))
    }
}
