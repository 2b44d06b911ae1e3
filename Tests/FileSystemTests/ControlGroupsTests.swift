import Foundation
import TestSupport
import Testing

@testable import FileSystem

/// What a container or a job is given.
@Suite struct ControlGroupsTests {
    private let root: TemporaryFolder

    init() throws { root = try TemporaryFolder() }

    private func write(_ path: String, _ text: String) throws {
        let file = root.url.appending(path: path)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }

    private func groups(_ lines: String) -> ControlGroups { ControlGroups(root: root.path, lines: lines) }

    @Test("the limit is the least on the process's control group and those above it, of both kinds")
    func processors() throws {
        try write("cpu.max", "max 100000\n")
        try write("job/cpu.max", "250000 100000\n")
        try write("job/task/cpu.max", "800000 100000\n")
        try write("cpu/older/cpu.cfs_quota_us", "150000\n")
        try write("cpu/older/cpu.cfs_period_us", "100000\n")
        try write("cpu/free/cpu.cfs_quota_us", "-1\n")
        try write("cpu/free/cpu.cfs_period_us", "100000\n")
        func limit(_ lines: String) -> Double? { groups(lines).processors.limit }
        #expect(limit("0::/job/task\n") == 2.5)
        #expect(groups("0::/job/task\n").processors.name == "/job/task")
        #expect(limit("0::/\n") == nil)
        #expect(limit("3:cpu,cpuacct:/older\n2:memory:/job\n") == 1.5)
        #expect(limit("3:cpu,cpuacct:/free\n") == nil)
        #expect(limit("") == nil && limit("no lines of this kind\n") == nil)
    }

    @Test(
        "of memory counts what is left, where what files are kept in is taken back, and the group with the least of it"
    )
    func memory() throws {
        try write("job/memory.max", "1000\n")
        try write("job/memory.current", "900\n")
        try write("job/memory.stat", "anon 400\ninactive_file 500\n")
        try write("job/task/memory.max", "700\n")
        try write("job/task/memory.current", "200\n")
        try write("memory.max", "max\n")
        #expect(groups("0::/job/task\n").memory == ControlGroups.MemoryLimit(byteCount: 700, free: 500))
        #expect(groups("0::/job\n").memory == ControlGroups.MemoryLimit(byteCount: 1000, free: 600))
        #expect(groups("0::/\n").memory == nil)
    }

    @Test(
        "the older kind of control groups says the same in other files, and no limit as a number next to the largest"
    )
    func olderMemory() throws {
        try write("memory/memory.limit_in_bytes", "9223372036854771712\n")
        try write("memory/box/memory.limit_in_bytes", "5000\n")
        try write("memory/box/memory.usage_in_bytes", "4500\n")
        try write("memory/box/memory.stat", "cache 1500\ntotal_inactive_file 1000\n")
        #expect(
            groups("4:memory:/box\n0::/\n").memory == ControlGroups.MemoryLimit(byteCount: 5000, free: 1500))
        #expect(groups("4:memory:/elsewhere\n").memory == nil)
    }

    @Test(
        "numbers that no system says do not end the process",
        arguments: ["-5", "99999999999999999999", "x", "", "\(Int.max)"])
    func oddNumbers(number: String) throws {
        try write("memory.max", "1000")
        try write("memory.current", number)
        try write("memory.stat", "inactive_file \(number)")
        try write("cpu.max", "\(number) \(number)")
        let memory = try #require(groups("0::/\n").memory)
        #expect((0...1000).contains(memory.free))
        _ = groups("0::/\n").processors
    }
}
