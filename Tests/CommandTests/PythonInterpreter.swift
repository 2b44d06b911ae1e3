import Foundation

/// A Python for tests that hold ours against Python's packages.
enum PythonInterpreter {
    /// The one that RWSAN_PYTHON names, else `python3`; nil where it lacks one of the packages.
    static func having(_ packages: String) -> String? {
        let python = ProcessInfo.processInfo.environment["RWSAN_PYTHON"] ?? "python3"
        let check = Process()
        check.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        check.arguments = [python, "-c", "import " + packages]
        check.standardError = FileHandle.nullDevice
        guard (try? check.run()) != nil else { return nil }
        check.waitUntilExit()
        return check.terminationStatus == 0 ? python : nil
    }
}
