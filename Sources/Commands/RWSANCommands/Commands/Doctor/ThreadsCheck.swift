import Foundation
import Torch
import Workers

/// The threads that libtorch computes with, against the processors that the process may use.
struct ThreadsCheck {
    private static let name = "threads"
    private static let variable = "OMP_NUM_THREADS"

    /// How many processors the machine has.
    let machine: Int
    /// How many of them the process may use.
    let allowed: Int
    /// How many cores these are of.
    let cores: Int
    /// How many processors' time the control group is given; nil for no limit.
    let limit: Double?
    /// How many threads keep all that busy.
    let fitting: Int
    /// How many libtorch has.
    let threads: Int
    /// How many more the system starts, of those that libtorch would.
    let startable: Int
    /// What the variable says; nil where it is not set.
    let asked: String?

    var finding: Finding {
        let wanted = min(cores, fitting)
        if startable < threads - 1 {
            return .wrong(
                Self.name,
                "\(text); the system starts \(startable) of the \(threads - 1) more that libtorch would",
                advice:
                    "\(Self.variable)=\(startable + 1), or raise the limit on a user's processes (ulimit -u) or on those of "
                    + "the container")
        }
        if let asked, !Self.isMeant(asked) {
            return .note(
                Self.name,
                "\(text); \(Self.variable) is '\(asked)', which is no number of threads and counts for nothing",
                advice: "\(Self.variable)=\(wanted), or unset it")
        }
        if threads > fitting {
            return .note(
                Self.name, text,
                advice: "\(Self.variable)=\(fitting): more threads than that wait for each other")
        }
        if threads < wanted {
            return .note(
                Self.name, text,
                advice: asked == nil
                    ? "\(Self.variable)=\(wanted) uses all"
                    : "unset \(Self.variable), or \(Self.variable)=\(wanted), to use all")
        }
        return .ok(Self.name, text)
    }

    private var text: String {
        let cores = cores < allowed ? " of \(cores) \(cores == 1 ? "core" : "cores")" : ""
        return "\(threads) on \(allowed) \(allowed == 1 ? "processor" : "processors")\(cores)"
            + (allowed < machine ? ", to which the process is bound, of \(machine)" : "")
            + (limit.map { "; its control group is given the time of \(short($0))" } ?? "")
    }

    /// Whether OpenMP takes the text: numbers from 1 on, one for each level of threads.
    static func isMeant(_ text: String) -> Bool {
        text.split(separator: ",", omittingEmptySubsequences: false).allSatisfy { part in
            Int(part.trimmingCharacters(in: .whitespaces)).map { (1...Int(Int32.max)).contains($0) } ?? false
        }
    }

    /// Those of this process.
    static func own(_ environment: [String: String]) -> ThreadsCheck {
        let allowed = Processors.allowed.count
        let threads = TorchRuntime.threadCount
        return ThreadsCheck(
            machine: max(ProcessInfo.processInfo.processorCount, allowed),
            allowed: allowed, cores: Processors.coreCount, limit: Processors.group.limit,
            fitting: Processors.available,
            threads: threads, startable: startable(threads - 1),
            asked: environment[variable].flatMap { $0.isEmpty ? nil : $0 })
    }

    /// No more threads than this are tried.
    private static let mostTried = 256

    /// How many threads the system starts at a time, of some. All end at once.
    static func startable(_ count: Int) -> Int {
        let (gate, ended) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let work: @Sendable () -> Void = {
            gate.wait()
            ended.signal()
        }
        var started = 0
        while started < min(count, mostTried), (try? ThreadMaker.current.start("doctor", work)) != nil {
            started += 1
        }
        for _ in 0..<started { gate.signal() }
        for _ in 0..<started { ended.wait() }
        return count > mostTried && started == mostTried ? count : started
    }
}
