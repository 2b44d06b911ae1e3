import Foundation
import TestSupport
import Testing
@testable import Collectives

/// How many threads each process of a machine gets.
@Suite struct ProcessorShareTests {
    private func share(_ processors: [Int], host: String = "a", group: String = "/", limit: Double? = nil)
        -> ProcessorShare
    {
        ProcessorShare(host: host, processors: processors, controlGroup: group, limit: limit)
    }

    @Test("processes that are bound to processors of their own have all of them")
    func bound() {
        let all = [share([0, 1]), share([2, 3, 4])]
        #expect(all.map { $0.threadCount(among: all) } == [2, 3])
    }

    @Test("processes that may use the same processors divide them, and each has one at least")
    func sharing() {
        let three = Array(repeating: share(Array(0..<12)), count: 3)
        #expect(three[0].threadCount(among: three) == 4)
        let many = Array(repeating: share([0, 1]), count: 5)
        #expect(many[0].threadCount(among: many) == 1)
    }

    @Test("processes of another machine take nothing")
    func otherMachines() {
        let all = [share([0, 1, 2, 3], host: "a"), share([0, 1, 2, 3], host: "b")]
        #expect(all[0].threadCount(among: all) == 4)
    }

    @Test("a limit on a control group is divided among the processes that are in it")
    func limited() {
        let container = Array(repeating: share(Array(0..<64), limit: 4), count: 2)
        #expect(container[0].threadCount(among: container) == 2)
        let tasks = [
            share(Array(0..<64), group: "/1", limit: 4), share(Array(0..<64), group: "/2", limit: 4),
        ]
        #expect(tasks[0].threadCount(among: tasks) == 4)
    }

    @Test("the processors that the system allows are read from its list, and without one are all")
    func allowed() {
        func processors(_ status: String) -> [Int] { ProcessorShare.allowedProcessors(status: status) }
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
            ProcessorShare.groupLimit(root: root.path, groups: groups).limit
        }
        #expect(limit("0::/job/task\n") == 2.5)
        #expect(limit("0::/\n") == nil)
        #expect(limit("3:cpu,cpuacct:/older\n2:memory:/job\n") == 1.5)
        #expect(limit("") == nil && limit("no lines of this kind\n") == nil)
    }
}
