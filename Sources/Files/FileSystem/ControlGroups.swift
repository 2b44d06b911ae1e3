/// The control groups that a process is in, of both kinds that Linux has: how much of a machine a container or a job is
/// given.
///
/// A limit binds a group and all that are in it. So the least one counts, of the process's own group and of those that it
/// is in.
package struct ControlGroups: Sendable {
    /// Where the system shows control groups.
    private let root: String
    /// What it says of the process: lines `0::/PATH`, or of an older kind `4:cpu,cpuacct:/PATH`.
    private let lines: String

    /// - Parameters:
    ///   - root: Where the system shows control groups.
    ///   - lines: What it says of this process: lines `0::/PATH`, or of an older kind `4:cpu,cpuacct:/PATH`.
    package init(
        root: String = "/sys/fs/cgroup", lines: String = SmallFile.systemText(of: "/proc/self/cgroup")
    ) {
        (self.root, self.lines) = (root, lines)
    }

    /// A limit on memory.
    package struct MemoryLimit: Sendable, Equatable {
        /// How many bytes the group may have.
        package let byteCount: Int
        /// How many of them are left, what its files are kept in not counted, for the system takes that back.
        package let free: Int
    }

    /// The process's group as `cpu` has it, and how many processors' time the group is given; nil for no limit.
    package var processors: (name: String, limit: Double?) {
        let places = places(of: "cpu")
        let limits = places.flatMap { place in
            place.folders.compactMap {
                place.isUnified ? Self.unifiedProcessors($0) : Self.olderProcessors($0)
            }
        }
        return (places.last?.group ?? "", limits.min())
    }

    /// The limit on memory that leaves least; nil for none.
    package var memory: MemoryLimit? {
        places(of: "memory").flatMap { place in
            place.folders.compactMap { place.isUnified ? Self.unifiedMemory($0) : Self.olderMemory($0) }
        }.min { $0.free < $1.free }
    }

    // MARK: - Where a controller has its files

    private struct Place {
        /// The process's group.
        let group: String
        /// Whether all controllers are in one folder.
        let isUnified: Bool
        /// The folder of the group, and of those that it is in.
        let folders: [String]
    }

    private func places(of controller: String) -> [Place] {
        lines.split(separator: "\n").compactMap { line in
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { return nil }
            let isUnified = parts[1].isEmpty
            guard isUnified || parts[1].split(separator: ",").contains(Substring(controller)) else {
                return nil
            }
            var parents = parts[2].split(separator: "/")
            var folders: [String] = []
            while true {
                folders.append(
                    "\(root)\(isUnified ? "" : "/" + controller)/\(parents.joined(separator: "/"))")
                guard parents.popLast() != nil else { break }
            }
            return Place(group: String(parts[2]), isUnified: isUnified, folders: folders)
        }
    }

    // MARK: - Processors

    /// `cpu.max`: `200000 100000`, microseconds in microseconds, or `max 100000`.
    private static func unifiedProcessors(_ folder: String) -> Double? {
        let numbers = SmallFile.systemText(of: folder + "/cpu.max").split(whereSeparator: \.isWhitespace).map
        {
            Double($0)
        }
        guard numbers.count == 2 else { return nil }
        return quotient(numbers[0], numbers[1])
    }

    private static func olderProcessors(_ folder: String) -> Double? {
        quotient(
            number(folder + "/cpu.cfs_quota_us").map { Double($0) },
            number(folder + "/cpu.cfs_period_us").map { Double($0) })
    }

    private static func quotient(_ quota: Double?, _ period: Double?) -> Double? {
        guard let quota, let period, quota > 0, period > 0, quota.isFinite else { return nil }
        return quota / period
    }

    // MARK: - Memory

    private static func unifiedMemory(_ folder: String) -> MemoryLimit? {
        memory(folder, limit: "memory.max", used: "memory.current", files: "inactive_file")
    }

    private static func olderMemory(_ folder: String) -> MemoryLimit? {
        memory(
            folder, limit: "memory.limit_in_bytes", used: "memory.usage_in_bytes",
            files: "total_inactive_file")
    }

    /// The older kind writes no limit as a number next to the largest one.
    private static let mostMemory = 1 << 60

    private static func memory(
        _ folder: String, limit: String, used: String, files: String
    ) -> MemoryLimit? {
        guard let byteCount = number("\(folder)/\(limit)"), (0..<mostMemory).contains(byteCount) else {
            return nil
        }
        let lines = SmallFile.systemText(of: folder + "/memory.stat").split(separator: "\n")
        let line: Substring? = lines.first { $0.hasPrefix(files + " ") }
        let kept: Int? = line.flatMap { Int($0.dropFirst(files.count + 1)) }
        let taken = (number("\(folder)/\(used)") ?? 0).addingClamped(-max(0, kept ?? 0))
        return MemoryLimit(byteCount: byteCount, free: max(0, byteCount.addingClamped(-max(0, taken))))
    }

    private static func number(_ path: String) -> Int? {
        Int(SmallFile.systemText(of: path).split(whereSeparator: \.isWhitespace).first ?? "")
    }
}
