/// The sizes of a detector, read off the shapes of its weights.
///
/// They fit one another and every tensor, so that a network of these sizes takes the weights, and no more memory than
/// they do.
public struct DetectorShape: Equatable, Sendable {
    /// How many blocks the stages res2 to res5 have; of ResNet-101, 3, 4, 23 and 3.
    public let blocks: [Int]
    /// Channels after the first convolution; 64.
    public let stem: Int
    /// Channels within the blocks of res2; 64. Each later stage has twice those of the one before.
    public let width: Int
    /// Channels that come out of res2; 256. Each later stage has twice those of the one before.
    public let res2: Int
    /// Channels of the region proposals' own convolution; 512.
    public let rpn: Int
    /// Classes, of which the first is background; 1601.
    public let classes: Int
    /// Numbers that stand for a class where attributes are told; 256. 0 without attributes, as the two below.
    public let embed: Int
    /// Channels between a region's features and its attributes; 512.
    public let attributeHidden: Int
    /// Attributes, of which the first is none; 401.
    public let attributes: Int

    /// Whether there are weights that tell attributes.
    public var hasAttributes: Bool { attributes > 0 }
    /// How many numbers a region's features are; 2048.
    public var features: Int { res2 * 8 }

    static let mostBlocks = 256
    static let mostChannels = 1 << 16

    /// Reads sizes off the shapes of tensors by their final names, and checks each tensor that there has to be.
    ///
    /// - Throws: `missing`, `wrongShape` or `impossibleSize`.
    init(of shapes: [String: [Int]]) throws(DetectorWeightsError.Problem) {
        typealias Names = DetectorTensorNames
        let hasAttributes = Names.attributeHead.contains { shapes[$0] != nil }
        let sizes = SizeReader(shapes)
        try sizes.require(
            [
                Names.stem, Names.stages[0] + "0.conv1", Names.stages[0] + "0.conv3", Names.proposals,
                Names.classScores,
            ]
            .map { $0 + ".weight" } + (hasAttributes ? Names.attributeHead : []))
        stem = try sizes.size("channels after the first convolution", Names.stem)
        width = try sizes.size("channels within a block", Names.stages[0] + "0.conv1")
        res2 = try sizes.size("channels after a block", Names.stages[0] + "0.conv3")
        rpn = try sizes.size("channels of the region proposals", Names.proposals)
        classes = try sizes.size("classes", Names.classScores, atLeast: 2)
        embed = hasAttributes ? try sizes.size("numbers for a class", Names.classEmbedding, axis: 1) : 0
        attributeHidden =
            hasAttributes ? try sizes.size("channels before the attributes", Names.attributeHidden) : 0
        attributes = hasAttributes ? try sizes.size("attributes", Names.attributeScores, atLeast: 2) : 0
        var blocks: [Int] = []
        for stage in Names.stages { blocks.append(try sizes.blocks(of: stage)) }
        self.blocks = blocks

        let expected = tensors
        try sizes.require(expected.keys.sorted())
        for (name, shape) in expected.sorted(by: { $0.key < $1.key }) {
            guard let found = shapes[name], found != shape else { continue }
            throw .wrongShape(name: name, expected: shape, found: found)
        }
    }

    /// The shape of every parameter and statistic of such a network, by name.
    public var tensors: [String: [Int]] {
        typealias Names = DetectorTensorNames
        var tensors: [String: [Int]] = [:]
        func add(_ name: String, _ shape: [Int], biased: Bool = true) {
            tensors[name + ".weight"] = shape
            if biased { tensors[name + ".bias"] = [shape[0]] }
        }
        func addNormalized(_ name: String, _ shape: [Int]) {
            add(name, shape, biased: false)
            for part in ["weight", "bias", "running_mean", "running_var"] {
                tensors["\(name).norm.\(part)"] = [shape[0]]
            }
        }
        addNormalized(Names.stem, [stem, 3, 7, 7])
        var input = stem
        for (stage, prefix) in Names.stages.enumerated() {
            let (middle, output) = (width << stage, res2 << stage)
            for block in 0..<blocks[stage] {
                addNormalized("\(prefix)\(block).conv1", [middle, input, 1, 1])
                addNormalized("\(prefix)\(block).conv2", [middle, middle, 3, 3])
                addNormalized("\(prefix)\(block).conv3", [output, middle, 1, 1])
                if block == 0 { addNormalized("\(prefix)0.shortcut", [output, input, 1, 1]) }
                input = output
            }
        }
        let anchors = Anchors.ofFirstCell.count
        add(Names.proposals, [rpn, res2 * 4, 3, 3])
        add(Names.objectness, [2 * anchors, rpn, 1, 1])
        add(Names.deltas, [4 * anchors, rpn, 1, 1])
        add(Names.classScores, [classes, features])
        if hasAttributes {
            add(Names.classEmbedding, [classes, embed], biased: false)
            add(Names.attributeHidden, [attributeHidden, features + embed])
            add(Names.attributeScores, [attributes, attributeHidden])
        }
        return tensors
    }
}

/// Reads single sizes off the shapes of tensors.
private struct SizeReader {
    typealias Problem = DetectorWeightsError.Problem
    private let shapes: [String: [Int]]

    init(_ shapes: [String: [Int]]) { self.shapes = shapes }

    func require(_ names: [String]) throws(Problem) {
        let missing = names.filter { shapes[$0] == nil }
        guard missing.isEmpty else { throw .missing(names: missing) }
    }

    /// A size of the weight of a layer.
    func size(
        _ what: String, _ layer: String, axis: Int = 0, atLeast least: Int = 1
    ) throws(Problem) -> Int {
        let shape = shapes[layer + ".weight"] ?? []
        let size = axis < shape.count ? shape[axis] : 0
        let possible = least...DetectorShape.mostChannels
        guard possible.contains(size) else {
            throw .impossibleSize(what: what, expected: possible, found: size)
        }
        return size
    }

    /// How many blocks of a stage there are: one more than there would be is missed later on.
    func blocks(of stage: String) throws(Problem) -> Int {
        var numbers: Set<Substring> = []
        for name in shapes.keys where name.hasPrefix(stage) {
            numbers.insert(name.dropFirst(stage.count).prefix { $0 != "." })
        }
        let possible = 0...DetectorShape.mostBlocks
        guard possible.contains(numbers.count) else {
            throw .impossibleSize(what: "blocks of a stage", expected: possible, found: numbers.count)
        }
        return max(numbers.count, 1)
    }
}
