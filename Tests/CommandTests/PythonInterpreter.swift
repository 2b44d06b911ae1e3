import Foundation

/// A Python for tests that hold ours against Python's packages.
enum PythonInterpreter {
    /// The one that RWSAN_PYTHON names, else `python3`, else the one that scripts/test-python makes; nil where all of them
    /// lack one of the packages.
    static func having(_ packages: String) -> String? {
        let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        return [
            ProcessInfo.processInfo.environment["RWSAN_PYTHON"] ?? "python3",
            repository.appending(components: ".build", "test-python", "bin", "python3").path,
        ].first { has($0, packages) }
    }

    private static func has(_ python: String, _ packages: String) -> Bool {
        let check = Process()
        check.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        check.arguments = [python, "-c", "import " + packages]
        check.standardError = FileHandle.nullDevice
        guard (try? check.run()) != nil else { return false }
        check.waitUntilExit()
        return check.terminationStatus == 0
    }
}
