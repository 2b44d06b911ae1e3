/// A value while its pickle is being read. Containers, storages, tensors and arrays are numbers in a `PickleHeap`.
enum PickleObject {
    case none
    case bool(Bool)
    case int(Int)
    /// An integer of more than 64 bits: two's complement, little-endian.
    case longInt([UInt8])
    case double(Double)
    case string(String)
    case bytes([UInt8])
    case container(Int)
    case storage(Int)
    case tensor(Int)
    case array(Int)
    /// The type of an array's elements, numpy's `dtype`.
    case elementType(DType)
    case global(PickleGlobal)
}

/// Whose pickles are read, which says what they may name.
enum PickleLibrary {
    /// Those within the files of `torch.save`.
    case torch
    /// Plain ones, with numpy's arrays.
    case numpy
}

/// The classes and functions that a pickle may name. There is no way to construct any other.
enum PickleGlobal: Equatable {
    case orderedDictionary
    case size
    case rebuildTensor
    case rebuildParameter
    case storage(DType)
    case array
    case elementType
    case reconstructArray
    case arrayFromBuffer
    case encodeText

    /// - Parameters:
    ///   - name: module and name, as in `collections.OrderedDict`.
    ///   - library: whose pickle names it.
    init(name: String, in library: PickleLibrary) throws(TorchSaveError.Problem) {
        switch library {
        case _ where name == "collections.OrderedDict": self = .orderedDictionary
        case .torch: try self.init(torchName: name)
        case .numpy: try self.init(numpyName: name)
        }
    }

    private init(torchName name: String) throws(TorchSaveError.Problem) {
        switch name {
        case "torch.Size": self = .size
        case "torch._utils._rebuild_tensor_v2": self = .rebuildTensor
        case "torch._utils._rebuild_parameter": self = .rebuildParameter
        case "torch.FloatStorage": self = .storage(.float32)
        case "torch.DoubleStorage": self = .storage(.float64)
        case "torch.HalfStorage": self = .storage(.float16)
        case "torch.BFloat16Storage": self = .storage(.bfloat16)
        case "torch.LongStorage": self = .storage(.int64)
        case "torch.IntStorage": self = .storage(.int32)
        case "torch.ShortStorage": self = .storage(.int16)
        case "torch.CharStorage": self = .storage(.int8)
        case "torch.ByteStorage": self = .storage(.uint8)
        case "torch.BoolStorage": self = .storage(.bool)
        default: throw .refusedClass(name: name)
        }
    }

    /// numpy 2 has moved what was in `numpy.core`; what it wrote before is still about.
    private init(numpyName name: String) throws(TorchSaveError.Problem) {
        switch name {
        case "numpy.ndarray": self = .array
        case "numpy.dtype": self = .elementType
        case "numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct":
            self = .reconstructArray
        case "numpy.core.numeric._frombuffer", "numpy._core.numeric._frombuffer": self = .arrayFromBuffer
        case "_codecs.encode": self = .encodeText
        default: throw .refusedClass(name: name)
        }
    }
}

/// The objects of a pickle that other objects refer to, by number.
///
/// Numbers instead of references: no file can make a cycle that is never released, or a chain so deep that
/// releasing it overflows the stack.
struct PickleHeap {
    struct Container {
        enum Kind { case tuple, list, dictionary, orderedDictionary }

        let kind: Kind
        var items: [PickleObject] = []
        /// Of a dictionary, as many as `items`; keys may occur again.
        var keys: [PickleKey] = []
    }

    /// What a pickle says about a storage; its bytes lie elsewhere in the file.
    struct Storage {
        let key: String
        let dtype: DType
        let byteCount: Int
    }

    struct PickledView {
        let storage: Int
        let view: StridedView
    }

    /// An array of numpy's, whose bytes are in the pickle itself.
    struct PickledArray {
        let dtype: DType
        let view: StridedView
        let bytes: [UInt8]
    }

    /// How many bytes the pickle has.
    var byteCount = 0
    var containers: [Container] = []
    private(set) var storages: [Storage] = []
    var tensors: [PickledView] = []
    /// Nil for an array that has been made and not filled.
    var arrays: [PickledArray?] = []
    private var storageIndices: [String: Int] = [:]

    mutating func add(_ kind: Container.Kind, items: [PickleObject] = []) -> PickleObject {
        containers.append(Container(kind: kind, items: items))
        return .container(containers.count - 1)
    }

    /// The storage of this name, which every mention must describe in the same way.
    mutating func storage(
        key: String, dtype: DType, elementCount: Int
    ) throws(TorchSaveError.Problem) -> PickleObject {
        guard let byteCount = dtype.byteCount(ofShape: [elementCount]) else {
            throw .malformed(reason: "storage \(key.quoted) has \(elementCount) elements")
        }
        if let index = storageIndices[key] {
            guard storages[index].dtype == dtype, storages[index].byteCount == byteCount else {
                throw .malformed(reason: "storage \(key.quoted) is described in two ways")
            }
            return .storage(index)
        }
        storageIndices[key] = storages.count
        storages.append(Storage(key: key, dtype: dtype, byteCount: byteCount))
        return .storage(storages.count - 1)
    }

    /// The number of the storage of this name, or nil.
    func storageIndex(of key: String) -> Int? { storageIndices[key] }

    /// The elements of a tuple or list, or nil for anything else.
    func elements(of object: PickleObject) -> [PickleObject]? {
        guard case .container(let index) = object, [.tuple, .list].contains(containers[index].kind) else {
            return nil
        }
        return containers[index].items
    }

    /// The elements of a tuple or list of integers, as sizes and strides are; nil for anything else, and where there
    /// are more than any tensor has.
    func integers(of object: PickleObject) -> [Int]? {
        guard let elements = elements(of: object), elements.count <= StridedView.maximumRank else {
            return nil
        }
        let integers = elements.compactMap { if case .int(let value) = $0 { value } else { nil } }
        return integers.count == elements.count ? integers : nil
    }
}

extension PickleObject {
    /// What the object is, in Python's words.
    func typeName(in heap: PickleHeap) -> String {
        switch self {
        case .none: "None"
        case .bool: "bool"
        case .int, .longInt: "int"
        case .double: "float"
        case .string: "str"
        case .bytes: "bytes"
        case .storage: "a storage"
        case .tensor: "torch.Tensor"
        case .array: "numpy.ndarray"
        case .elementType: "numpy.dtype"
        case .global(.orderedDictionary): "the class collections.OrderedDict"
        case .global(.size): "the class torch.Size"
        case .global(.storage): "a storage class"
        case .global(.array): "the class numpy.ndarray"
        case .global(.elementType): "the class numpy.dtype"
        case .global(.rebuildTensor), .global(.rebuildParameter), .global(.reconstructArray),
            .global(.arrayFromBuffer), .global(.encodeText):
            "a function"
        case .container(let index):
            switch heap.containers[index].kind {
            case .tuple: "tuple"
            case .list: "list"
            case .dictionary: "dict"
            case .orderedDictionary: "collections.OrderedDict"
            }
        }
    }
}
