import ArgumentParser
import Collectives
import Foundation
import Synchronization
import Torch
import Workers

/// The processes that a launcher has started, of which this is one: process 0 alone prints, and where one fails, all end.
enum JoinedProcesses {
    private static let joined = Mutex<ProcessGroup?>(nil)
    private static let environment = ProcessInfo.processInfo.environment
    private static let launch = Launch(environment)

    private static let isQuiet = Atomic<Bool>(false)

    /// Whether this is the process that prints.
    static var isPrinting: Bool { !isQuiet.load(ordering: .relaxed) }

    /// Joins the others.
    ///
    /// - Returns: Nil where the process is alone.
    /// - Throws: `ProcessError` where MPI is not set up, or a process does not answer.
    static func join(timeout: Duration) throws -> ProcessGroup? {
        guard let launch else { return nil }
        // Before the others are joined, so that nothing is said by each of them.
        isQuiet.store(launch.rank != 0, ordering: .relaxed)
        let group = try ProcessGroup.join(
            launch, timeout: timeout, isBeingKilled: { Interrupts.isTerminated }, environment: environment)
        joined.withLock { $0 = group }
        guard let group else {
            isQuiet.store(false, ordering: .relaxed)
            return nil
        }
        use(processors: try ProcessorShare.own(of: group))
        return group
    }

    /// Has the process compute on no more threads than it has processors for. How many libtorch takes, `OMP_NUM_THREADS`
    /// decides where it is set; libtorch itself knows of processors, and of no limit on their time.
    static func use(processors count: Int) {
        Processors.count = count
        guard environment["OMP_NUM_THREADS"]?.isEmpty ?? true, count < TorchRuntime.threadCount else {
            return
        }
        TorchRuntime.threadCount = count
    }

    /// The words that a command line begins with which starts the processes again that a launcher has started; none where
    /// the process is alone.
    static var launcherWords: [String] {
        guard let launch, let group = joined.withLock({ $0 }) else { return [] }
        return launch.words(processCount: group.count)
    }

    /// So long another process waits before it tells an error, for process 0 may have the same.
    private static let patience = Duration.seconds(5)

    /// What an error line begins with, which tells whose it is.
    ///
    /// - Returns: Nil where another process has told it.
    static func origin(of error: any Error) -> String? {
        guard let launch, launch.rank != 0, launch.count != 1 else { return "" }
        let isFirstToKnow = (error as? ProcessError)?.isFirst(launch.rank) ?? false
        let deadline = ContinuousClock.now + patience
        while !isFirstToKnow, ContinuousClock.now < deadline {
            guard !Interrupts.isTerminated else { return nil }
            usleep(20_000)
        }
        let host = ProcessInfo.processInfo.hostName
        return "process \(launch.rank) on \(host): "
    }

    /// Leaves the others at the end of the command; where it has failed, it ends them.
    ///
    /// - Returns: What the process ends with.
    static func leave(_ code: ExitCode) -> ExitCode {
        guard let group = joined.withLock({ $0 }) else { return code }
        // A signal ends all of them alike.
        guard code == .success || code.rawValue > 128 else {
            group.abort(code.rawValue)
            return code
        }
        do {
            try group.leave()
            return code
        } catch {
            if let origin = origin(of: error) { Console.error(origin + ErrorLine.text(for: error)) }
            group.abort(ExitCode.failure.rawValue)
            return .failure
        }
    }
}

extension ProcessError {
    /// Whether a process is the first of those that are left, which tells it for all.
    fileprivate func isFirst(_ rank: Int) -> Bool {
        guard case .notAnswering(let partners, _) = self else { return false }
        let silent = Set(partners.map(\.rank))
        return (0...rank).first { !silent.contains($0) } == rank
    }
}
