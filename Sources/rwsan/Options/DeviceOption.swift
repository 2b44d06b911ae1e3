import ArgumentParser
import Torch

/// `--device auto|cpu|cuda:N`
struct DeviceOption: ParsableArguments {
    @Option(help: "Where to compute: auto, cpu or cuda:N.") var device = "auto"

    /// The device asked for; `auto` takes a GPU where there is one.
    func resolve() throws -> Device {
        guard device != "auto" else { return .best }
        let chosen = try Device(parsing: device)
        do {
            try chosen.requireAvailable()
        } catch {
            throw UnavailableDevice(device: chosen, reason: error)
        }
        return chosen
    }
}

struct UnavailableDevice: Error, CustomStringConvertible {
    let device: Device
    let reason: TorchError

    var description: String {
        "\(device) cannot be used: \(reason.reason); --device cpu computes without it"
    }
}
