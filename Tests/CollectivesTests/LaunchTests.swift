import Testing
@testable import Collectives

/// What is known of a launcher before MPI is.
@Suite struct LaunchTests {
    @Test(
        "a launcher is known by its own variables",
        arguments: [
            (["OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "4", "PMIX_RANK": "1"], 1, 4),
            (["PMIX_RANK": "3", "SLURM_STEP_NUM_TASKS": "8"], 3, 8),
            (["PMI_RANK": "0", "PMI_SIZE": "2"], 0, 2),
            (["PMIX_RANK": "0"], 0, nil),
        ] as [([String: String], Int, Int?)])
    func known(environment: [String: String], rank: Int, count: Int?) throws {
        let launch = try #require(Launch(environment))
        #expect(launch.rank == rank && launch.count == count)
    }

    @Test(
        "a command line that goes on begins with the launcher's words",
        arguments: [
            (["OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "2"], "mpirun -np 2"),
            // An mpirun in a job of Slurm's.
            (["OMPI_COMM_WORLD_RANK": "0", "SLURM_STEP_NUM_TASKS": "1"], "mpirun -np 2"),
            (["PMIX_RANK": "0", "SLURM_STEP_NUM_TASKS": "2"], "srun --ntasks=2"),
            (["PMI_RANK": "0", "PMI_SIZE": "2"], "mpirun -np 2"),
        ])
    func words(environment: [String: String], expected: String) throws {
        let launch = try #require(Launch(environment))
        #expect(launch.words(processCount: 2).joined(separator: " ") == expected)
    }

    @Test(
        "a job's script, or a variable that is no number, is no launcher",
        arguments: [
            [:], ["SLURM_PROCID": "0", "SLURM_NTASKS": "8", "SLURM_STEP_NUM_TASKS": "8"],
            ["OMPI_COMM_WORLD_RANK": "first"], ["PMI_RANK": "-1"],
        ] as [[String: String]])
    func unknown(environment: [String: String]) { #expect(Launch(environment) == nil) }

    @Test("one process alone needs no MPI; several without it say what makes it")
    func withoutLibrary() throws {
        func join(_ count: String) throws -> ProcessGroup? {
            let environment = [
                "OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": count, "RWSAN_CACHE": "/nowhere",
            ]
            return try ProcessGroup.join(
                #require(Launch(environment)), timeout: .seconds(1), isBeingKilled: { false },
                environment: environment)
        }
        #expect(try join("1") == nil)
        let error = #expect(throws: ProcessError.self) { try join("2") }
        let text = try #require(error).description
        #expect(text.contains("/nowhere/mpi/libCMPI.so") && text.contains("scripts/setup --mpi"), "\(text)")
    }

    @Test("an error names the processes that do not answer, and not hundreds of them")
    func silentPartners() {
        let partners = (0..<6).map { ProcessError.Partner(rank: $0, host: "node\($0)") }
        let one = ProcessError.notAnswering([partners[5]], seconds: 30).description
        #expect(one.hasPrefix("process 5 on node5 has not answered for 30 s"))
        let all = ProcessError.notAnswering(partners, seconds: 0.5).description
        #expect(
            all.hasPrefix("process 0 on node0, ")
                && all.contains("process 3 on node3 and 2 more have not answered for 0.5 s"))
    }
}
