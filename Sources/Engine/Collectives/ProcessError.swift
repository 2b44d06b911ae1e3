/// Why processes cannot work together, or no longer.
package enum ProcessError: Error, Sendable, Equatable, CustomStringConvertible {
    /// One of the processes, as people find it.
    package struct Partner: Sendable, Equatable {
        /// From 0 on.
        package let rank: Int
        /// The name of its machine.
        package let host: String

        /// - Parameters: as the properties.
        package init(rank: Int, host: String) {
            self.rank = rank
            self.host = host
        }
    }

    case notSetUp(reason: String)
    case otherInterface(library: String)
    case otherCount(started: Int, found: Int)
    case failed(reason: String)
    case notAnswering([Partner], seconds: Double)
    case tooLong(byteCount: Int)
    case unreadable(Partner)

    /// One line.
    package var description: String {
        switch self {
        case .notSetUp(let reason):
            "mpirun or srun has started several processes, and MPI cannot be used: \(reason); run scripts/setup --mpi, or start "
                + "the command without them"
        case .otherInterface(let library):
            "\(library): expected what this version has made, found another's: run scripts/setup --mpi again"
        case .otherCount(let started, let found):
            "expected the \(started) processes that were started, found \(found) by MPI: use the mpirun of the MPI that "
                + "scripts/setup --mpi has found, or srun --mpi=pmix"
        case .failed(let reason):
            "the processes cannot reach each other: \(reason)"
        case .notAnswering(let partners, let seconds):
            "\(Self.text(partners)) \(partners.count == 1 ? "has" : "have") not answered for \(Self.text(seconds)) s: it was "
                + "killed or stopped, or its machine or network is lost; a run goes on from its last checkpoint with --resume"
        case .tooLong(let byteCount):
            "expected messages of less than 2 GB in all, found \(byteCount) bytes: start fewer processes"
        case .unreadable(let partner):
            "\(Self.text([partner])): expected a message that can be read: every process has to be of the same version, and to "
                + "find the same files"
        }
    }

    private static let namedPartners = 4

    private static func text(_ partners: [Partner]) -> String {
        let names = partners.prefix(namedPartners).map { "process \($0.rank) on \($0.host)" }
        let more = partners.count - names.count
        return names.joined(separator: ", ") + (more > 0 ? " and \(more) more" : "")
    }

    private static func text(_ seconds: Double) -> String {
        let text = "\(seconds)"
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
}
