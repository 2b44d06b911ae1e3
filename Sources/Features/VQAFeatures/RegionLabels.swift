/// What the regions of an image are thought to be.
public struct RegionLabels: Sendable, Equatable {
    /// For each region, in their order, the most probable of some names.
    public struct Guesses: Sendable, Equatable {
        /// 0 is the first name.
        public let ids: [Int32]
        /// How sure the guesses are, 0 to 1.
        public let confidences: [Float]

        /// Nil where there are more of one than of the other, an id is below 0, or a confidence is no finite number.
        public init?(ids: [Int32], confidences: [Float]) {
            guard ids.count == confidences.count, ids.allSatisfy({ $0 >= 0 }),
                confidences.allSatisfy(\.isFinite)
            else { return nil }
            self.ids = ids
            self.confidences = confidences
        }
    }

    /// What the regions show.
    public let objects: Guesses
    /// What that is like; nil where nothing is known of it.
    public let attributes: Guesses?

    /// Nil where objects and attributes are not of as many regions.
    public init?(objects: Guesses, attributes: Guesses?) {
        guard attributes.map({ $0.ids.count == objects.ids.count }) ?? true else { return nil }
        self.objects = objects
        self.attributes = attributes
    }
}

/// The regions of an image and, where it is known, what they are thought to be.
package struct LabelledRegions: Sendable {
    /// The regions.
    package let regions: RegionFeatures
    /// What they are thought to be.
    package var labels: RegionLabels?

    /// - Parameters: as the properties.
    package init(regions: RegionFeatures, labels: RegionLabels? = nil) {
        self.regions = regions
        self.labels = labels
    }

    /// Reads a file of the official release's form, and what it has beside that.
    ///
    /// - Throws: `ArchiveError` or `NPZError` where the file is missing, damaged, or of another form.
    package init(officialFile path: String) throws { try self.init(of: NPZFile(path: path)) }

    /// Reads the official release's form, and what it has beside that, of a file that is in memory.
    ///
    /// - Parameter name: What to call it in an error.
    /// - Throws: As `RegionFeatures(officialFile:)`.
    package init(officialBytes bytes: [UInt8], named name: String) throws {
        try self.init(of: NPZFile(bytes: bytes, name: name))
    }

    /// Reads the official release's form, and what it has beside that.
    ///
    /// - Throws: As `RegionFeatures(official:)` and `RegionLabels(of:count:)`.
    init(of file: NPZFile) throws {
        regions = try RegionFeatures(official: file)
        labels = try RegionLabels(of: file, count: regions.count)
    }
}

// MARK: - Arrays beside those of the official release

extension RegionLabels {
    /// The names of the arrays: ids and confidences.
    static let objectArrays = ("objects_id", "objects_conf")
    static let attributeArrays = ("attrs_id", "attrs_conf")

    /// Reads what an official file has beside features, where that is `objects_id` and `objects_conf` [n] as whole numbers
    /// and floats; `attrs_id` and `attrs_conf` likewise. Nil where it has none: arrays of other forms are passed over.
    ///
    /// - Throws: `ArchiveError` or `NPZError` where the file is missing or damaged.
    public init?(officialFile path: String) throws {
        let file = try NPZFile(path: path)
        try self.init(of: file, count: RegionFeatures(official: file).count)
    }

    /// - Throws: `ArchiveError` where an array is damaged.
    init?(of file: NPZFile, count: Int) throws {
        guard let objects = try Guesses(Self.objectArrays, of: file, count: count) else { return nil }
        self.init(objects: objects, attributes: try Guesses(Self.attributeArrays, of: file, count: count))
    }

    /// The arrays of a file, by name.
    ///
    /// - Throws: `NPYFormatError` where memory is short.
    var arrays: KeyValuePairs<String, NPYArray> {
        get throws {
            let (id, confidence) = Self.objectArrays
            guard let attributes else {
                return try [id: objects.idArray, confidence: objects.confidenceArray]
            }
            let (attributeID, attributeConfidence) = Self.attributeArrays
            return try [
                id: objects.idArray, confidence: objects.confidenceArray, attributeID: attributes.idArray,
                attributeConfidence: attributes.confidenceArray,
            ]
        }
    }
}

extension RegionLabels.Guesses {
    /// Nil where the file has none of this form.
    fileprivate init?(_ names: (id: String, confidence: String), of file: NPZFile, count: Int) throws {
        func array(_ name: String) throws -> NPYArray? {
            do { return try file.array(name) } catch is NPZError { return nil }
        }
        guard let id = try array(names.id), let confidence = try array(names.confidence),
            id.shape == [count], confidence.shape == [count], confidence.integers() == nil,
            let integers = id.integers()
        else { return nil }
        let ids = integers.compactMap(Int32.init(exactly:))
        self.init(ids: ids, confidences: confidence.floats())
    }

    fileprivate var idArray: NPYArray {
        get throws { try NPYArray(ids.map(Int64.init), shape: [ids.count]) }
    }

    fileprivate var confidenceArray: NPYArray {
        get throws { try NPYArray(confidences, shape: [confidences.count]) }
    }
}
