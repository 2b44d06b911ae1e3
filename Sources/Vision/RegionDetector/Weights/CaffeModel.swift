import Torch

/// The layers of a network as Caffe writes them, a `NetParameter` in protobuf: only their names and numbers.
///
/// Of protobuf's messages only four are gone into, one within the other, so that none can be nested any deeper. Source:
/// https://github.com/BVLC/caffe/blob/master/src/caffe/proto/caffe.proto
struct CaffeModel {
    typealias Problem = DetectorWeightsError.Problem

    /// The arrays of numbers of each layer that was asked for and has some.
    private(set) var layers: [String: [CaffeBlob]] = [:]
    /// The first names of layers that were not asked for.
    private(set) var otherNames: [String] = []
    /// How many layers there are.
    private(set) var layerCount = 0

    /// No layer of a network that is read has more.
    private static let mostBlobs = 8

    /// Reads a network; what is wrong with it, if anything, is returned, since that counts only where it is one.
    ///
    /// - Parameters:
    ///   - bytes: must stay valid while the numbers are used.
    ///   - isWanted: Whether a layer of this name is asked for.
    static func read(
        _ bytes: UnsafeRawBufferPointer, isWanted: (String) -> Bool
    ) -> (model: CaffeModel, problem: Problem?) {
        var model = CaffeModel()
        do throws(Problem) {
            var message = ProtobufMessage(bytes)
            while let (number, value) = try message.nextField() {
                switch (number, value) {
                case (100, .bytes(let layer)): try model.add(layer, nameField: 1, blobField: 7, isWanted)
                // As networks were written before 2014.
                case (2, .bytes(let layer)): try model.add(layer, nameField: 4, blobField: 6, isWanted)
                default: break
                }
            }
            return (model, nil)
        } catch {
            return (model, error)
        }
    }

    private mutating func add(
        _ layer: UnsafeRawBufferPointer, nameField: UInt64, blobField: UInt64, _ isWanted: (String) -> Bool
    ) throws(Problem) {
        layerCount += 1
        var name = ""
        var blobs: [UnsafeRawBufferPointer] = []
        var blobCount = 0
        var message = ProtobufMessage(layer)
        while let (number, value) = try message.nextField() {
            guard case .bytes(let bytes) = value else { continue }
            if number == nameField { name = String(decoding: bytes.prefix(256), as: UTF8.self) }
            guard number == blobField else { continue }
            blobCount += 1
            if blobCount <= Self.mostBlobs { blobs.append(bytes) }
        }
        guard isWanted(name) else {
            if otherNames.count < 3, !name.isEmpty { otherNames.append(name) }
            return
        }
        guard blobCount > 0 else { return }
        guard blobCount <= Self.mostBlobs else {
            throw .damaged(reason: "layer \(name.quoted) has \(blobCount) arrays of numbers")
        }
        guard layers[name] == nil else { throw .damaged(reason: "two layers are named \(name.quoted)") }
        var read: [CaffeBlob] = []
        for blob in blobs { read.append(try CaffeBlob(blob)) }
        layers[name] = read
    }
}

/// An array of numbers, a `BlobProto`.
struct CaffeBlob {
    typealias Problem = DetectorWeightsError.Problem

    /// The sizes of its axes as the file has them; four in the old form, with ones in front.
    private(set) var shape: [Int] = []
    /// The numbers, little-endian, in parts that lie in the file.
    private var packed: [UnsafeRawBufferPointer] = []
    /// Numbers that were not packed together, as old files have them.
    private var single: [UInt8] = []
    private var dtype = DType.float32
    private var oldShape: [Int?] = [nil, nil, nil, nil]

    /// Caffe's own limit.
    private static let mostAxes = 32
    /// Writers put all numbers of an array into one part.
    private static let mostParts = 1024

    /// - Parameter bytes: must stay valid while the numbers are used.
    /// - Throws: `damaged`.
    init(_ bytes: UnsafeRawBufferPointer) throws(Problem) {
        var message = ProtobufMessage(bytes)
        while let (number, value) = try message.nextField() {
            switch (number, value) {
            case (7, .bytes(let sizes)): try readShape(sizes)
            case (5, .bytes(let part)): try add(part)
            case (5, .fixed32(let bits)): withUnsafeBytes(of: bits.littleEndian) { single += $0 }
            case (8, .bytes(let part)):
                dtype = .float64
                try add(part)
            case (8, .fixed64(let bits)):
                dtype = .float64
                withUnsafeBytes(of: bits.littleEndian) { single += $0 }
            case (1...4, .integer(let size)): oldShape[Int(clamping: number) - 1] = try Self.size(size)
            default: break
            }
        }
        if shape.isEmpty, oldShape.contains(where: { $0 != nil }) { shape = oldShape.map { $0 ?? 1 } }
    }

    private mutating func readShape(_ bytes: UnsafeRawBufferPointer) throws(Problem) {
        var message = ProtobufMessage(bytes)
        while let (number, value) = try message.nextField() {
            guard number == 1 else { continue }
            var sizes: [UInt64] = []
            if case .bytes(let packed) = value {
                sizes = try ProtobufMessage.integers(in: packed, limit: Self.mostAxes)
            } else if case .integer(let size) = value {
                sizes = [size]
            }
            for size in sizes { shape.append(try Self.size(size)) }
            guard shape.count <= Self.mostAxes else {
                throw .damaged(reason: "an array of numbers has more than \(Self.mostAxes) axes")
            }
        }
    }

    private static func size(_ size: UInt64) throws(Problem) -> Int {
        guard let size = Int(exactly: size) else { throw .damaged(reason: "an array has a negative size") }
        return size
    }

    private mutating func add(_ part: UnsafeRawBufferPointer) throws(Problem) {
        guard packed.count < Self.mostParts else {
            throw .damaged(reason: "an array of numbers comes in more than \(Self.mostParts) parts")
        }
        packed.append(part)
    }

    /// The numbers as a tensor of so many axes, in single precision.
    ///
    /// - Parameter rank: Ones in front of as many sizes are dropped.
    /// - Throws: `damaged` where there are more or fewer numbers than the sizes say, or more axes; `TorchError`.
    func tensor(rank: Int) throws -> Tensor {
        var sizes = shape[...]
        while sizes.count > rank, sizes.first == 1 { sizes = sizes.dropFirst() }
        guard sizes.count == rank else {
            throw Problem.damaged(reason: "an array of \(rank) axes was expected, found the sizes \(shape)")
        }
        let byteCount = packed.reduce(single.count) { $0 + $1.count }
        guard dtype.byteCount(ofShape: Array(sizes)) == byteCount else {
            throw Problem.damaged(
                reason: "an array with the sizes \(shape) has \(byteCount) bytes of numbers")
        }
        if packed.count == 1, single.isEmpty {
            return try Tensor(bytes: packed[0], shape: Array(sizes), dtype: dtype).converted(to: .float32)
        }
        let numbers = packed.reduce(into: single) { $0 += $1 }
        return try numbers.withUnsafeBytes {
            try Tensor(bytes: $0, shape: Array(sizes), dtype: dtype).converted(to: .float32)
        }
    }

    /// The one number of an array that has one, whatever its axes.
    func number() throws -> Double {
        var scalar = self
        scalar.shape = []
        return try scalar.tensor(rank: 0).item()
    }
}
