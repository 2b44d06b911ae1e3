/// Runs a pickle's instructions, constructing plain values, tensors and arrays and nothing else.
///
/// The instructions are those of protocol 2, which `torch.save` writes, and what protocols 3 to 5 put in
/// their place. Reference: Python's `pickletools`.
struct PickleMachine {
    typealias Problem = TorchSaveError.Problem

    var heap = PickleHeap()
    private var cursor: ByteCursor
    private var stack: [PickleObject] = []
    /// Where on the stack the marks stand; what is below the last one is out of reach.
    private var marks: [Int] = []
    private var memo: [Int: PickleObject] = [:]
    private var pushCount = 0
    private let maximumObjectCount: Int
    private let library: PickleLibrary
    /// Where the pickle begins.
    private let start: Int
    /// How many elements of lists, and bytes of texts, calls have gone through.
    private var calledCount = 0

    private init(_ cursor: ByteCursor, _ library: PickleLibrary, maximumObjectCount: Int) {
        self.cursor = cursor
        self.library = library
        start = cursor.offset
        self.maximumObjectCount = maximumObjectCount
    }

    /// Runs one pickle, and moves the cursor to what follows it.
    ///
    /// - Parameters:
    ///   - library: whose pickle it is.
    ///   - maximumObjectCount: how many objects to construct or to remember at most. A checkpoint's pickle has some 20
    ///     a tensor.
    /// - Returns: the pickled object, and the heap that it refers to.
    static func run(
        _ cursor: inout ByteCursor, of library: PickleLibrary = .torch, maximumObjectCount: Int = 1 << 22
    ) throws(Problem) -> (root: PickleObject, heap: PickleHeap) {
        var machine = PickleMachine(cursor, library, maximumObjectCount: maximumObjectCount)
        while true {
            let offset = machine.cursor.offset
            let byte = try machine.cursor.integer(UInt8.self)
            guard let opcode = PickleOpcode(rawValue: byte) else {
                throw .unsupportedInstruction(name: "0x" + String(byte, radix: 16), offset: offset)
            }
            if opcode == .stop { break }
            if let object = try machine.literal(opcode) {
                try machine.push(object)
            } else if try !machine.runContainerInstruction(opcode), try !machine.runInstruction(opcode) {
                throw .unsupportedInstruction(name: try machine.fullName(of: opcode), offset: offset)
            }
        }
        cursor = machine.cursor
        machine.heap.byteCount = cursor.offset - machine.start
        return (try machine.pop(), machine.heap)
    }
}

// MARK: - Stack and memo

extension PickleMachine {
    private mutating func push(_ object: PickleObject) throws(Problem) {
        try countObject()
        stack.append(object)
    }

    private mutating func pushMark() throws(Problem) {
        try countObject()
        marks.append(stack.count)
    }

    private mutating func countObject() throws(Problem) {
        pushCount += 1
        guard pushCount <= maximumObjectCount else {
            throw .tooLarge(reason: "it holds more than \(maximumObjectCount) objects")
        }
    }

    /// Counts elements of a list, or bytes of a text, that a call goes through. Each was written once, in a byte at
    /// least: one list that is handed over again and again would take time and memory with the square of the file's
    /// length.
    mutating func countCalled(_ count: Int) throws(Problem) {
        calledCount += count
        guard calledCount <= cursor.offset - start else {
            throw .tooLarge(reason: "it makes objects of one list or text over and over")
        }
    }

    mutating func pop() throws(Problem) -> PickleObject {
        guard stack.count > marks.last ?? 0, let object = stack.popLast() else {
            throw .malformed(reason: "an instruction finds nothing on the stack")
        }
        return object
    }

    private mutating func pop(_ count: Int) throws(Problem) -> [PickleObject] {
        guard stack.count - (marks.last ?? 0) >= count else {
            throw .malformed(reason: "an instruction finds fewer than \(count) objects on the stack")
        }
        defer { stack.removeLast(count) }
        return Array(stack.suffix(count))
    }

    private mutating func popToMark() throws(Problem) -> [PickleObject] {
        guard let mark = marks.popLast() else { throw .malformed(reason: "an instruction finds no mark") }
        defer { stack.removeSubrange(mark...) }
        return Array(stack[mark...])
    }

    private func top() throws(Problem) -> PickleObject {
        guard stack.count > marks.last ?? 0, let object = stack.last else {
            throw .malformed(reason: "an instruction finds nothing on the stack")
        }
        return object
    }

    private mutating func memoize(_ index: Int) throws(Problem) {
        memo[index] = try top()
        guard memo.count <= maximumObjectCount else {
            throw .tooLarge(reason: "it remembers more than \(maximumObjectCount) objects")
        }
    }

    private func remembered(_ index: Int) throws(Problem) -> PickleObject {
        guard let object = memo[index] else {
            throw .malformed(reason: "object \(index) is used before it is made")
        }
        return object
    }

    /// Runs an instruction about stack, memo, classes or stream. Returns false where it is not supported.
    private mutating func runInstruction(_ opcode: PickleOpcode) throws(Problem) -> Bool {
        switch opcode {
        case .proto: _ = try cursor.take(1)
        case .frame: _ = try cursor.take(8)
        case .mark: try pushMark()
        case .pop: _ = try pop()
        case .popMark: _ = try popToMark()
        case .dup: try push(top())
        case .binput: try memoize(Int(cursor.integer(UInt8.self)))
        case .longBinput: try memoize(Int(cursor.integer(UInt32.self)))
        case .memoize: try memoize(memo.count)
        case .binget: try push(remembered(Int(cursor.integer(UInt8.self))))
        case .longBinget: try push(remembered(Int(cursor.integer(UInt32.self))))
        case .global: try push(.global(PickleGlobal(name: globalName(), in: library)))
        case .stackGlobal:
            let parts = try pop(2)
            guard case .string(let module) = parts[0], case .string(let name) = parts[1] else {
                throw .malformed(reason: "the name of a class is no string")
            }
            try push(.global(PickleGlobal(name: "\(module).\(name)", in: library)))
        case .reduce:
            let arguments = try pop()
            try push(call(pop(), arguments))
        case .build:
            let state = try pop()
            try build(state: state, of: top())
        case .binpersid: try push(loadPersistent(pop()))
        default: return false
        }
        return true
    }

    /// Module and name of the class that follows in the stream, as in `os.system`.
    private mutating func globalName() throws(Problem) -> String {
        let module = try cursor.line()
        return "\(module).\(try cursor.line())"
    }

    /// The name of an instruction that is not supported, with the class it would construct.
    private mutating func fullName(of opcode: PickleOpcode) throws(Problem) -> String {
        let name = "\(opcode)".uppercased()
        return opcode == .inst ? "\(name) of '\(try globalName())'" : name
    }
}

// MARK: - Containers

extension PickleMachine {
    /// Runs an instruction that makes or fills a container. Returns false where it is another one.
    private mutating func runContainerInstruction(_ opcode: PickleOpcode) throws(Problem) -> Bool {
        switch opcode {
        case .emptyTuple: try push(heap.add(.tuple))
        case .tuple1: try push(heap.add(.tuple, items: pop(1)))
        case .tuple2: try push(heap.add(.tuple, items: pop(2)))
        case .tuple3: try push(heap.add(.tuple, items: pop(3)))
        case .tuple: try push(heap.add(.tuple, items: popToMark()))
        case .emptyList: try push(heap.add(.list))
        case .append: try append([pop()])
        case .appends: try append(popToMark())
        case .emptyDict: try push(heap.add(.dictionary))
        case .setitem: try setItems(pop(2))
        case .setitems: try setItems(popToMark())
        default: return false
        }
        return true
    }

    private mutating func append(_ items: [PickleObject]) throws(Problem) {
        let target = try top()
        guard case .container(let index) = target, heap.containers[index].kind == .list else {
            throw .malformed(reason: "an item is appended to \(target.typeName(in: heap))")
        }
        heap.containers[index].items += items
    }

    private mutating func setItems(_ keysAndValues: [PickleObject]) throws(Problem) {
        let target = try top()
        guard case .container(let index) = target,
            [.dictionary, .orderedDictionary].contains(heap.containers[index].kind)
        else {
            throw .malformed(reason: "a key is set in \(target.typeName(in: heap))")
        }
        guard keysAndValues.count.isMultiple(of: 2) else { throw .malformed(reason: "a key has no value") }
        for pair in stride(from: 0, to: keysAndValues.count, by: 2) {
            heap.containers[index].keys.append(try key(keysAndValues[pair]))
            heap.containers[index].items.append(keysAndValues[pair + 1])
        }
    }

    func key(_ object: PickleObject) throws(Problem) -> PickleKey {
        switch object {
        case .string(let value): return .string(value)
        case .int(let value): return .int(value)
        case .double(let value):
            // No two of them are equal, so that each would be looked for among all the others.
            guard !value.isNaN else { throw .malformed(reason: "a dictionary has the key nan") }
            return .double(value)
        case .bool(let value): return .bool(value)
        default: throw .malformed(reason: "a dictionary has a key of type \(object.typeName(in: heap))")
        }
    }
}

// MARK: - Literals

extension PickleMachine {
    /// The value that stands in the stream itself, or nil where the instruction is another one.
    private mutating func literal(_ opcode: PickleOpcode) throws(Problem) -> PickleObject? {
        switch opcode {
        case .none: return PickleObject.none
        case .newtrue: return .bool(true)
        case .newfalse: return .bool(false)
        case .binint: return .int(Int(try cursor.integer(Int32.self)))
        case .binint1: return .int(Int(try cursor.integer(UInt8.self)))
        case .binint2: return .int(Int(try cursor.integer(UInt16.self)))
        case .long1: return integer(try take(UInt8.self))
        case .long4: return integer(try take(UInt32.self))
        case .binfloat:
            // The one big-endian number of the format.
            return .double(Double(bitPattern: try cursor.integer(UInt64.self).byteSwapped))
        case .binunicode: return try string(take(UInt32.self))
        case .shortBinunicode: return try string(take(UInt8.self))
        case .binunicode8: return try string(take(UInt64.self))
        case .binstring: return python2String(try take(UInt32.self))
        case .shortBinstring: return python2String(try take(UInt8.self))
        case .binbytes: return .bytes(Array(try take(UInt32.self)))
        case .shortBinbytes: return .bytes(Array(try take(UInt8.self)))
        case .binbytes8, .bytearray8: return .bytes(Array(try take(UInt64.self)))
        default: return nil
        }
    }

    /// The bytes that follow their count.
    private mutating func take<Count: FixedWidthInteger & UnsignedInteger>(
        _ count: Count.Type
    ) throws(Problem) -> UnsafeRawBufferPointer {
        try cursor.take(Int(clamping: cursor.integer(Count.self)))
    }

    /// A two's complement integer of any length.
    private func integer(_ bytes: UnsafeRawBufferPointer) -> PickleObject {
        guard bytes.count <= MemoryLayout<Int>.size else { return .longInt(Array(bytes)) }
        let isNegative = (bytes.last ?? 0) >= 0x80
        return .int(bytes.reversed().reduce(isNegative ? -1 : 0) { $0 << 8 | Int($1) })
    }

    private func string(_ bytes: UnsafeRawBufferPointer) throws(Problem) -> PickleObject {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .malformed(reason: "a string is not in UTF-8")
        }
        return .string(text)
    }

    /// The `str` of Python 2, which could hold any bytes.
    private func python2String(_ bytes: UnsafeRawBufferPointer) -> PickleObject {
        String(validating: bytes, as: UTF8.self).map { .string($0) } ?? .bytes(Array(bytes))
    }
}
