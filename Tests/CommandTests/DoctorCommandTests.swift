import FileSystem
import Foundation
import TestSupport
import Testing
import Workers

/// What `rwsan doctor` says of the machine and of what a process of it is given.
@Suite struct DoctorCommandTests {
    private static let checks = [
        "libtorch", "processor", "threads", "memory", "working folder", "cache", "hub's cache", "TMPDIR",
        "CUDA", "MPI",
        "clock",
    ]

    /// A line for people.
    private struct Line {
        let state: String
        let text: Substring

        init?(_ check: String, in output: String) {
            let lines = output.split(separator: "\n")
            guard let line = lines.first(where: { $0.dropFirst(7).hasPrefix(check + " ") }) else {
                return nil
            }
            state = line.prefix { $0 != " " }.description
            text = line.dropFirst(7 + 18)
        }
    }

    private let tool: CommandLineTool

    init() throws { tool = try CommandLineTool() }

    /// Runs it in `sh`, where `"$@"` stands for it.
    private func doctor(_ shell: String = "exec \"$@\"", _ options: String...) throws
        -> CommandLineTool.Outcome
    {
        try tool.run(in: shell, ["doctor"] + options)
    }

    /// The line of a check, of a run where nothing is wrong.
    private func line(
        _ check: String, _ shell: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Line {
        let outcome = try doctor(shell)
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput), sourceLocation: sourceLocation)
        return try #require(
            Line(check, in: outcome.output), Comment(rawValue: outcome.output), sourceLocation: sourceLocation
        )
    }

    /// Holds that a check finds what a run would fail at, and that the error names it.
    private func expectWrong(
        _ check: String, _ shell: String, naming names: String...,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let outcome = try doctor(shell)
        #expect(outcome.exitCode == 1, Comment(rawValue: outcome.output), sourceLocation: sourceLocation)
        #expect(
            outcome.lastErrorLine.hasPrefix("rwsan: error: a run would fail: \(check);"),
            Comment(rawValue: outcome.errorOutput), sourceLocation: sourceLocation)
        let line = try #require(Line(check, in: outcome.output), sourceLocation: sourceLocation)
        #expect(line.state == "wrong" && line.text.contains(" → "), sourceLocation: sourceLocation)
        for name in names {
            #expect(line.text.contains(name), "\(line.text)", sourceLocation: sourceLocation)
        }
    }

    @Test("a line a check says how it stands and what was found, and without a GPU nothing is wrong")
    func plain() throws {
        let outcome = try doctor()
        #expect(outcome.exitCode == 0 && outcome.errorOutput.isEmpty, Comment(rawValue: outcome.errorOutput))
        #expect(outcome.output.split(separator: "\n").count == Self.checks.count)
        for check in Self.checks {
            let line = try #require(Line(check, in: outcome.output), "\(check)")
            #expect(["ok", "note"].contains(line.state), "\(line.text)")
            #expect((line.state == "note") == line.text.contains(" → "), "\(line.text)")
        }
        let libtorch = try #require(Line("libtorch", in: outcome.output))
        #expect(libtorch.state == "ok" && libtorch.text.hasPrefix("2.11.0, /"))
        #expect(libtorch.text.hasSuffix("/torch/lib/libtorch_cpu.so"))
        if !GPU.isThere {
            #expect(try #require(Line("CUDA", in: outcome.output)).text.contains("the CPU computes"))
        }
    }

    @Test("--json has the same for programs, and the same code")
    func json() throws {
        let outcome = try doctor("exec \"$@\"", "--json")
        #expect(outcome.exitCode == 0)
        let report = try outcome.output.json()
        let checks = try #require(report["checks"] as? [[String: String]])
        #expect(checks.compactMap { $0["check"] } == Self.checks)
        for check in checks {
            #expect(check["found"]?.isEmpty == false)
            #expect((check["state"] == "ok") == (check["advice"] == nil), "\(check)")
        }
        let wrong = try doctor("cd /proc && exec \"$@\"", "--json")
        #expect(wrong.exitCode == 1)
        let found = try #require(try wrong.output.json()["checks"] as? [[String: String]])
        #expect(found.filter { $0["state"] == "wrong" }.compactMap { $0["check"] } == ["working folder"])
    }

    // MARK: - Memory and folders

    @Test("a limit on addresses is told with what is left of it")
    func addresses() throws {
        let line = try line("memory", "ulimit -v 2500000 && exec \"$@\"")
        #expect(line.state == "note", "\(line.text)")
        #expect(line.text.contains("left of the 2.6 GB of addresses that ulimit -v gives"), "\(line.text)")
    }

    @Test("a working folder that takes no files is wrong, and so is one with room for no checkpoint")
    func workingFolder() throws {
        try expectWrong("working folder", "cd /proc && exec \"$@\"", naming: "/proc: cannot be written: ")
        try expectWrong("working folder", "ulimit -f 2000 && exec \"$@\"", naming: "room for 1.0 MB")
    }

    @Test("caches that take no files are no failure, and are told with the variable that names others")
    func caches() throws {
        let shell = "RWSAN_CACHE=/proc/no/where HF_HOME=/proc/none TMPDIR=/proc exec \"$@\""
        for (check, path, advice) in [
            ("cache", "/proc/no/where", "RWSAN_CACHE=FOLDER"),
            ("hub's cache", "/proc/none/hub", "HF_HOME=FOLDER"),
            ("TMPDIR", "/proc", "TMPDIR=FOLDER"),
        ] {
            let line = try line(check, shell)
            #expect(
                line.state == "note" && line.text.hasPrefix("\(path): cannot be written: "), "\(line.text)")
            #expect(line.text.contains(" → \(advice)"), "\(line.text)")
        }
    }

    @Test("it leaves nothing behind in the folders that it tries, and makes none")
    func leavesNothing() throws {
        _ = try line("cache", "HF_HOME=\"$PWD/hub\" TMPDIR=\"$PWD\" exec \"$@\"")
        #expect(try tool.folder.names().isEmpty)
    }

    @Test("without HOME, caches lie in the home that the system has for the user")
    func withoutHome() throws {
        let line = try line("cache", "exec env -u HOME -u RWSAN_CACHE -u XDG_CACHE_HOME \"$@\"")
        #expect(line.text.hasPrefix(NSHomeDirectory() + "/.cache/rwsan: "), "\(line.text)")
    }

    // MARK: - Threads

    @Test(
        "a number of threads that OpenMP does not take is told, with one that fits",
        arguments: ["abc", "0", "-2", "1,x", "99999999999999999999"])
    func oddThreads(number: String) throws {
        let line = try line("threads", "OMP_NUM_THREADS=\(number) exec \"$@\"")
        #expect(line.state == "note", "\(line.text)")
        #expect(
            line.text.contains("OMP_NUM_THREADS is '\(number)', which is no number of threads"),
            "\(line.text)")
        #expect(line.text.contains(" → OMP_NUM_THREADS=\(Processors.available)"), "\(line.text)")
    }

    @Test(
        "fewer threads than cores are told, with the number that uses all",
        .enabled(if: Processors.coreCount > 1, "needs two cores"))
    func fewerThreadsThanCores() throws {
        let line = try line("threads", "OMP_NUM_THREADS=1 exec \"$@\"")
        #expect(line.state == "note" && line.text.hasPrefix("1 on "), "\(line.text)")
        let number = min(Processors.coreCount, Processors.available)
        #expect(
            line.text.hasSuffix(" → unset OMP_NUM_THREADS, or OMP_NUM_THREADS=\(number), to use all"),
            "\(line.text)")
    }

    @Test(
        "a process that is bound to one of several processors is told so",
        .enabled(if: Processors.allowed.count > 1, "needs two processors"))
    func bound() throws {
        let processor = try #require(Processors.allowed.last)
        let line = try line("threads", "unset OMP_NUM_THREADS && exec taskset -c \(processor) \"$@\"")
        #expect(line.state == "ok", "\(line.text)")
        #expect(line.text.hasPrefix("1 on 1 processor, to which the process is bound, of "), "\(line.text)")
    }

    @Test(
        "where the system starts fewer threads than libtorch would, a run is ended by them: that is wrong",
        .enabled(
            if: getuid() == 0 && Processors.coreCount > 1,
            "needs two cores, and root, to become a user whom the limit binds"))
    func fewThreads() throws {
        try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: tool.folder.path)
        // Nobody's number, so that the limit counts the command's threads alone.
        let shell =
            "unset OMP_NUM_THREADS && exec prlimit --nproc=1 setpriv --reuid 61974 --clear-groups \"$@\""
        try expectWrong(
            "threads", shell, naming: "the system starts 0 of the ", "OMP_NUM_THREADS=1, or raise the limit")
    }

    // MARK: - MPI

    @Test("MPI that is not set up is no failure, but where a launcher has started the process")
    func missingMPI() throws {
        #expect(try line("MPI", "exec \"$@\"").text.hasPrefix("not set up"))
        try expectWrong("MPI", "OMPI_COMM_WORLD_RANK=0 exec \"$@\"", naming: "scripts/setup --mpi")
    }

    @Test("a library for MPI that cannot be loaded is told")
    func damagedMPI() throws {
        let folder = tool.folder.file(".cache/mpi")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Data("no library".utf8).write(to: URL(fileURLWithPath: folder + "/libCMPI.so"))
        let line = try line("MPI", "exec \"$@\"")
        #expect(line.state == "note" && line.text.contains("libCMPI.so"), "\(line.text)")
        #expect(line.text.contains(" → scripts/setup --mpi"), "\(line.text)")
    }

    @Test("MPI that is set up is named", .enabled(if: SharedCommands.arePossible, SharedCommands.areMissing))
    func namedMPI() throws {
        let cache = UserCache.folder(ProcessInfo.processInfo.environment)
        let line = try line("MPI", "RWSAN_CACHE='\(cache)' exec \"$@\"")
        #expect(
            line.state == "ok" && line.text.hasSuffix(": several processes can share work"), "\(line.text)")
        #expect(line.text.contains("MPI") || line.text.contains("MPICH"), "\(line.text)")
    }
}
