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

    @Test("processors of one core count as one, and each by itself where the system does not say")
    func cores() {
        let siblings = [0: "0,4\n", 4: "0,4\n", 1: "1,5\n"]
        func count(_ processors: [Int]) -> Int {
            Processors.coreCount(of: processors) { siblings[$0] ?? "" }
        }
        #expect(count([0, 1, 4]) == 2)
        #expect(count([7, 8]) == 2 && count([]) == 0)
        #expect((1...Processors.allowed.count).contains(Processors.coreCount))
    }
}
