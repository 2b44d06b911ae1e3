import ArgumentParser
import Collectives
import Foundation
import Torch

/// `--device auto|cpu|cuda:N`
struct DeviceOption: ParsableArguments {
    @Option(
        help: """
            Where to compute: auto, cpu or cuda:N. auto takes a GPU where there is one. Of several processes, where a command \
            takes them, each takes a GPU of its own (auto or cuda).
            """)
    var device = "auto"

    /// The device asked for; `auto` takes a GPU where there is one.
    ///
    /// - Parameter share: This process's share in the work; of several processes, each takes a GPU of its own.
    /// - Throws: As ``available(_:)``; as `ProcessDevice.resolve`.
    func resolve(for share: WorkShare = WorkShare()) throws -> Device {
        guard share.processCount == 1 else { return try ProcessDevice.resolve(device, for: share) }
        let device = try Self.available(device)
        try device.select()
        return device
    }

    /// A device that can be used.
    ///
    /// - Throws: `ValidationError` where the text names none; `UnavailableDevice` where it cannot be used.
    static func available(_ text: String) throws -> Device {
        guard text != "auto" else { return .best }
        let chosen: Device
        do {
            chosen = try Device(parsing: text)
        } catch {
            throw ValidationError("--device: \(error.reason)")
        }
        do {
            try chosen.requireAvailable()
        } catch {
            throw UnavailableDevice(device: chosen, reason: error)
        }
        return chosen
    }
}

/// `--device auto|cpu|cuda:N[,cuda:N...]`
struct DevicesOption: ParsableArguments {
    @Option(
        help: """
            Where to compute: auto, cpu, cuda:N, or several GPUs (cuda:0,cuda:1), which share the questions of each \
            step. auto takes a GPU where there is one. Of several processes, each takes a GPU of its own (auto or cuda).
            """)
    var device = "auto"

    /// The devices asked for; `auto` takes the first GPU where there is one.
    ///
    /// - Parameter share: This process's share in the work; of several processes, each takes a GPU of its own.
    /// - Throws: As `DeviceOption.available`; as `ProcessDevice.resolve`; `ValidationError` where the devices cannot share
    ///   steps.
    func resolve(for share: WorkShare) throws -> [Device] {
        guard share.processCount == 1 else { return [try ProcessDevice.resolve(device, for: share)] }
        let devices = try device.split(separator: ",", omittingEmptySubsequences: false).map {
            try DeviceOption.available($0.trimmingCharacters(in: .whitespaces))
        }
        guard devices.count == 1 || !devices.contains(.cpu) && Set(devices).count == devices.count else {
            throw ValidationError(
                "--device: expected one device, or several different GPUs, found '\(device)'")
        }
        try devices[0].select()
        return devices
    }
}

extension Device {
    /// Devices as `--device` takes them.
    static func list(_ devices: [Device]) -> String { devices.map(\.description).joined(separator: ",") }
}

struct UnavailableDevice: Error, CustomStringConvertible {
    let device: Device
    let reason: TorchError

    var description: String {
        "\(device) cannot be used: \(reason.reason); --device cpu computes without it"
    }
}
