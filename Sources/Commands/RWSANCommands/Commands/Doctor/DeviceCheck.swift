import Torch

/// CUDA: the driver, libtorch's library for it, and the devices.
struct DeviceCheck {
    private static let name = "CUDA"

    let driver: Device.Driver
    /// Which CUDA libtorch was built with; nil for none.
    let needed: String?
    /// How many bytes are free on each device, nil where that cannot be found out; or why there is no device.
    let devices: Result<[Int?], TorchError>

    var finding: Finding {
        guard case .found(let version) = driver else {
            return .ok(Self.name, "no NVIDIA driver: the CPU computes")
        }
        let text = "a driver for CUDA \(version ?? "of an unknown version")"
        guard let needed else {
            return .note(
                Self.name, "\(text), and a libtorch without CUDA: the CPU computes",
                advice: "a libtorch with CUDA uses the GPU: scripts/setup --cuda")
        }
        switch devices {
        case .success(let free) where !free.isEmpty:
            let list = free.enumerated().map { number, bytes in
                "cuda:\(number)" + (bytes.map { " with \(readable(bytes: $0)) free" } ?? "")
            }
            return .ok(Self.name, "\(list.joined(separator: ", ")); \(text)")
        case .success:
            return .note(Self.name, "\(text), and no device: the CPU computes", advice: Self.seeDriver)
        case .failure(let error):
            return .note(
                Self.name, "\(text); \(error.reason): the CPU computes",
                advice: Self.isOlder(version, than: needed)
                    ? "install an NVIDIA driver for CUDA \(needed) or later"
                    : error.reason.contains("libtorch's CUDA library")
                        ? "scripts/setup --cuda brings CUDA's libraries" : Self.seeDriver)
        }
    }

    private static let seeDriver = "nvidia-smi and CUDA_VISIBLE_DEVICES say which devices there are"

    /// Whether a version is below another: `12.8` below `13.0`.
    static func isOlder(_ version: String?, than needed: String) -> Bool {
        func numbers(_ text: String) -> [Int] { text.split(separator: ".").map { Int($0) ?? 0 } }
        return version.map { numbers($0).lexicographicallyPrecedes(numbers(needed)) } ?? false
    }

    /// What this process finds. Loads libtorch's CUDA library where there is a driver.
    static var own: DeviceCheck {
        let driver = Device.driver
        return DeviceCheck(driver: driver, needed: TorchRuntime.cudaVersion, devices: devices())
    }

    private static func devices() -> Result<[Int?], TorchError> {
        do throws(TorchError) {
            return .success((0..<(try Device.cudaDeviceCount())).map { try? Device.cuda($0).freeMemory })
        } catch {
            return .failure(error)
        }
    }
}
