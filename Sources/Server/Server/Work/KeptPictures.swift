import Synchronization
import VisualQuestionAnswering

/// What is known of an image that was sent: its regions, and what they are thought to be.
struct KeptPicture: Sendable {
    /// What tells it from others: a checksum of the bytes that were sent, in hexadecimal digits.
    let id: String
    /// The regions that the model looks at.
    let regions: RegionFeatures
    /// What each region is thought to be; nil where nothing is known of it.
    let names: [RegionName]?

    /// About how much memory it takes.
    var byteCount: Int {
        4 * (regions.features.count + regions.boxes.count) + 200 * (names?.count ?? 0) + 500
    }
}

/// What a region is thought to be.
struct RegionName: Sendable, Equatable, Encodable {
    let object: String
    let confidence: Float
    let attribute: String?
    let attributeConfidence: Float?

    /// The names of the first regions.
    ///
    /// - Parameters:
    ///   - objects: What the objects are called; nil, as where one has no name, gives their numbers.
    ///   - attributes: The same of attributes.
    static func all(_ labels: RegionLabels, count: Int, objects: [String]?, attributes: [String]?)
        -> [RegionName]
    {
        func name(_ id: Int32, of names: [String]?, _ kind: String) -> String {
            names.flatMap { $0.indices.contains(Int(id)) ? $0[Int(id)] : nil } ?? "\(kind) \(id)"
        }
        return (0..<min(count, labels.objects.ids.count)).map { index in
            RegionName(
                object: name(labels.objects.ids[index], of: objects, "object"),
                confidence: labels.objects.confidences[index],
                attribute: labels.attributes.map { name($0.ids[index], of: attributes, "attribute") },
                attributeConfidence: labels.attributes.map { $0.confidences[index] })
        }
    }
}

/// The images that were sent last, as many as their memory allows; those that were asked about longest ago go first.
final class KeptPictures: Sendable {
    private struct Entry {
        let picture: KeptPicture
        var lastUse: UInt64
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var byteCount = 0
        var uses: UInt64 = 0
    }

    /// How many bytes they may take.
    let byteLimit: Int
    private let state = Mutex(State())

    init(byteLimit: Int) { self.byteLimit = byteLimit }

    /// How many images there are, and how many bytes they take.
    var size: (count: Int, byteCount: Int) { state.withLock { ($0.entries.count, $0.byteCount) } }

    /// The image of an id, which is then the last that was used; nil where it is not there, or not any more.
    subscript(id: String) -> KeptPicture? {
        state.withLock { state in
            state.uses += 1
            state.entries[id]?.lastUse = state.uses
            return state.entries[id]?.picture
        }
    }

    /// Keeps an image. One that takes more than all of them may is not kept.
    func keep(_ picture: KeptPicture) {
        guard picture.byteCount <= byteLimit else { return }
        state.withLock { state in
            state.uses += 1
            if let earlier = state.entries.updateValue(
                Entry(picture: picture, lastUse: state.uses), forKey: picture.id)
            {
                state.byteCount -= earlier.picture.byteCount
            }
            state.byteCount += picture.byteCount
            while state.byteCount > byteLimit,
                let oldest = state.entries.min(by: { $0.value.lastUse < $1.value.lastUse })
            {
                state.entries[oldest.key] = nil
                state.byteCount -= oldest.value.picture.byteCount
            }
        }
    }
}
