import ArgumentParser
import Collectives
import Foundation
import Torch

/// The device of one of several processes: a GPU for each, in the order of the processes of a machine, or the CPU for all.
struct ProcessDevice: Codable, Equatable {
    /// The machine's name.
    let host: String
    /// What `CUDA_VISIBLE_DEVICES` says, by which a launcher may give each process GPUs of its own.
    let visible: String?
    /// How many GPUs the process sees.
    let gpuCount: Int

    /// What each process takes, where `--device` says this of all of them.
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
        let count = try share.together {
            text == "cuda" ? try requiredCount() : (try? Device.cudaDeviceCount()) ?? 0
        }
        let environment = ProcessInfo.processInfo.environment
        let own = ProcessDevice(
            host: share.group?.hosts[share.rank] ?? "", visible: environment["CUDA_VISIBLE_DEVICES"],
            gpuCount: count)
        return try device(of: share.rank, among: share.all(own))
    }

    private static func requiredCount() throws -> Int {
        do {
            return try Device.cudaDeviceCount()
        } catch {
            throw UnavailableDevice(device: .cuda(0), reason: error)
        }
    }

    /// - Parameters:
    ///   - rank: The process.
    ///   - all: What all processes see.
    /// - Throws: `ValidationError` where a machine has too few GPUs, the same one for all processes.
    static func device(of rank: Int, among all: [ProcessDevice]) throws -> Device {
        guard all.allSatisfy({ $0.gpuCount > 0 }) else { return .cpu }
        var found = Device.cpu
        for host in Set(all.map(\.host)).sorted() {
            let ranks = all.indices.filter { all[$0].host == host }
            let first = all[ranks[0]]
            // Where each process sees others, its first one is its own.
            let areShared = ranks.count > 1 && ranks.allSatisfy { all[$0].visible == first.visible }
            guard !areShared || ranks.count <= first.gpuCount else {
                throw ValidationError(
                    "--device: expected a GPU for each of the \(ranks.count) processes on \(host), found \(first.gpuCount): "
                        + "start no more processes there, or add --device cpu")
            }
            if let place = ranks.firstIndex(of: rank) { found = .cuda(areShared ? place : 0) }
        }
        return found
    }
}
