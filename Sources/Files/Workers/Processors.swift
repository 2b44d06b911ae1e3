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

    /// The same where the process does not divide the machine with others.
    package static let available = count(processors: Double(allowed.count), limit: group.limit)

    /// How many threads a share of processors is good for.
    ///
    /// - Parameters:
    ///   - processors: How many they are; a third of one three times is a whole one.
    ///   - limit: How many processors' time there is; nil for no limit.
    package static func count(processors: Double, limit: Double?) -> Int {
        max(1, Int(clamping: min(processors, limit ?? processors) + 1e-6))
    }

    /// The processors that the system lets the process use, by their numbers.
    package static var allowed: [Int] { allowed(status: SmallFile.systemText(of: "/proc/self/status")) }

    /// The control group, whose processes share a limit, and how many processors' time that is; nil for no limit.
    package static var group: (name: String, limit: Double?) { ControlGroups().processors }

    /// How many cores the allowed processors are of: two processors of a core share its arithmetic.
    package static var coreCount: Int {
        coreCount(of: allowed) {
            SmallFile.systemText(of: "/sys/devices/system/cpu/cpu\($0)/topology/thread_siblings_list")
        }
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
