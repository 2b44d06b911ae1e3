import TestSupport
import Testing
@testable import Hub

@Suite struct HubEnvironmentTests {
    @Test(
        "the cache is where huggingface_hub has it",
        arguments: [
            (["HOME": "/h"], "/h/.cache/huggingface/hub"),
            (["HOME": "/h", "XDG_CACHE_HOME": "/x"], "/x/huggingface/hub"),
            (["HOME": "/h", "XDG_CACHE_HOME": "/x", "HF_HOME": "/hf"], "/hf/hub"),
            (["HOME": "/h", "HF_HOME": "~/hf"], "/h/hf/hub"),
            (["HOME": "/h", "HF_HOME": "/hf", "HUGGINGFACE_HUB_CACHE": "/old"], "/old"),
            (["HUGGINGFACE_HUB_CACHE": "/old", "HF_HUB_CACHE": "/new"], "/new"),
            (["HOME": "/h", "HF_HUB_CACHE": "", "HF_HOME": ""], "/h/.cache/huggingface/hub"),
        ])
    func cache(variables: [String: String], folder: String) {
        #expect(HubEnvironment(variables).cacheFolder == folder)
    }

    @Test("the hub is Hugging Face's, unless another is named; nothing else is offline")
    func endpoint() {
        #expect(HubEnvironment([:]).endpoint == "https://huggingface.co")
        #expect(HubEnvironment(["HF_ENDPOINT": "http://a/b//"]).endpoint == "http://a/b")
        for value in ["", "0", "no", "false"] {
            #expect(!HubEnvironment(["HF_HUB_OFFLINE": value]).isOffline)
        }
    }

    @Test("the token is that of the variable before that of the file, and the file's that of HF_HOME")
    func token() throws {
        let folder = try TemporaryFolder()
        let home = ["HF_HOME": folder.path]
        #expect(try HubEnvironment(home).token() == nil)
        _ = try folder.write("token", " hf_file\n")
        #expect(try HubEnvironment(home).token() == "hf_file")
        #expect(try HubEnvironment(home.merging(["HF_TOKEN": "hf_variable"]) { $1 }).token() == "hf_variable")
        #expect(try HubEnvironment(home.merging(["HF_TOKEN": " "]) { $1 }).token() == "hf_file")
        _ = try folder.write("token", String(repeating: "a", count: 10_000))
        #expect(throws: HubError.self) { _ = try HubEnvironment(home).token() }
    }

    @Test("checksums are those of sha256sum and git hash-object")
    func checksums() throws {
        let folder = try TemporaryFolder()
        for (bytes, sha256, git) in [
            (
                [], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
            ),
            (
                Array("abc".utf8), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                "f2ba8f84ab5c1bce84a7b441cb1959cfc7093b7f"
            ),
            (
                Array(repeating: UInt8(ascii: "a"), count: 1_000_000),
                "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
                "de1fbf0c2f34f67f01f355f31ed0cf7319643c5e"
            ),
        ] as [([UInt8], String, String)] {
            let path = try folder.write("a", bytes)
            for name in [sha256, git] {
                let checksum = try #require(BlobChecksum(ofName: name))
                #expect(try checksum.text(of: path) { false } == name)
                #expect(try checksum.text(of: path) { true } == nil)
            }
        }
        for name in [
            "", "abc", "2-v.1", String(repeating: "A", count: 40), String(repeating: "g", count: 64),
        ] {
            #expect(BlobChecksum(ofName: name) == nil)
        }
    }

    @Test("addresses hold no sign that would mean something else there")
    func addresses() throws {
        let repository = try HubRepository("org/net")
        let file = try HubPath("a b/ü#?.bin", what: "")
        let revision = try HubPath("refs/pr/1", what: "")
        #expect(
            repository.address(of: file, at: revision, on: "https://hub")
                == "https://hub/org/net/resolve/refs%2Fpr%2F1/a%20b/%C3%BC%23%3F.bin")
    }
}
