import Foundation
import TestSupport
import Testing

/// How many threads a command computes on, and how they wait, on a machine that it shares with others.
@Suite struct ProcessorUseTests {
    @Test(
        "threads soon sleep where they wait, unless the user has said how they are to, and without any environment",
        arguments: [
            ("env -i", "1000"), ("env -u GOMP_SPINCOUNT -u OMP_WAIT_POLICY", "1000"),
            ("env -u OMP_WAIT_POLICY GOMP_SPINCOUNT=77", "77"),
            ("env -u GOMP_SPINCOUNT OMP_WAIT_POLICY=passive", "0"),
            ("env -u GOMP_SPINCOUNT OMP_WAIT_POLICY=active", "30000000000"),
        ])
    func waiting(environment: String, turns: String) throws {
        let outcome = try CommandLineTool().run(
            in: "exec \(environment) OMP_DISPLAY_ENV=verbose \"$@\"", ["--version"])
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        // Swift finds arguments by where the environment lies.
        #expect(outcome.output.firstMatch(of: /^rwsan \d/) != nil, Comment(rawValue: outcome.output))
        #expect(
            outcome.errorOutput.contains("GOMP_SPINCOUNT = '\(turns)'"),
            Comment(rawValue: outcome.errorOutput))
    }

    @Test(
        "where OpenMP starts fewer threads than libtorch asks for, the kernels leave nothing out",
        arguments: ["OMP_THREAD_LIMIT=1", "OMP_DYNAMIC=true", "OMP_MAX_ACTIVE_LEVELS=0"])
    func fewerThreads(variable: String) throws {
        let mini = try MiniCommands()
        func loss(_ name: String, _ variables: String) throws -> Double {
            let outcome = try mini.tool.run(
                in: "exec env OMP_NUM_THREADS=2 \(variables) \"$@\"",
                mini.train(
                    "--set", "use_glove=false", "--set", "max_epoch=1", "--set", "hidden_size=256", "--set",
                    "seed=1",
                    "--name", name))
            #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
            let text = outcome.errorOutput.firstMatch(of: /epoch 1  loss ([0-9.]+)/)?.output.1
            return try #require(text.flatMap { Double($0) }, Comment(rawValue: outcome.errorOutput))
        }
        #expect(abs(try loss("fewer", variable) - loss("all", "OMP_DYNAMIC=false")) < 1e-3)
    }

    private static let processorCount = ProcessInfo.processInfo.activeProcessorCount

    /// How many threads a run has that a shell's words start.
    private func threadCount(in shell: String) throws -> Int? {
        let mini = try MiniCommands()
        let outcome = try mini.tool.run(
            in: shell,
            mini.train("--set", "use_glove=false", "--set", "max_epoch=1", "--set", "eval_every_epoch=false"))
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        return outcome.errorOutput.firstMatch(of: /with (\d+) threads, seed/).flatMap { Int($0.output.1) }
    }

    @Test(
        "a process that may use one processor computes on one thread, and OMP_NUM_THREADS decides where it is set",
        .enabled(if: processorCount > 1, "needs more processors than one"))
    func processors() throws {
        #expect(try threadCount(in: "unset OMP_NUM_THREADS; exec taskset -c 0 \"$@\"") == 1)
        #expect(try threadCount(in: "exec env OMP_NUM_THREADS=2 taskset -c 0 \"$@\"") == 2)
    }

    /// Makes a control group with the time of one processor; nil where that cannot be done.
    private static let limitedGroup: String? = {
        let name = "rwsan-test-\(ProcessInfo.processInfo.processIdentifier)"
        let kinds = [
            ("/sys/fs/cgroup/cpu", "cpu.cfs_quota_us", "100000"),
            ("/sys/fs/cgroup", "cpu.max", "100000 100000"),
        ]
        for (root, file, limit) in kinds {
            let folder = "\(root)/\(name)"
            guard mkdir(folder, 0o755) == 0 else { continue }
            // The system has put files into the folder, if it is a control group.
            let isGroup = FileManager.default.isWritableFile(atPath: folder + "/cgroup.procs")
            if isGroup, (try? Data(limit.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(file)"))) != nil {
                return folder
            }
            rmdir(folder)
        }
        return nil
    }()

    @Test(
        "a process whose control group has the time of one processor computes on one thread",
        .enabled(
            if: processorCount > 1 && limitedGroup != nil,
            "needs root, more processors than one, and control groups that can be made"))
    func limited() throws {
        let group = try #require(Self.limitedGroup)
        defer { rmdir(group) }
        #expect(
            try threadCount(in: "unset OMP_NUM_THREADS; echo $$ > \(group)/cgroup.procs; exec \"$@\"") == 1)
    }
}
