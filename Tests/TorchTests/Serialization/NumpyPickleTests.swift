import Foundation
import Testing

@testable import Torch

/// Plain pickles with numpy's arrays: those that numpy writes, and those that nobody should.
@Suite struct NumpyPickleTests {
    private typealias Problem = TorchSaveError.Problem

    private static let files = (2...5).map { "protocol\($0).pkl" } + ["numpy1.pkl"]

    @Test("arrays are read, whatever the protocol and the version of numpy", arguments: files)
    func arrays(file: String) throws {
        let value = try loadPickle(fixturePath("torch/numpy/" + file))
        #expect(value["__author__"]?.string == "someone")
        func tensor(_ name: String) throws -> Tensor {
            try #require(value["model"]?[name]?.tensor).tensor()
        }
        let rows: [Float] = [0, 1, -2.5, 128.25, 3e38, -1e-30]
        for name in ["rows", "columns_first"] {
            #expect(try tensor(name).shape == [2, 3])
            #expect(try tensor(name).array(of: Float.self) == rows)
        }
        #expect(try tensor("every_second").array(of: Float.self) == [0, -2.5, 128.25, -1e-30])
        #expect(try tensor("scalar").shape == [])
        #expect(try tensor("scalar").array(of: Double.self) == [7.5])
        #expect(try tensor("numbers").array(of: Int64.self) == [-1, 1 << 40])
        #expect(try tensor("bytes").array(of: UInt8.self) == Array(250...255))
    }

    @Test("arrays of Python 2, whose bytes are strings, are read")
    func python2() throws {
        for bytes in ["\0\0\u{80}?", "abcd"] {
            let pickle = arrayPickle(contents: "U\u{4}" + bytes)
            #expect(try unpickle(pickle).tensor?.storage == Array(bytes.latin1))
        }
    }

    @Test("a pickle cut short anywhere is an error", arguments: files)
    func truncated(file: String) throws {
        let pickle = try [UInt8](Data(contentsOf: URL(fileURLWithPath: fixturePath("torch/numpy/" + file))))
        for count in 0..<pickle.count {
            #expect(throws: TorchSaveError.self) {
                try loadPickle(bytes: Array(pickle.prefix(count)), name: "cut")
            }
        }
        #expect(isMalformed(pickle + [0]))
    }

    @Test(
        "other classes and functions are refused by name, those of torch.save among them",
        arguments: [
            "os.system", "builtins.eval", "numpy.core.multiarray.scalar", "numpy.load",
            "numpy.ndarray.tofile",
            "_codecs.decode", "codecs.encode", "torch._utils._rebuild_tensor_v2", "torch.FloatStorage",
            "numpy.core.multiarray._reconstruct2", "Numpy.ndarray",
        ])
    func refused(name: String) {
        let dot = name.lastIndex(of: ".") ?? name.startIndex
        let pickle = "\u{80}\u{2}c\(name[..<dot])\n\(name[dot...].dropFirst())\n."
        #expect(problem(of: Array(pickle.latin1)) == .refusedClass(name: name))
    }

    @Test("a file of torch.save does not ask for arrays")
    func torchSaveWithoutArrays() {
        let pickle = Array("cnumpy\nndarray\n.".utf8)
        pickle.withUnsafeBytes { bytes in
            var cursor = ByteCursor(bytes)
            let problem = #expect(throws: Problem.self) { try PickleMachine.run(&cursor) }
            #expect(problem == .refusedClass(name: "numpy.ndarray"))
        }
    }

    @Test("what is no pickle is told as such")
    func otherFiles() {
        for bytes in [[], Array("hello".utf8), Array("PK\u{3}\u{4}".utf8), Array("(lp0\n.".utf8)] as [[UInt8]]
        {
            #expect(problem(of: bytes) == .noPickle)
        }
    }

    @Test("arrays of anything but numbers, or of the other byte order, are errors")
    func elementTypes() {
        for name in ["O8", "V8", "S1", "U3", "b1", "c8", "f16", "u8", "M8", "", "<", "f", "<<>f4"] {
            #expect(isMalformed(arrayPickle(elementType: name)), "\(name)")
        }
        #expect(problem(of: arrayPickle(elementType: ">f4")) == .bigEndian)
        #expect(problem(of: arrayPickle(byteOrder: ">")) == .bigEndian)
        #expect(isMalformed(arrayPickle(byteOrder: "x")))
        #expect(isMalformed(arrayPickle(fields: "}")))
    }

    @Test("arrays with more or fewer bytes than their shape takes are errors")
    func sizes() throws {
        #expect(try unpickle(arrayPickle()).tensor?.shape == [1])
        #expect(try unpickle(arrayPickle(shape: "K\0", contents: "C\0")).tensor?.shape == [0])
        let huge = "\u{8A}\u{8}" + String(repeating: "\0", count: 7) + "\u{40}"  // 2^62
        for shape in [
            "K\u{2}", "K\0", "J\u{FF}\u{FF}\u{FF}\u{FF}", huge, "\(huge)\(huge)", "K\0\(huge)\(huge)",
        ] {
            guard case .invalidTensor = problem(of: arrayPickle(shape: shape)) else {
                Issue.record("accepted: \(shape)")
                continue
            }
        }
        let long = String(repeating: "K\u{1}", count: 65)
        #expect(isMalformed(arrayPickle(shape: long)))
        #expect(isMalformed(arrayPickle(shape: "N")))
    }

    @Test("calls and states other than numpy's are errors")
    func malformed() {
        let reconstruct = "cnumpy.core.multiarray\n_reconstruct\n"
        let type = "cnumpy\ndtype\nU\u{2}f4\u{85}R"
        let frombuffer = "cnumpy.core.numeric\n_frombuffer\n"
        for pickle in [
            "\(reconstruct))R.", "\(reconstruct)NNN\u{87}R.", "cnumpy\nndarray\n)R.", "cnumpy\ndtype\n)R.",
            "cnumpy\ndtype\nK\u{1}\u{85}R.", "\(type).", "\(type)Nb.", "\(type))b.", "cnumpy\nndarray\n.",
            "c_codecs\nencode\n)R.", "c_codecs\nencode\nX\u{1}\0\0\0aX\u{4}\0\0\0utf8\u{86}R.",
            "c_codecs\nencode\nX\u{2}\0\0\0\u{C4}\u{80}X\u{6}\0\0\0latin1\u{86}R.", "\(frombuffer))R.",
            "\(frombuffer)(C\u{4}abcd\(type)K\u{1}\u{85}U\u{1}KtR.",
            "\(frombuffer)(K\u{1}\(type)K\u{1}\u{85}U\u{1}CtR.",
            "\(frombuffer)(C\u{4}abcdK\u{1}K\u{1}\u{85}U\u{1}CtR.", "\(emptyArray).", "\(emptyArray)Nb.",
            "\(emptyArray))b.",
        ] {
            #expect(isMalformed(Array(("\u{80}\u{2}" + pickle).latin1)), "\(pickle)")
        }
        // Filled twice.
        let twice = arrayPickle().dropLast() + Array("(K\u{1}K\u{1}\u{85}\(type)\u{89}C\u{4}abcdtb.".latin1)
        #expect(isMalformed(Array(twice)))
    }

    @Test("one array or text used over and over is an error before memory is taken for it")
    func amplification() throws {
        let zeros = littleEndian(UInt32(4000)) + [UInt8](repeating: 0, count: 4000)
        // [encode(text), encode(text), ...] with a text that is written once.
        let encode = Array("c_codecs\nencode\nh\0X\u{6}\0\0\0latin1\u{86}R".latin1)
        let calls = [[UInt8]](repeating: encode, count: 50).joined()
        #expect(
            isTooLarge([0x80, 2, 0x5D, 0x28, 0x58] + zeros + Array("q\0".utf8) + calls + Array("e.".utf8)))
        // [array, array, ...] with an array that is written once.
        let array =
            arrayPickle(shape: "M\u{E8}\u{3}", contents: "B", ending: "") + zeros
            + Array("tbq\u{7}0](".utf8)
        func uses(_ count: Int) -> [UInt8] {
            array + [[UInt8]](repeating: Array("h\u{7}".utf8), count: count).joined() + Array("e.".utf8)
        }
        #expect(try unpickle(uses(16)).elements?.count == 16)
        #expect(isTooLarge(uses(100)))
    }

    // MARK: - Pickles by hand

    private let emptyArray =
        "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\u{85}U\u{1}b\u{87}R"

    /// A pickle of an array, of four zero bytes if nothing else is said, in the form of Python 2.
    private func arrayPickle(
        elementType: String = "f4", byteOrder: String = "<", fields: String = "N", shape: String = "K\u{1}",
        contents: String = "C\u{4}\0\0\0\0", ending: String = "tb."
    ) -> [UInt8] {
        func text(_ value: String) -> String {
            "X\(Character(UnicodeScalar(UInt8(value.utf8.count))))\0\0\0" + value
        }
        let type =
            "cnumpy\ndtype\n\(text(elementType))\u{89}\u{88}\u{87}R(K\u{3}\(text(byteOrder))N\(fields)NJ"
            + "\u{FF}\u{FF}\u{FF}\u{FF}J\u{FF}\u{FF}\u{FF}\u{FF}K\0tb"
        return Array("\u{80}\u{2}\(emptyArray)(K\u{1}(\(shape)t\(type)\u{89}\(contents)\(ending)".latin1)
    }

    private func unpickle(_ pickle: [UInt8]) throws -> PickleValue {
        try loadPickle(bytes: pickle, name: "x")
    }

    private func problem(of pickle: [UInt8]) -> Problem? {
        let error = #expect(throws: TorchSaveError.self) { try unpickle(pickle) }
        #expect(error.map { "\($0)".contains("\n") } == false)
        return error?.problem
    }

    private func isMalformed(_ pickle: [UInt8]) -> Bool {
        if case .malformed = problem(of: pickle) { true } else { false }
    }

    private func isTooLarge(_ pickle: [UInt8]) -> Bool {
        if case .tooLarge = problem(of: pickle) { true } else { false }
    }
}
