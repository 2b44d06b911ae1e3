import Torch

/// What the regions of a shard are thought to be: ids and confidences of a row each, of objects and of attributes.
///
/// A shard has the columns only where one of its images has them; -1 stands for nothing known.
struct ShardLabels {
    private var objects = Column(names: RegionLabels.objectArrays)
    private var attributes = Column(names: RegionLabels.attributeArrays)

    /// No label yet.
    init() {}

    /// Whether nothing is known of any region.
    var isEmpty: Bool { objects.ids.isEmpty && attributes.ids.isEmpty }

    /// Adds an image's rows.
    mutating func append(_ labels: RegionLabels?, count: Int) {
        objects.append(labels?.objects, count: count)
        attributes.append(labels?.attributes, count: count)
    }

    /// Makes room for other images.
    mutating func removeAll() {
        objects.removeAll()
        attributes.removeAll()
    }

    /// The tensors by name; none where nothing is known.
    ///
    /// - Throws: `TorchError` where memory is short.
    func tensors() throws -> [String: Tensor] { try objects.tensors().merging(attributes.tensors()) { $1 } }

    /// The names of those, in the order in which the checksum goes over them.
    var checkedTensorNames: [String] { objects.checkedTensorNames + attributes.checkedTensorNames }

    private struct Column {
        let names: (id: String, confidence: String)
        private(set) var ids: [Int32] = []
        private(set) var confidences: [Float] = []
        /// How many rows there are, of which nothing may be known.
        private var rowCount = 0

        init(names: (id: String, confidence: String)) { self.names = names }

        mutating func append(_ guesses: RegionLabels.Guesses?, count: Int) {
            if let guesses, !guesses.ids.isEmpty {
                fill()
                ids += guesses.ids
                confidences += guesses.confidences
            }
            rowCount += count
            if !ids.isEmpty { fill() }
        }

        /// Says of all rows so far that nothing is known, where nothing is said.
        private mutating func fill() {
            let missing = rowCount - ids.count
            guard missing > 0 else { return }
            ids += [Int32](repeating: StoredLabels.unknown, count: missing)
            confidences += [Float](repeating: 0, count: missing)
        }

        mutating func removeAll() {
            ids.removeAll(keepingCapacity: true)
            confidences.removeAll(keepingCapacity: true)
            rowCount = 0
        }

        func tensors() throws -> [String: Tensor] {
            guard !ids.isEmpty else { return [:] }
            return [names.id: try Tensor(ids), names.confidence: try Tensor(confidences)]
        }

        var checkedTensorNames: [String] { ids.isEmpty ? [] : [names.id, names.confidence] }
    }
}

/// Where a shard's file has labels, whose types and shapes have been checked.
struct StoredLabels: Sendable {
    /// In place of an id: nothing is known of the region.
    static let unknown: Int32 = -1

    /// Whether there are any.
    let areThere: Bool
    /// Whether there are any of attributes.
    let haveAttributes: Bool

    /// - Throws: `FeatureStoreError` where they are not as docs/formats.md says.
    init(_ checked: CheckedTensors, rowCount: Int) throws {
        let present = Set(checked.file.tensors.map(\.name))
        func has(_ names: (id: String, confidence: String)) throws -> Bool {
            guard present.contains(names.id) || present.contains(names.confidence) else { return false }
            _ = try checked(names.id, of: Int32.self, [rowCount])
            _ = try checked(names.confidence, of: Float.self, [rowCount])
            return true
        }
        areThere = try has(RegionLabels.objectArrays)
        haveAttributes = try has(RegionLabels.attributeArrays)
        guard areThere || !haveAttributes else {
            throw checked.failure("'\(RegionLabels.objectArrays.0)' beside attributes", "none")
        }
    }

    /// The names of the tensors, in the order in which the checksum goes over them.
    var checkedTensorNames: [String] {
        (areThere ? [RegionLabels.objectArrays.0, RegionLabels.objectArrays.1] : [])
            + (haveAttributes ? [RegionLabels.attributeArrays.0, RegionLabels.attributeArrays.1] : [])
    }

    /// Reads the labels of consecutive rows; nil where nothing is known of them.
    ///
    /// - Throws: `FileAccessError` where they cannot be read, `FeatureStoreError` where they are none.
    func read(_ rows: Range<Int>, from file: SafetensorsFile) throws -> RegionLabels? {
        guard areThere, let objects = try guesses(RegionLabels.objectArrays, rows, file) else { return nil }
        let attributes = haveAttributes ? try guesses(RegionLabels.attributeArrays, rows, file) : nil
        return RegionLabels(objects: objects, attributes: attributes)
    }

    private func guesses(
        _ names: (id: String, confidence: String), _ rows: Range<Int>, _ file: SafetensorsFile
    ) throws -> RegionLabels.Guesses? {
        let ids = try Self.read(names.id, rows, as: Int32.self, file)
        if ids.allSatisfy({ $0 == Self.unknown }) { return nil }
        let confidences = try Self.read(names.confidence, rows, as: Float.self, file)
        guard let guesses = RegionLabels.Guesses(ids: ids, confidences: confidences) else {
            throw FeatureStoreError(
                path: file.path,
                expected: "ids from 0 and finite confidences in '\(names.id)', or -1 for all of an image",
                found: "other numbers")
        }
        return guesses
    }

    private static func read<Element: BitwiseCopyable>(
        _ name: String, _ rows: Range<Int>, as type: Element.Type, _ file: SafetensorsFile
    ) throws -> [Element] {
        let size = MemoryLayout<Element>.size
        return try [Element](unsafeUninitializedCapacity: rows.count) { buffer, count in
            let place = UnsafeMutableBufferPointer(rebasing: buffer[..<rows.count])
            try file.read(name, at: rows.lowerBound * size, into: UnsafeMutableRawBufferPointer(place))
            count = rows.count
        }
    }
}
