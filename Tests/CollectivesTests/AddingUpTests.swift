import Testing
@testable import Collectives

/// Whom processes add up with.
@Suite struct AddingUpTests {
    @Test("processes of several machines add up with their neighbours first, then with their counterparts")
    func severalMachines() {
        let machines = ProcessGroup.machines(of: ["a", "b", "a", "b", "c", "c"])
        #expect(machines == [[0, 2], [1, 3], [4, 5]])
        let partners = ProcessGroup.partners(of: 3, on: machines)
        #expect(partners.neighbours == [1, 3] && partners.counterparts == [2, 3, 5])
    }

    @Test(
        "where there is nothing to gain, or machines have different numbers of processes, all add up with all",
        arguments: [["a", "a", "a"], ["a", "b", "c"], ["a", "a", "b"]])
    func flat(hosts: [String]) {
        let partners = ProcessGroup.partners(of: 1, on: ProcessGroup.machines(of: hosts))
        #expect(partners.neighbours == [0, 1, 2] && partners.counterparts == [1])
    }
}
