import FileSystem
import Foundation

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
        var share = processors.reduce(0.0) { $0 + 1 / Double(users[$1] ?? 1) }
        if let limit {
            share = min(share, limit / Double(max(1, neighbours.count { $0.controlGroup == controlGroup })))
        }
        // A third of a processor three times is a whole one.
        return max(1, Int(clamping: share + 1e-6))
    }

    // MARK: - What the system says

    private init(host: String) {
        self.host = host
        processors = Self.allowedProcessors(status: SmallFile.systemText(of: "/proc/self/status"))
        (controlGroup, limit) = ControlGroups().processors
    }

    /// What the process may use where it is alone.
    package static var alone: ProcessorShare { ProcessorShare(host: "") }

    /// How many threads keep that busy, and no more.
    package var threadCount: Int { threadCount(among: [self]) }

    /// How many cores the processors are of: two processors of a core share its arithmetic.
    package var coreCount: Int {
        Self.coreCount(of: processors) {
            SmallFile.systemText(of: "/sys/devices/system/cpu/cpu\($0)/topology/thread_siblings_list")
        }
    }

    /// The processors of a line `Cpus_allowed_list: 0-3,8` of `/proc/self/status`; where there is none, all of the machine.
    ///
    /// - Parameter status: The text.
    static func allowedProcessors(status: String) -> [Int] {
        let line = status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed_list:") } ?? ""
        let found = line.drop { $0 != ":" }.dropFirst().split(separator: ",").flatMap { range -> [Int] in
            let ends = range.split { $0 == "-" || $0.isWhitespace }.map { Int($0) }
            guard let first = ends.first ?? nil, let last = ends.last ?? nil, 0...last ~= first,
                last < mostProcessors
            else { return [] }
            return Array(first...last)
        }
        return found.isEmpty ? Array(0..<ProcessInfo.processInfo.activeProcessorCount) : found
    }

    /// More than any machine has.
    private static let mostProcessors = 1 << 16

    /// - Parameter topology: Gives what the system says of a processor's core, `0,4` for example; nothing where it does not.
    static func coreCount(of processors: [Int], topology: (Int) -> String) -> Int {
        Set(
            processors.map { number in
                let siblings = topology(number).trimmingCharacters(in: .whitespacesAndNewlines)
                return siblings.isEmpty ? "\(number)" : siblings
            }
        ).count
    }
}
