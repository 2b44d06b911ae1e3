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
}
