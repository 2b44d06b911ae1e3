import Synchronization

/// The folder that a feature store was packed from, for the images that have come to it since.
///
/// The folder is listed when the store lacks an image, and not before: a whole store needs none.
package final class FolderBehindStore: FeatureSource {
    private let path: String
    private let store: String
    private let maximumRegions: Int
    private let onNotice: @Sendable (String) -> Void
    private let state = Mutex(State())

    private struct State {
        /// Nil before the first question.
        var listing: Result<FeatureFolder, any Error>?
        var hasToldUse = false
    }

    /// - Parameters:
    ///   - folder: The folder.
    ///   - store: The store beside it, for what is told.
    ///   - maximumRegions: Keep only the first regions of an image, this many.
    ///   - onNotice: Told once where an image is read from the folder.
    package init(
        folder: String, store: String, maximumRegions: Int, onNotice: @escaping @Sendable (String) -> Void
    ) {
        path = folder
        self.store = store
        self.maximumRegions = maximumRegions
        self.onNotice = onNotice
    }

    /// The folder, for errors; with the reason where it cannot be used.
    package var place: String {
        guard case .failure(let error)? = state.withLock({ $0.listing }) else { return path }
        return "\(path) (not to be read: \(error))"
    }

    /// Whether the folder has an image. One that cannot be listed has none: the store was enough so far.
    package func contains(_ image: ImageID) -> Bool {
        guard let folder = try? listing().get(), folder.contains(image) else { return false }
        let isFirst = state.withLock { state in
            defer { state.hasToldUse = true }
            return !state.hasToldUse
        }
        if isFirst {
            onNotice(
                "\(store) lacks images that \(path) has: they are read from there; packing it again includes them"
            )
        }
        return true
    }

    package func features(for image: ImageID) throws -> RegionFeatures {
        try listing().get().features(for: image)
    }

    package func regionCount(of image: ImageID) throws -> Int? {
        try listing().get().regionCount(of: image)
    }

    private func listing() -> Result<FeatureFolder, any Error> {
        state.withLock { state in
            if let listing = state.listing { return listing }
            let listing = Result {
                // Features of two kinds would go unnoticed until a model fails to learn.
                try FeatureNote.checkSame(in: path, as: store)
                return try FeatureFolder([path], maximumRegions: maximumRegions)
            }
            state.listing = listing
            return listing
        }
    }
}
