import FileSystem
import Foundation
import Synchronization

/// The processors that the process may keep busy.
///
/// A machine may have more: a launcher binds a process to some of them, and a container or a job may be given less time than
/// its processors have.
package enum Processors {
    private static let share = Mutex<Int?>(nil)

    /// How many threads can work at the same time: as many as there are processors to use, within the limit of the process's
    /// control group; at least one. Where several processes divide a machine among them, what each is given is set here.
    package static var count: Int {
        get { share.withLock { $0 } ?? available }
        set { share.withLock { $0 = max(1, newValue) } }
    }

    private static let available = count(processors: Double(allowed.count), limit: group.limit)

    /// How many threads a share of processors is good for.
    ///
    /// - Parameters:
    ///   - processors: How many they are; a third of one three times is a whole one.
    ///   - limit: How many processors' time there is; nil for no limit.
    package static func count(processors: Double, limit: Double?) -> Int {
        max(1, Int(clamping: min(processors, limit ?? processors) + 1e-6))
    }

    /// The processors that the system lets the process use, by their numbers.
    package static var allowed: [Int] { allowed(status: contents(of: "/proc/self/status")) }

    /// The control group, whose processes share a limit, and how many processors' time that is; nil for no limit.
    package static var group: (name: String, limit: Double?) {
        groupLimit(root: "/sys/fs/cgroup", groups: contents(of: "/proc/self/cgroup"))
    }

    // MARK: - What the system says

    /// The processors of a line `Cpus_allowed_list: 0-3,8` of `/proc/self/status`; where there is none, all of the machine.
    ///
    /// - Parameter status: The text.
    static func allowed(status: String) -> [Int] {
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
    static func groupLimit(root: String, groups: String) -> (name: String, limit: Double?) {
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
