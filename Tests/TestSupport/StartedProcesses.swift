import FileSystem
import Foundation
import Testing

/// Processes of the tests' own program that `mpirun` starts, each of which does one test.
public enum StartedProcesses {
    private static let folderName = "RWSAN_TEST_RUN"

    /// In a started process, the folder that the test which has started it reads; nil in any other.
    public static let folder = ProcessInfo.processInfo.environment[folderName]
    /// Why a test that is for started processes is skipped.
    public static let areOthers: Comment = "started by other tests alone"

    /// Whether `mpirun` and the library that uses its MPI are there.
    public static let arePossible: Bool = {
        let environment = ProcessInfo.processInfo.environment
        let folders = (environment["PATH"] ?? "").split(separator: ":").map { "\($0)/mpirun" }
        return FileManager.default.fileExists(atPath: UserCache.folder(environment) + "/mpi/libCMPI.so")
            && folders.contains(where: FileManager.default.isExecutableFile)
    }()
    /// Why tests are skipped that need them.
    public static let areMissing: Comment = "needs mpirun, and the library that scripts/setup --mpi makes"

    /// Runs a test in several processes.
    ///
    /// - Parameters:
    ///   - count: How many processes.
    ///   - test: What the test is filtered by: `Suite.function`.
    ///   - folder: Made for the processes to write into.
    /// - Returns: The code that mpirun ends with, and what all have printed.
    public static func run(_ count: Int, _ test: String, in folder: URL) throws -> (code: Int32, text: String)
    {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments =
            ["\(folderName)=\(folder.path)", "OMP_NUM_THREADS=1", "mpirun", "--allow-run-as-root"]
            + ["--oversubscribe", "-np", "\(count)", "-x", folderName, program]
            + ["--testing-library", "swift-testing", "--filter", test]
        let output = Pipe()
        (process.standardOutput, process.standardError) = (output, output)
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, text)
    }
}
