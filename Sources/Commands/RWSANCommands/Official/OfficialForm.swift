import Foundation
import Torch

/// The official release's command lines, made into ours before they are parsed.
enum OfficialForm {
    /// The arguments in our form: those given, or what they mean where they are in the official form, which is
    /// then shown.
    ///
    /// - Throws: `OfficialCommandLineError`; `UnavailableGPU` where GPU names one that is not there.
    static func modernArguments(for arguments: [String]) throws -> [String] {
        guard OfficialCommandLine.isMeant(by: arguments) else { return arguments }
        let translation = try OfficialTranslation(
            OfficialCommandLine(parsing: arguments),
            unnamedVersion: String(Int.random(in: 0..<100_000_000)),
            fileExists: FileManager.default.fileExists(atPath:))
        translation.notes.forEach(Console.note)
        Console.note("the same as: \(ShellQuoting.line([Program.name] + translation.arguments))")
        for device in translation.devices {
            do {
                try device.requireAvailable()
            } catch {
                throw UnavailableGPU(device: device, reason: error)
            }
        }
        return translation.arguments
    }
}

struct UnavailableGPU: Error, CustomStringConvertible {
    let device: Device
    let reason: TorchError

    var description: String {
        "--GPU: \(device) cannot be used: \(reason.reason); --GPU=cpu computes without it"
    }
}
