import Torch

/// How a shard says which images it has.
enum ShardImages {
    /// All are numbers: `image_id`.
    case numbers
    /// Some are texts, so that all are written as texts: `image_name`, one behind the other, and `image_name_offset`.
    case names

    /// How these images have to be named.
    init(of images: [ImageID]) {
        self = images.contains(where: \.isText) ? .names : .numbers
    }

    /// How a shard's file names its images.
    init(of file: SafetensorsFile) {
        self = file.tensors.contains { $0.name == Self.nameTensor } ? .names : .numbers
    }

    private static let numberTensor = "image_id"
    private static let nameTensor = "image_name"
    private static let nameOffsetTensor = "image_name_offset"

    /// The format of such shards, and of stores that have one.
    ///
    /// - Parameter isLabelled: Whether they say what regions are thought to be.
    func format(isLabelled: Bool) -> String {
        if isLabelled { return FeatureStoreIndex.formats[2] }
        return switch self {
        case .numbers: FeatureStoreIndex.formats[0]
        case .names: FeatureStoreIndex.formats[1]
        }
    }

    /// A shard's tensors in the order in which the checksum goes over them.
    var checkedTensorNames: [String] {
        let images =
            switch self {
            case .numbers: [Self.numberTensor]
            case .names: [Self.nameTensor, Self.nameOffsetTensor]
            }
        return ["features", "boxes"] + images + ["offset", "size"]
    }

    /// The tensors that say which images these are.
    ///
    /// - Throws: `TorchError` where memory is short.
    func tensors(of images: [ImageID]) throws -> [String: Tensor] {
        switch self {
        case .numbers: return [Self.numberTensor: try Tensor(images.map(\.rawValue))]
        case .names:
            var names: [UInt8] = []
            var offsets: [Int64] = [0]
            for image in images {
                names += image.description.utf8
                offsets.append(Int64(names.count))
            }
            return [Self.nameTensor: try Tensor(names), Self.nameOffsetTensor: try Tensor(offsets)]
        }
    }

    /// The images of a shard.
    ///
    /// - Throws: `FeatureStoreError` or `SafetensorsError` where they are not named as docs/formats.md says.
    func imageIDs(_ checked: CheckedTensors) throws -> [ImageID] {
        switch self {
        case .numbers:
            let count = try checked.count(of: Self.numberTensor)
            let images = try checked(Self.numberTensor, of: Int64.self, [count]).map(ImageID.init(rawValue:))
            guard let wrong = images.first(where: \.isText) else { return images }
            throw checked.failure("numbers from \(IdentifierPool.firstNumber) on", wrong.rawValue.description)
        case .names:
            let names = UnsafeRawBufferPointer(
                try checked(Self.nameTensor, of: UInt8.self, [checked.count(of: Self.nameTensor)]))
            let offsets = try checked(
                Self.nameOffsetTensor, of: Int64.self, [checked.count(of: Self.nameOffsetTensor)])
            guard offsets.first == 0, offsets.last == Int64(names.count),
                zip(offsets, offsets.dropFirst()).allSatisfy({ $0 < $1 })
            else {
                throw checked.failure(
                    "'\(Self.nameOffsetTensor)' to rise from 0 to \(names.count) with every image",
                    "other numbers")
            }
            for (start, end) in zip(offsets, offsets.dropFirst()) {
                let name = names[Int(start)..<Int(end)]
                guard String(validating: name, as: UTF8.self) != nil else {
                    throw checked.failure("names in UTF-8", "'\(String(decoding: name, as: UTF8.self))'")
                }
            }
            return IdentifierPool.shared.rawValues(of: names, offsets: offsets).map(ImageID.init(rawValue:))
        }
    }
}

/// Lends a shard's tensors once their types, shapes and places are known to be right.
struct CheckedTensors {
    let file: SafetensorsFile

    func callAsFunction<Element: TensorElement>(
        _ name: String, of type: Element.Type, _ shape: [Int]
    ) throws -> UnsafeBufferPointer<Element> {
        let info = try file.info(of: name)
        guard info.dtype == Element.dtype, info.shape == shape else {
            throw FeatureStoreError(
                path: file.path, expected: "'\(name)' of \(Element.dtype) \(shape)",
                found: "\(info.dtype) \(info.shape)")
        }
        let bytes = try file.bytes(of: name)
        guard Int(bitPattern: bytes.baseAddress).isMultiple(of: MemoryLayout<Element>.alignment) else {
            throw FeatureStoreError(
                path: file.path, expected: "'\(name)' at a multiple of its elements' size",
                found: "another place")
        }
        return bytes.assumingMemoryBound(to: Element.self)
    }

    /// How many elements a tensor of one axis has.
    ///
    /// - Throws: `FeatureStoreError` where it has more axes or none.
    func count(of name: String) throws -> Int {
        let shape = try file.info(of: name).shape
        guard shape.count == 1, let count = shape.first else {
            throw failure("'\(name)' to have one axis", "\(shape)")
        }
        return count
    }

    /// What is wrong with the shard.
    func failure(_ expected: String, _ found: String) -> FeatureStoreError {
        FeatureStoreError(path: file.path, expected: expected, found: found)
    }
}
