import FileSystem
import Foundation

/// How much memory a run can have.
struct MemoryCheck {
    private static let name = "memory"

    /// What binds a process.
    struct Bound: Equatable {
        /// What it is, in words that follow a number of bytes.
        let what: String
        /// How many bytes are left of it.
        let free: Int
    }

    /// What there is; that which leaves least counts.
    let bounds: [Bound]

    /// Without this much, not even a small model can be asked: docs/reliability.md has what commands take.
    static let least = 256 << 20
    /// As much as training at VQA-v2's size takes.
    static let ample = 2_200_000_000

    var finding: Finding {
        guard let tightest = bounds.min(by: { $0.free < $1.free }) else {
            return .note(Self.name, "the system does not say how much there is", advice: "mount /proc")
        }
        let text = "\(readable(bytes: tightest.free)) left \(tightest.what)"
        if tightest.free < Self.least {
            return .wrong(
                Self.name, text,
                advice:
                    "end other programs or raise the limit: a small model takes \(readable(bytes: Self.least))"
            )
        }
        if tightest.free < Self.ample {
            return .note(
                Self.name, text,
                advice:
                    "enough to answer; training at VQA-v2's size takes \(readable(bytes: Self.ample)), with a smaller "
                    + "batch_size less")
        }
        return .ok(Self.name, text)
    }

    /// What binds this process.
    static var own: MemoryCheck {
        MemoryCheck(
            bounds: bounds(
                machine: SmallFile.systemText(of: "/proc/meminfo"),
                process: SmallFile.systemText(of: "/proc/self/status"),
                addressLimit: limit(RLIMIT_AS), group: ControlGroups().memory))
    }

    /// - Parameters:
    ///   - machine: The lines of `/proc/meminfo`: `MemAvailable:    1234 kB`.
    ///   - process: The lines of `/proc/self/status`: `VmSize:    1234 kB`.
    ///   - addressLimit: How many bytes of addresses the process may have; nil for any number.
    ///   - group: What the control group is given; nil for all.
    static func bounds(
        machine: String, process: String, addressLimit: Int?, group: ControlGroups.MemoryLimit?
    ) -> [Bound] {
        var bounds: [Bound] = []
        if let available = kilobytes("MemAvailable", in: machine) {
            let total = kilobytes("MemTotal", in: machine).map { "of the machine's \(readable(bytes: $0))" }
            bounds.append(Bound(what: total ?? "on the machine", free: available))
        }
        if let group {
            bounds.append(
                Bound(what: "of the control group's \(readable(bytes: group.byteCount))", free: group.free))
        }
        if let addressLimit {
            let used = kilobytes("VmSize", in: process) ?? 0
            bounds.append(
                Bound(
                    what: "of the \(readable(bytes: addressLimit)) of addresses that ulimit -v gives",
                    free: max(0, addressLimit.addingClamped(-used))))
        }
        return bounds
    }

    private static func kilobytes(_ name: String, in text: String) -> Int? {
        let line = text.split(separator: "\n").first { $0.hasPrefix(name + ":") }
        guard let number = line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap({ Int($0) }),
            0...(Int.max >> 10) ~= number
        else { return nil }
        return number << 10
    }

    /// A limit that the system holds the process to; nil for none.
    static func limit(_ resource: __rlimit_resource) -> Int? {
        var limit = rlimit()
        guard getrlimit(CInt(clamping: resource.rawValue), &limit) == 0, limit.rlim_cur != .max else {
            return nil
        }
        return Int(clamping: limit.rlim_cur)
    }
}
