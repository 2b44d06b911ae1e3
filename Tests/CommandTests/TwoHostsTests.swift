import Foundation
import TestSupport
import Testing

extension SharedWorkTests {
    /// Processes on two hosts, which are two network namespaces with a link between them (`scripts/two-hosts`).
    @Suite(
        .enabled(if: TwoHosts.arePossible(), "needs root, iproute2 and mpirun, to make network namespaces"))
    struct TwoHostsTests {
        private func train(_ mini: MiniCommands, _ more: String...) -> [String] {
            mini.train(
                "--set", "use_glove=false", "--set", "seed=7", "--set", "dropout_r=0.1", "--set",
                "max_epoch=2", "--set",
                "eval_every_epoch=false", "--process-timeout", "3") + more
        }

        /// What two processes of one host end with.
        private static let ofOneHost = Result {
            let shared = try SharedCommands()
            try shared.runWell(2, TwoHostsTests().train(shared.mini))
            return try shared.weights("epoch2.safetensors")
        }

        private func expectSameBits(_ options: String...) throws {
            let shared = try SharedCommands()
            let outcome = try TwoHosts().start(shared, options, train(shared.mini)).outcome()
            try #require(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
            #expect(outcome.errorOutput.contains("with 2 processes of 1 thread"))
            #expect(try shared.weights("epoch2.safetensors") == Self.ofOneHost.get())
        }

        @Test(
            "each host has processors of its own",
            .enabled(if: TwoHosts.processorCount > 1, "a machine with one processor has one for both hosts"))
        func ownProcessors() throws {
            let outcome = try CommandLineTool().run(
                in: "exec \(TwoHosts.script) grep Cpus_allowed_list /proc/self/status", [])
            let lists = Set(outcome.output.split(separator: "\n"))
            #expect(lists.count == 2, Comment(rawValue: outcome.output + outcome.errorOutput))
        }

        @Test("two hosts train to the bits of two processes on one") func sameBits() throws {
            try expectSameBits()
        }

        @Test("with two processes each they come to the losses and gradients of four on one host")
        func twoEach() throws {
            let (shared, alone) = (try SharedCommands(), try SharedCommands())
            let outcome = try TwoHosts().start(shared, ["--processes", "4"], train(shared.mini)).outcome()
            try #require(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
            try alone.runWell(4, train(alone.mini))
            for key in ["loss", "gradient_norm"] {
                for (found, expected) in zip(try shared.mini.metrics(), try alone.mini.metrics()) {
                    let values = (try #require(found[key] as? Double), try #require(expected[key] as? Double))
                    // The official rate carries last bits far within two epochs.
                    #expect(abs(values.0 / values.1 - 1) < 1e-3, "\(key)")
                }
            }
        }

        @Test(
            "over a slow link they do, too",
            .enabled(if: TwoHosts.arePossible("--rate", "200mbit"), "needs tc's tbf"))
        func slowLink() throws { try expectSameBits("--rate", "200mbit") }

        @Test(
            "over a link that delays packets and loses some they do, too",
            .enabled(if: TwoHosts.arePossible("--delay", "2ms", "--loss", "1%"), "needs a kernel with netem"))
        func lossyLink() throws { try expectSameBits("--delay", "2ms", "--loss", "1%") }

        @Test(
            "where the link is cut, training ends within its time with one line, and goes on to the same bits"
        )
        func cutLink() throws {
            let (shared, hosts) = (try SharedCommands(), TwoHosts())
            let run = try hosts.start(shared, [], train(shared.mini, "--set", "max_epoch=100000"))
            try run.wait { shared.mini.exists(shared.mini.runFile("epoch1.safetensors")) }
            try hosts.cut()
            let begun = ContinuousClock.now
            let outcome = try run.outcome()
            #expect(ContinuousClock.now - begun < .seconds(20))
            #expect(outcome.exitCode != 0)
            let lines = outcome.errorLines.filter { $0.hasPrefix("rwsan: error: ") }
            #expect(lines.count == 1, Comment(rawValue: outcome.errorOutput))
            #expect(
                lines.allSatisfy { $0.contains("process 1 on \(hosts.name)-2 has not answered for 3 s") },
                Comment(rawValue: outcome.errorOutput))

            // With fewer epochs from here on than there may be, so from a checkpoint of one.
            try shared.runWell(2, train(shared.mini, "--resume", shared.mini.runFile("epoch1.safetensors")))
            #expect(try shared.weights("epoch2.safetensors") == Self.ofOneHost.get())
        }
    }
}

/// Two hosts that a command's processes are started on.
struct TwoHosts {
    /// What the network namespaces are called, with 1 and 2 behind it.
    let name = "rwsan-\(UInt32.random(in: 0...UInt32.max))"

    static let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent()
        .deletingLastPathComponent().appending(components: "scripts", "two-hosts").path

    /// How many processors this process may use.
    static let processorCount: Int = {
        let counted = try? CommandLineTool().run(in: "exec env -u OMP_NUM_THREADS nproc", [])
        return Int(counted?.output.trimmingCharacters(in: .whitespacesAndNewlines) ?? "") ?? 1
    }()

    /// Whether hosts with such a link can be made.
    static func arePossible(_ options: String...) -> Bool {
        guard SharedCommands.arePossible else { return false }
        let probe = try? CommandLineTool().run(
            in: "exec \(script) --probe \(options.joined(separator: " "))", [])
        return probe?.exitCode == 0
    }

    /// Starts a command with a process on each host.
    func start(_ shared: SharedCommands, _ options: [String], _ arguments: [String]) throws -> RunningCommand
    {
        let words = ["exec", "env --default-signal=INT,TERM,USR1", Self.script, "--name", name] + options
        return try shared.mini.tool.start(in: words.joined(separator: " ") + " \"$@\"", arguments)
    }

    /// Cuts the link between them.
    func cut() throws {
        let cutting = try CommandLineTool().run(in: "exec ip -n \(name)-2 link set wire down", [])
        try #require(cutting.exitCode == 0, Comment(rawValue: cutting.errorOutput))
    }
}
