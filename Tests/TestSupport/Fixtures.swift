import Foundation

/// The files of `Tests/Fixtures`.
public enum Fixtures {
    /// The folder of all fixtures.
    public static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(component: "Fixtures")

    /// A file or folder below it.
    public static func url(_ path: String) -> URL { root.appending(path: path) }
}
