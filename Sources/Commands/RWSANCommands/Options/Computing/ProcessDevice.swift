import ArgumentParser
import Collectives
import Torch

/// The GPUs that one of several processes sees, of which each takes one, or all take the CPU.
struct ProcessDevice: Codable, Equatable {
    /// The machine's name.
    let host: String
    /// What tells each GPU from the others, in the order of their numbers. Launchers show all processes of a machine the same
    /// ones, or each process its own.
    let gpus: [[UInt8]]

    /// What this process takes, where `--device` says this of all of them.
    ///
    /// - Throws: `ValidationError` where it cannot be meant; `UnavailableDevice` where there is no GPU; `ProcessError`.
    static func resolve(_ text: String, for share: WorkShare) throws -> Device {
        switch text {
        case "cpu": return .cpu
        case "auto", "cuda": break
        default:
            throw ValidationError(
                "--device: expected auto, cpu or cuda for \(share.processCount) processes, each of which takes a GPU of its own, "
                    + "found '\(text)'")
        }
        let gpus = try share.together { try visible(areNeeded: text == "cuda") }
        let own = ProcessDevice(host: share.group?.hosts[share.rank] ?? "", gpus: gpus)
        let device = try device(of: share.rank, among: share.all(own))
        try device.select()
        return device
    }

    private static func visible(areNeeded: Bool) throws -> [[UInt8]] {
        do {
            return try (0..<Device.cudaDeviceCount()).map { try Device.cuda($0).identity }
        } catch let error as TorchError {
            guard areNeeded else { return [] }
            throw UnavailableDevice(device: .cuda(0), reason: error)
        }
    }

    /// - Parameters:
    ///   - rank: The process.
    ///   - all: What all processes see.
    /// - Throws: `ValidationError` where a machine has too few GPUs, the same one for all processes.
    static func device(of rank: Int, among all: [ProcessDevice]) throws -> Device {
        guard all.allSatisfy({ !$0.gpus.isEmpty }) else { return .cpu }
        var found = Device.cpu
        var taken: Set<[UInt8]> = []
        for (other, process) in all.enumerated() {
            // The first one that no process before it has taken.
            guard let place = process.gpus.firstIndex(where: { !taken.contains($0) }) else {
                let neighbours = all.filter { $0.host == process.host }
                throw ValidationError(
                    "--device: expected a GPU for each of the \(neighbours.count) processes on \(process.host), found "
                        + "\(Set(neighbours.flatMap(\.gpus)).count): start no more processes there, or add --device cpu"
                )
            }
            taken.insert(process.gpus[place])
            if other == rank { found = .cuda(place) }
        }
        return found
    }
}
