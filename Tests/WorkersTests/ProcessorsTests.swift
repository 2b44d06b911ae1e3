import Foundation
import TestSupport
import Testing
@testable import Workers

/// How many threads a process has processors for.
@Suite struct ProcessorsTests {
    @Test("threads are as many as processors, and within a limit, but at least one")
    func threads() {
        #expect(Processors.count(processors: 8, limit: nil) == 8)
        #expect(Processors.count(processors: 8, limit: 2.5) == 2)
        #expect(Processors.count(processors: 2, limit: 64) == 2)
        #expect(Processors.count(processors: 8, limit: 0.5) == 1)
        #expect(Processors.count(processors: 0, limit: nil) == 1)
    }

    @Test("the processors that the system allows are read from its list, and without one are all")
    func allowed() {
        func processors(_ status: String) -> [Int] { Processors.allowed(status: status) }
        #expect(
            processors("Name:\trwsan\nCpus_allowed:\tff\nCpus_allowed_list:\t0-2,8,10-11\n") == [
                0, 1, 2, 8, 10, 11,
            ])
        let all = Array(0..<ProcessInfo.processInfo.activeProcessorCount)
        for damaged in [
            "", "Cpus_allowed_list:\t\n", "Cpus_allowed_list:\t3-1,x,-\n",
            "Cpus_allowed_list:\t0-99999999999\n",
        ] {
            #expect(processors(damaged) == all, "\(damaged)")
        }
    }

    @Test("the limit is the least on the process's control group and those above it, of both kinds")
    func controlGroups() throws {
        let root = try TemporaryFolder()
        func write(_ path: String, _ text: String) throws {
            let file = root.url.appending(path: path)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
        try write("cpu.max", "max 100000\n")
        try write("job/cpu.max", "250000 100000\n")
        try write("job/task/cpu.max", "800000 100000\n")
        try write("cpu/older/cpu.cfs_quota_us", "150000\n")
        try write("cpu/older/cpu.cfs_period_us", "100000\n")
        func limit(_ groups: String) -> Double? {
            Processors.groupLimit(root: root.path, groups: groups).limit
        }
        #expect(limit("0::/job/task\n") == 2.5)
        #expect(limit("0::/\n") == nil)
        #expect(limit("3:cpu,cpuacct:/older\n2:memory:/job\n") == 1.5)
        #expect(limit("") == nil && limit("no lines of this kind\n") == nil)
    }
}
