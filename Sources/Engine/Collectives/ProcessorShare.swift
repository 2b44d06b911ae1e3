import Workers

/// How many processors a process may keep busy, beside the others of its machine.
///
/// A launcher may bind each process to processors of its own, or all of them to the same; and a container or a job may be
/// given less time than its processors have.
package struct ProcessorShare: Sendable, Equatable, Codable {
    /// The machine's name.
    let host: String
    /// The processors that the system lets the process use.
    package let processors: [Int]
    /// The group of processes that share the limit below.
    let controlGroup: String
    /// How many processors' time the group is given; nil for no limit.
    package let limit: Double?

    /// What a process of the group may use.
    ///
    /// - Throws: `ProcessError`.
    package static func own(of group: ProcessGroup) throws -> Int {
        let own = ProcessorShare(host: group.hosts[group.rank])
        return own.threadCount(among: try group.gather(messages: own))
    }

    init(host: String, processors: [Int], controlGroup: String, limit: Double?) {
        self.host = host
        self.processors = processors
        self.controlGroup = controlGroup
        self.limit = limit
    }

    /// How many threads are the process's share: its processors, each divided among those that may use it, and no more than
    /// its part of its group's limit. At least one.
    ///
    /// - Parameter all: What the processes have found, this one among them.
    func threadCount(among all: [ProcessorShare]) -> Int {
        let neighbours = all.filter { $0.host == host }
        var users: [Int: Int] = [:]
        for neighbour in neighbours {
            for processor in neighbour.processors { users[processor, default: 0] += 1 }
        }
        let sharers = neighbours.count { $0.controlGroup == controlGroup }
        return Processors.count(
            processors: processors.reduce(0.0) { $0 + 1 / Double(users[$1] ?? 1) },
            limit: limit.map { $0 / Double(max(1, sharers)) })
    }

    private init(host: String) {
        let group = Processors.group
        self.init(
            host: host, processors: Processors.allowed, controlGroup: group.name, limit: group.limit)
    }
}
