import Testing

@testable import Torch

/// Pickles written by hand: those that Python writes never get this far.
@Suite struct HostilePickleTests {
    private typealias Problem = TorchSaveError.Problem

    /// The value of a pickle whose storages are zero.
    private func unpickle(_ pickle: [UInt8]) throws -> PickleValue {
        try pickle.withUnsafeBytes { bytes in
            var cursor = ByteCursor(bytes)
            let (root, heap) = try PickleMachine.run(&cursor)
            let storages = heap.storages.map { [UInt8](repeating: 0, count: $0.byteCount) }
            var conversion = PickleConversion(heap: heap, storages: storages)
            return try conversion.value(of: root)
        }
    }

    private func problem(of pickle: [UInt8]) -> Problem? {
        let problem = #expect(throws: Problem.self) { try unpickle(pickle) }
        #expect(problem.map { "\($0)".contains("\n") } == false)
        return problem
    }

    private func isMalformed(_ pickle: [UInt8]) -> Bool {
        if case .malformed = problem(of: pickle) { true } else { false }
    }

    private func isTooLarge(_ pickle: [UInt8]) -> Bool {
        if case .tooLarge = problem(of: pickle) { true } else { false }
    }

    @Test(
        "a class outside the allow-list is refused by name, before anything is called",
        arguments: [
            Array("cos\nsystem\n(X\u{2}\0\0\0idtR.".utf8),
            Array("\u{8C}\u{2}os\u{8C}\u{6}system\u{93}.".latin1),
            Array("X\u{2}\0\0\0osX\u{6}\0\0\0system\u{93})R.".latin1),
        ])
    func refusedClass(pickle: [UInt8]) {
        #expect(problem(of: pickle) == .refusedClass(name: "os.system"))
        #expect(problem(of: pickle).map { "\($0)".contains("'os.system'") } == true)
    }

    @Test(
        "look-alikes of allowed classes are refused",
        arguments: [
            "builtins\neval", "torch._utils\n_rebuild_tensor", "torch\nstorage.FloatStorage", "torch\nload",
            "collections\nOrderedDict.fromkeys", "torch\nFloatStorage ", "", "\n",
        ])
    func refusedLookAlike(name: String) {
        guard case .refusedClass = problem(of: Array("c\(name)\n\n.".utf8)) else {
            Issue.record("not refused: \(name)")
            return
        }
    }

    @Test("instructions that construct in other ways are refused, by class where they name one")
    func refusedInstructions() {
        let inst = problem(of: Array("(ios\nsystem\n.".utf8))
        #expect(inst == .unsupportedInstruction(name: "INST of 'os.system'", offset: 1))
        let orderedDict = "ccollections\nOrderedDict\n"
        let others: [([UInt8], String, Int)] = [
            (Array("(\(orderedDict)o.".utf8), "OBJ", 26),
            (Array("\(orderedDict))\u{81}.".latin1), "NEWOBJ", 26),
            (Array("\(orderedDict))}\u{92}.".latin1), "NEWOBJEX", 27),
            (Array("\u{82}\u{1}.".latin1), "EXT1", 0),
            (Array("\u{83}\u{1}\0.".latin1), "EXT2", 0),
            (Array("\u{84}\u{1}\0\0\0.".latin1), "EXT4", 0),
            (Array("Pos.system\n.".utf8), "PERSID", 0),
            (Array("\u{97}.".latin1), "NEXTBUFFER", 0),
            ([0xFF, 0x2E], "0xff", 0),
        ]
        for (pickle, name, offset) in others {
            #expect(problem(of: pickle) == .unsupportedInstruction(name: name, offset: offset))
        }
    }

    @Test("only allowed functions are called, and only with what they take")
    func malformedCalls() {
        let orderedDict = "ccollections\nOrderedDict\n"
        #expect(isMalformed(Array("X\u{1}\0\0\0x)R.".utf8)))  // a string is called
        #expect(isMalformed(Array("\(orderedDict)NR.".utf8)))  // arguments are no tuple
        #expect(isMalformed(Array("\(orderedDict)K\u{1}\u{85}R.".latin1)))  // OrderedDict(1)
        #expect(isMalformed(Array("\(orderedDict)]K\u{1}a\u{85}R.".latin1)))  // OrderedDict([1])
        #expect(isMalformed(Array("ctorch\nFloatStorage\n)R.".utf8)))
        #expect(isMalformed(Array("ctorch\nSize\n)R.".utf8)))
        #expect(isMalformed(Array("ctorch\nSize\nN\u{85}\u{85}R.".latin1)))  // Size((None,))
        #expect(isMalformed(Array("ctorch._utils\n_rebuild_parameter\n)R.".utf8)))
        #expect(isMalformed(Array("ctorch._utils\n_rebuild_tensor_v2\n)R.".utf8)))
        #expect(isMalformed(Array("ctorch\nFloatStorage\n.".utf8)))  // a class is no value
    }

    @Test("attributes are given to ordered dictionaries only")
    func build() throws {
        #expect(isMalformed(Array("]}b.".utf8)))
        #expect(isMalformed(Array("}}b.".utf8)))
        #expect(isMalformed(Array("ctorch\nSize\n}b.".utf8)))
        #expect(isMalformed(Array("ccollections\nOrderedDict\n)RNb.".utf8)))
        let value = try unpickle(
            Array("ccollections\nOrderedDict\n)RX\u{1}\0\0\0aK\u{1}s}X\u{9}\0\0\0_metadataNsb.".utf8))
        #expect(value.dictionary?.keys == [.string("a")])
    }

    @Test(
        "a reference outside the pickle is to a storage or refused",
        arguments: [
            "NQ.", "K\u{7}Q.", "(X\u{6}\0\0\0moduleNNNNtQ.", "(X\u{7}\0\0\0storageNNNNtQ.",
            "(X\u{7}\0\0\0storagectorch\nFloatStorage\nX\u{1}\0\0\00X\u{3}\0\0\0cpuJ\u{FF}\u{FF}\u{FF}\u{FF}tQ.",
            "(X\u{7}\0\0\0storagectorch\nFloatStorage\nX\u{1}\0\0\00X\u{3}\0\0\0cpuK\u{1})tQ.",
        ])
    func persistentReferences(pickle: String) {
        #expect(isMalformed(Array(pickle.latin1)))
    }

    @Test("a pickle cut short anywhere is an error")
    func truncated() throws {
        let pickle = tensorPickle(shape: [2, 2], strides: [2, 1], offset: 0, capacity: 4)
        #expect(try unpickle(pickle).tensor?.shape == [2, 2])
        for count in 0..<pickle.count {
            #expect(problem(of: Array(pickle.prefix(count))) != nil)
        }
    }

    @Test("counts beyond the file are errors, whatever their size")
    func hugeCounts() {
        for opcode: UInt8 in [0x58, 0x42, 0x54, 0x8B] {  // BINUNICODE, BINBYTES, BINSTRING, LONG4
            for count in [2, 0x7FFF_FFFF, 0x8000_0000, UInt32.max] {
                #expect(
                    problem(of: [opcode] + littleEndian(count) + [0x2E])
                        == .truncated(offset: 5, expectedByteCount: Int(count), foundByteCount: 1))
            }
        }
        for opcode: UInt8 in [0x8D, 0x8E] {  // BINUNICODE8, BINBYTES8
            for count in [2, 1 << 63, UInt64.max] {
                #expect(
                    problem(of: [opcode] + littleEndian(count) + [0x2E])
                        == .truncated(offset: 9, expectedByteCount: Int(clamping: count), foundByteCount: 1))
            }
        }
    }

    @Test(
        "instructions without their operands are errors",
        arguments: [
            ".", "0.", "2.", "1.", "t.", "e.", "u.", "a.", "]a.", "s.", "}Ns.", "R.", "b.", "Q.", "q\u{0}.",
            "h\u{0}.", "j\0\0\0\0.", "\u{85}.", "N\u{86}.", "NN\u{87}.", "\u{93}.", "NN\u{93}.", "\u{94}.",
            "N(.", "N(0.", "N(\u{85}.", "]N(Ne.", "NNa.", "N(NNu.", "}(Nu.",
        ])
    func missingOperands(pickle: String) {
        #expect(isMalformed(Array(pickle.latin1)))
    }

    @Test("integers keep their sign up to 64 bits, and more bits are an error")
    func integers() throws {
        func long(_ bytes: [UInt8]) -> [UInt8] { [0x8A, UInt8(bytes.count)] + bytes + [0x2E] }
        #expect(try unpickle(long([])).int == 0)
        #expect(try unpickle(long([0xFF])).int == -1)
        #expect(try unpickle(long([0xFF, 0x00])).int == 255)
        #expect(try unpickle(long(littleEndian(Int64.min))).int == .min)
        #expect(try unpickle(long(littleEndian(Int64.max))).int == .max)
        #expect(try unpickle([0x4A] + littleEndian(Int32(-2)) + [0x2E]).int == -2)
        #expect(isMalformed(long([UInt8](repeating: 1, count: 9))))
    }

    @Test("a key that cannot be one is an error; a key set again keeps its place and takes the new value")
    func dictionaryKeys() throws {
        for key in ["]", "}", ")", "N", "ctorch\nSize\n"] {
            #expect(isMalformed(Array("}\(key)Ns.".utf8)))
        }
        let dictionary = try #require(try unpickle(Array("}(K\u{1}NK\u{2}NK\u{1}K\u{5}u.".utf8)).dictionary)
        #expect(dictionary.keys == [.int(1), .int(2)])
        #expect(dictionary[.int(1)]?.int == 5)
    }

    @Test("strings that are no UTF-8 are errors, and those of Python 2 come as bytes")
    func strings() throws {
        #expect(isMalformed([0x8C, 1, 0xFF, 0x2E]))
        #expect(try unpickle([0x55, 1, 0x61, 0x2E]).string == "a")
        guard case .bytes([0xFF]) = try unpickle([0x55, 1, 0xFF, 0x2E]) else {
            Issue.record("expected bytes")
            return
        }
    }

    @Test("an ordered dictionary of Python 2 has its pairs")
    func python2OrderedDictionary() throws {
        let pickle = Array("ccollections\nOrderedDict\n](]K\u{1}aK\u{2}ae\u{85}R.".latin1)
        let dictionary = try #require(try unpickle(pickle).dictionary)
        #expect(dictionary.keys == [.int(1)])
        #expect(dictionary[.int(1)]?.int == 2)
    }

    @Test("containers that contain themselves are errors")
    func cycles() {
        #expect(isMalformed(Array("]q\u{0}h\u{0}a.".utf8)))
        #expect(isMalformed(Array("}q\u{0}K\u{1}h\u{0}s.".utf8)))
        #expect(isMalformed(Array("]q\u{0}h\u{0}\u{85}a.".latin1)))
    }

    @Test("containers nested too deep are errors, however they are nested")
    func deepNesting() throws {
        let depth = 200_000
        #expect(isTooLarge([0x29] + [UInt8](repeating: 0x85, count: depth) + [0x2E]))
        #expect(
            isTooLarge(
                [UInt8](repeating: 0x5D, count: depth) + [UInt8](repeating: 0x61, count: depth - 1) + [0x2E]))
        #expect(problem(of: [UInt8](repeating: 0x28, count: depth)) != nil)
        #expect(try unpickle([0x29] + [UInt8](repeating: 0x85, count: 90) + [0x2E]).elements?.count == 1)

        // A chain of 150 lists in two halves: the second hangs on the first, which is converted by then.
        let half = [UInt8](repeating: 0x85, count: 75)
        let chain = [0x5D, 0x28, 0x29] + half + [0x71, 0] + [0x68, 0] + half + [0x65, 0x2E]
        #expect(isTooLarge(chain))
    }

    @Test("a small pickle that unfolds to billions of values is an error")
    func billionLaughs() {
        // (((x, x), (x, x)), ...): each level is twice the one before.
        let doubling: [UInt8] = [0x71, 0, 0x68, 0, 0x86]
        let pickle = [0x29] + [[UInt8]](repeating: doubling, count: 60).joined() + [0x2E]
        #expect(isTooLarge(pickle))
    }

    @Test("one list that is made a dictionary over and over is an error, and many lists once each are not")
    func repeatedDictionaries() throws {
        let (construct, pair) = ("ccollections\nOrderedDict\n", "]K\u{1}aK\u{2}a")
        func list(_ count: Int) -> String { "(" + String(repeating: pair, count: count) + "e" }
        // [OrderedDict(l), OrderedDict(l), ...] with l of 300 pairs, which is object 0.
        let calls = String(repeating: "\(construct)h\0\u{85}R", count: 1000)
        #expect(isTooLarge(Array("](]q\0\(list(300))\(calls)e.".latin1)))
        let own = String(repeating: "\(construct)]\(list(3))\u{85}R", count: 1000)
        #expect(try unpickle(Array("](\(own)e.".latin1)).elements?.count == 1000)
    }

    @Test("sizes of more axes than any tensor has are errors, before they are gone through")
    func longSizes() throws {
        let size = "ctorch\nSize\n(" + String(repeating: "K\u{1}", count: 65) + "t\u{85}R."
        #expect(isMalformed(Array(size.latin1)))
        let whole = "ctorch\nSize\n(" + String(repeating: "K\u{1}", count: 64) + "t\u{85}R."
        #expect(try unpickle(Array(whole.latin1)).elements?.count == 64)
    }

    @Test("keys that are no numbers, none of which equals another, are errors")
    func keysThatAreNoNumbers() {
        let nan = "G\u{7F}\u{F8}\0\0\0\0\0\0"
        #expect(isMalformed(Array("}\(nan)Ns.".latin1)))
    }

    @Test("tensors that share a storage more often than weights are tied are an error")
    func sharedStorage() throws {
        func tensors(_ count: Int) -> [UInt8] {
            let one = tensorPickle(shape: [1000], strides: [1], offset: 0, capacity: 1000).dropLast()
            return Array("](".utf8) + [UInt8]([[UInt8]](repeating: Array(one), count: count).joined())
                + Array("e.".utf8)
        }
        #expect(try unpickle(tensors(16)).elements?.count == 16)
        #expect(isTooLarge(tensors(17)))
    }

    @Test("a pickle unfolds to values with its length")
    func unfolding() throws {
        // A tuple of 200 numbers, and a list with it 200 times.
        let numbers = "(" + String(repeating: "K\u{1}", count: 200) + "tq\0"
        let pickle = "\(numbers)0](" + String(repeating: "h\0", count: 200) + "e."
        #expect(isTooLarge(Array(pickle.latin1)))
    }

    @Test("more objects than allowed, on the stack, as marks or in the memo, are an error")
    func tooManyObjects() throws {
        let (nones, marks, memos): ([UInt8], [UInt8], [UInt8]) = (
            Array(repeating: 0x4E, count: 11), Array(repeating: 0x28, count: 11),
            [0x4E] + Array(repeating: 0x94, count: 11)
        )
        for pickle in [nones, marks, memos] {
            pickle.withUnsafeBytes { bytes in
                var cursor = ByteCursor(bytes)
                let problem = #expect(throws: Problem.self) {
                    try PickleMachine.run(&cursor, maximumObjectCount: 10)
                }
                guard case .tooLarge = problem else {
                    Issue.record("expected too many objects, found \(String(describing: problem))")
                    return
                }
            }
        }
    }

    @Test("tensors that reach outside their storage are errors")
    func tensorBounds() throws {
        #expect(
            try unpickle(tensorPickle(shape: [2, 3], strides: [1, 2], offset: 4, capacity: 10)).tensor != nil)
        #expect(try unpickle(tensorPickle(shape: [0], strides: [1], offset: 10, capacity: 10)).tensor != nil)
        #expect(try unpickle(tensorPickle(shape: [], strides: [], offset: 9, capacity: 10)).tensor != nil)
        let invalid: [(shape: [Int], strides: [Int], offset: Int)] = [
            ([2, 3], [1, 2], 5), ([11], [1], 0), ([], [], 10), ([0], [1], 11), ([1], [1], -1), ([-1], [1], 0),
            ([2], [-1], 1), ([2], [Int.max], 1), ([3], [Int.max], 0), ([1], [1], .max),
            ([Int.max, 2], [0, 0], 0),
            ([Int.max], [0], 0), ([1], [], 0), ([], [1], 0),
            (Array(repeating: 1, count: 65), Array(repeating: 1, count: 65), 0),
        ]
        for (shape, strides, offset) in invalid {
            let pickle = tensorPickle(shape: shape, strides: strides, offset: offset, capacity: 10)
            guard case .invalidTensor = problem(of: pickle) else {
                Issue.record("accepted: \(shape), \(strides), \(offset)")
                continue
            }
        }
    }

    @Test("storages of impossible sizes, or described in two ways, are errors")
    func storages() {
        #expect(isMalformed(tensorPickle(shape: [1], strides: [1], offset: 0, capacity: -1)))
        #expect(isMalformed(tensorPickle(shape: [1], strides: [1], offset: 0, capacity: .max)))
        let (first, second) = (storagePickle(capacity: 1), storagePickle(capacity: 2))
        #expect(isMalformed(first + second + [0x86, 0x2E]))
    }
}

/// A pickle of one float32 tensor on storage "0".
func tensorPickle(shape: [Int], strides: [Int], offset: Int, capacity: Int) -> [UInt8] {
    func tuple(_ values: [Int]) -> [UInt8] { [0x28] + values.flatMap(integerPickle) + [0x74] }
    return Array("ctorch._utils\n_rebuild_tensor_v2\n(".utf8) + storagePickle(capacity: capacity)
        + integerPickle(offset) + tuple(shape) + tuple(strides) + Array("\u{89}NtR.".latin1)
}

private func storagePickle(capacity: Int) -> [UInt8] {
    Array("(X\u{7}\0\0\0storagectorch\nFloatStorage\nX\u{1}\0\0\00X\u{3}\0\0\0cpu".utf8)
        + integerPickle(capacity) + Array("tQ".utf8)
}

private func integerPickle(_ value: Int) -> [UInt8] { [0x8A, 8] + littleEndian(Int64(value)) }

extension String {
    /// The bytes of a text whose characters are all below U+0100, one for each.
    var latin1: [UInt8] { unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) } }
}
