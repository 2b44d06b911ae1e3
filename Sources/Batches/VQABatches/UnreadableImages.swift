import Synchronization
import VQAFeatures

/// Images whose features could not be read, noted by the threads that make batches: questions about them are left out.
package final class UnreadableImages: Sendable {
    private let reasons = Mutex<[ImageID: String]>([:])

    /// None so far.
    package init() {}

    /// The images so far, in ascending order, and why each could not be read.
    package var all: [(image: ImageID, reason: String)] {
        reasons.withLock { $0 }.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// The images so far.
    package var images: Set<ImageID> { reasons.withLock { Set($0.keys) } }

    /// Whether an image is among them.
    package func contains(_ image: ImageID) -> Bool { reasons.withLock { $0[image] != nil } }

    func note(_ image: ImageID, _ error: any Error) { note(image, reason: "\(error)") }

    /// Notes an image that somebody else could not read.
    package func note(_ image: ImageID, reason: String) { reasons.withLock { $0[image] = reason } }
}
