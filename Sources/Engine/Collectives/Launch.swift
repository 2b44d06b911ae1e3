/// What a launcher, `mpirun` or `srun`, tells each process that it starts.
package struct Launch: Sendable, Equatable {
    /// Which of the processes this one is, from 0 on.
    package let rank: Int
    /// How many there are; nil where the launcher does not say.
    package let count: Int?
    /// Whether Slurm's `srun` is the launcher, and not an `mpirun`, which may run in a job of Slurm's too.
    private let isSlurms: Bool

    /// Of Open MPI, of PMIx (what `srun --mpi=pmix` speaks), and of PMI (what MPICH's launchers and `srun --mpi=pmi2` do).
    /// Slurm's own variables count for nothing by themselves: a job's script has them too, and was started by no launcher.
    private static let rankNames = ["OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"]
    private static let countNames = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"]

    /// Nil where no launcher has started the process.
    ///
    /// - Parameter environment: The variables to go by.
    package init?(_ environment: [String: String]) {
        func number(_ names: [String]) -> Int? {
            names.lazy.compactMap { environment[$0].flatMap { Int($0) } }.first { $0 >= 0 }
        }
        guard let rank = number(Self.rankNames) else { return nil }
        self.rank = rank
        count = number(Self.countNames)
        isSlurms = environment["OMPI_COMM_WORLD_RANK"] == nil && environment["SLURM_STEP_NUM_TASKS"] != nil
    }

    /// The words that start so many processes again, before those of the command. Where they are to run, and on which
    /// processors, the launcher was told and does not tell.
    package func words(processCount: Int) -> [String] {
        isSlurms ? ["srun", "--ntasks=\(processCount)"] : ["mpirun", "-np", "\(processCount)"]
    }
}
