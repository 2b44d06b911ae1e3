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
    let processors: [Int]
    /// The group of processes that share the limit below.
    let controlGroup: String
    /// How many processors' time the group is given; nil for no limit.
    let limit: Double?

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
        processors = Self.allowedProcessors(status: Self.contents(of: "/proc/self/status"))
        (controlGroup, limit) = Self.groupLimit(
            root: "/sys/fs/cgroup", groups: Self.contents(of: "/proc/self/cgroup"))
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

    /// The process's control group, and the least limit on it and those that it is in.
    ///
    /// - Parameters:
    ///   - root: Where the system shows control groups.
    ///   - groups: What it says of this process: lines `0::/PATH`, or of an older kind `4:cpu,cpuacct:/PATH`.
    static func groupLimit(root: String, groups: String) -> (group: String, limit: Double?) {
        var (name, limits) = ("", [Double]())
        for line in groups.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            let isUnified = parts[1].isEmpty
            guard isUnified || parts[1].split(separator: ",").contains("cpu") else { continue }
            var folder = parts[2].split(separator: "/")
            name = String(parts[2])
            while true {
                let path = "\(root)\(isUnified ? "" : "/cpu")/\(folder.joined(separator: "/"))"
                if let limit = isUnified ? unifiedLimit(path) : olderLimit(path) { limits.append(limit) }
                guard folder.popLast() != nil else { break }
            }
        }
        return (name, limits.min())
    }

    /// `cpu.max`: `200000 100000`, microseconds in microseconds, or `max 100000`.
    private static func unifiedLimit(_ folder: String) -> Double? {
        let numbers = contents(of: folder + "/cpu.max").split(whereSeparator: \.isWhitespace).map {
            Double($0)
        }
        guard numbers.count == 2 else { return nil }
        return quotient(numbers[0], numbers[1])
    }

    private static func olderLimit(_ folder: String) -> Double? {
        func number(_ name: String) -> Double? {
            Double(contents(of: "\(folder)/\(name)").trimmingCharacters(in: .whitespacesAndNewlines))
        }
        return quotient(number("cpu.cfs_quota_us"), number("cpu.cfs_period_us"))
    }

    private static func quotient(_ quota: Double?, _ period: Double?) -> Double? {
        guard let quota, let period, quota > 0, period > 0, quota.isFinite else { return nil }
        return quota / period
    }

    private static func contents(of path: String) -> String {
        (try? SmallFile.contents(of: path, byteLimit: 1 << 20)).map { String(decoding: $0, as: UTF8.self) }
            ?? ""
    }
}
