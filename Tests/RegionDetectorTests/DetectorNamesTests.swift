import TestSupport
import Testing

@testable import RegionDetector

/// The names of classes and attributes.
@Suite struct DetectorNamesTests {
    private let folder: TemporaryFolder
    private let shape: DetectorShape

    init() throws {
        folder = try TemporaryFolder()
        shape = try Detectors.weights().shape
    }

    private func lines(_ count: Int, end: String = "\n") -> String {
        (1...count).map { "name \($0)" + end }.joined()
    }

    private func read(_ objects: String, _ attributes: String? = nil) throws -> DetectorNames {
        try DetectorNames(
            objects: folder.write("objects_vocab.txt", objects),
            attributes: folder.write("attributes_vocab.txt", attributes ?? lines(16)), for: shape)
    }

    @Test("a line's name is the first of its synonyms, in small letters", arguments: ["\n", "\r\n"])
    func names(end: String) throws {
        let first = "Yolk" + end + " Goggles ,goggle, eye wear" + end
        let names = try read("\u{FEFF}" + first + lines(38, end: end), lines(16, end: end))
        #expect(names.objects.count == 40)
        #expect(names.objects[..<3] == ["yolk", "goggles", "name 1"])
        #expect(names.attributes.count == 16)
        #expect(names.attributes.last == "name 16")
    }

    @Test("the end of the last line may be missing, and empty lines may follow")
    func lastLine() throws {
        #expect(try read(lines(39) + "last").objects.last == "last")
        #expect(try read(lines(40) + "\n \n").objects.last == "name 40")
    }

    @Test("files of more or fewer names, of others things or of none, are errors of one line")
    func refused() {
        for (text, reason) in [
            (lines(39), "expected 40 names, one a line, found 39"),
            (lines(41), "expected 40 names, one a line, found 41"),
            ("", "expected 40 names, one a line, found 0"),
            (lines(20) + "\n" + lines(19), "line 21: expected a name, found none"),
            (lines(39) + " , b\n", "line 40: expected a name, found none"),
        ] {
            let error = #expect(throws: DetectorNamesError.self) { try read(text) }
            #expect(error?.reason == reason)
        }
        let error = #expect(throws: DetectorNamesError.self) { try read(lines(40), lines(15)) }
        #expect(error?.path == folder.file("attributes_vocab.txt"))
    }

    @Test("other files, too long ones and none at all are errors of one line")
    func otherFiles() throws {
        let long = try folder.write("long", String(repeating: "a\n", count: 1 << 20))
        for path in [Fixtures.url("detector/a_landscape.png").path, long, folder.file("none"), folder.path] {
            let error = #expect(throws: DetectorNamesError.self) {
                try DetectorNames(objects: path, attributes: path, for: shape)
            }
            #expect(error.map { "\($0)".hasPrefix(path) && !"\($0)".contains("\n") } == true)
        }
    }

    @Test("names of attributes are not asked for where none are told")
    func withoutAttributes() throws {
        var state = try Detectors.weights().state
        for name in DetectorTensorNames.attributeHead { state[name] = nil }
        let shape = try DetectorWeights(state, format: .milvlg).shape
        let names = try DetectorNames(
            objects: folder.write("objects", lines(40)), attributes: folder.file("none"), for: shape)
        #expect(names.attributes.isEmpty)
    }
}
