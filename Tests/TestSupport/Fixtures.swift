import Foundation

/// The files of `Tests/Fixtures`.
public enum Fixtures {
    /// The folder of all fixtures: in the clone that the tests were built in, or where they run without it (`scripts/gpu-check`),
    /// the one that `RWSAN_FIXTURES` names.
    public static let root =
        ProcessInfo.processInfo.environment["RWSAN_FIXTURES"].map { URL(fileURLWithPath: $0) }
        ?? URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(component: "Fixtures")

    /// A file or folder below it.
    public static func url(_ path: String) -> URL { root.appending(path: path) }
}
