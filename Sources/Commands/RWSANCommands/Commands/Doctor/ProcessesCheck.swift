import Collectives

/// MPI, with which several processes share work.
struct ProcessesCheck {
    private static let name = "MPI"

    let installation: MPIInstallation
    /// Whether a launcher has started this process, so that a run needs MPI.
    let isLaunched: Bool

    var finding: Finding {
        switch installation {
        case .usable(let mpi): return .ok(Self.name, "\(mpi): several processes can share work")
        case .missing where !isLaunched: return .ok(Self.name, "not set up; a run of one process needs none")
        case .missing:
            return .wrong(
                Self.name, "not set up, and mpirun or srun has started this process",
                advice: "scripts/setup --mpi, or start \(Program.name) without them")
        case .unusable(let reason):
            let advice = "scripts/setup --mpi makes its library anew, for the MPI that mpicc is of"
            let text = "cannot be used: \(reason)"
            return isLaunched
                ? .wrong(Self.name, text, advice: advice) : .note(Self.name, text, advice: advice)
        }
    }

    /// What this process finds.
    static func own(_ environment: [String: String]) -> ProcessesCheck {
        ProcessesCheck(installation: MPIInstallation(environment), isLaunched: Launch(environment) != nil)
    }
}
