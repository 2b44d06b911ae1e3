import Foundation
import Testing
import Torch

@testable import FileSystem
@testable import RWSANCommands

/// What each check of `rwsan doctor` makes of what a machine says.
@Suite struct DoctorCheckTests {
    @Test(
        "a libtorch of another version than the program was built with is wrong, and so is one that does not compute"
    )
    func libtorch() {
        func finding(_ found: String, _ failure: String? = nil) -> Finding {
            LibtorchCheck(expected: "2.11.0", found: found, path: "/x/libtorch_cpu.so", failure: failure)
                .finding
        }
        #expect(finding("2.11.0") == .ok("libtorch", "2.11.0, /x/libtorch_cpu.so"))
        let other = finding("2.12.1")
        #expect(other.state == .wrong && other.found.hasPrefix("2.12.1, "))
        #expect(other.advice?.contains("expected 2.11.0") == true)
        #expect(finding("2.11.0", "a product of matrices came out as 0.0").state == .wrong)
    }

    @Test("the library's place is found among what is mapped, with spaces in its path")
    func libraryPath() {
        let maps = """
            55d0c000-55d0d000 r--p 00000000 08:01 131 /usr/bin/rwsan
            7f00-7f10 r--p 00000000 08:01 77                         /opt/my libs/torch/lib/libtorch_cpu.so
            7f20-7f30 rw-p 00000000 00:00 0
            """
        #expect(LibtorchCheck.libraryPath(in: maps) == "/opt/my libs/torch/lib/libtorch_cpu.so")
        #expect(LibtorchCheck.libraryPath(in: "") == nil)
    }

    @Test("a processor without AVX-512 or AVX2 is a note that says what it lacks")
    func processors() {
        func finding(
            _ kernels: Processor.Kernels, _ instructions: Set<String>, libtorch: String, asked: String? = nil
        ) -> Finding {
            let isBest = kernels == .v4
            let processor = Processor(
                instructions: instructions, kernels: kernels, hasPackedProducts: isBest,
                hasInt8Products: isBest, libtorchKernels: libtorch)
            return ProcessorCheck(model: "Model 1", processor: processor, asked: asked).finding
        }
        let best = finding(.v4, ["avx2", "avx512_f", "avx512_vnni"], libtorch: "AVX512")
        #expect(
            best
                == .ok(
                    "processor",
                    "Model 1: AVX2, AVX-512, VNNI; kernels for x86-64-v4, packed weights, --precision int8; "
                        + "libtorch's for AVX512"))
        let older = finding(.v3, ["avx2"], libtorch: "AVX2")
        #expect(
            older.state == .note && older.found == "Model 1: AVX2; kernels for x86-64-v3; libtorch's for AVX2"
        )
        #expect(finding(.any, [], libtorch: "DEFAULT").advice?.contains("AVX2") == true)
        let held = finding(.v4, ["avx512_f"], libtorch: "AVX2", asked: "avx2")
        #expect(held.advice?.hasPrefix("ATEN_CPU_CAPABILITY=avx2 keeps libtorch from") == true)
    }

    @Test(
        "threads are held against processors, cores, and what a control group is given",
        arguments: [
            // machine, allowed, cores, limit, threads, startable, asked, state, words of the line
            (8, 8, 8, nil, 8, 7, nil, .ok, "8 on 8 processors"),
            // Two processors of a core are no use to products of matrices.
            (8, 8, 4, nil, 4, 3, nil, .ok, "4 on 8 processors of 4 cores"),
            (8, 8, 4, nil, 4, 3, "4", .ok, "4 on 8 processors of 4 cores"),
            (
                64, 64, 64, 2, 64, 63, nil, .note,
                "OMP_NUM_THREADS=2: more threads than that wait for each other"
            ),
            (64, 64, 64, 2.5, 2, 1, "2", .ok, "its control group is given the time of 2.5"),
            (8, 8, 8, nil, 2, 1, "2", .note, "unset OMP_NUM_THREADS, or OMP_NUM_THREADS=8"),
            (8, 2, 2, nil, 2, 1, nil, .ok, "2 on 2 processors, to which the process is bound, of 8"),
            (8, 8, 8, nil, 8, 3, nil, .wrong, "the system starts 3 of the 7 more that libtorch would"),
            (8, 8, 8, nil, 8, 0, nil, .wrong, "OMP_NUM_THREADS=1"),
        ] as [(Int, Int, Int, Double?, Int, Int, String?, Finding.State, String)])
    func threads(
        machine: Int, allowed: Int, cores: Int, limit: Double?, threads: Int, startable: Int, asked: String?,
        state: Finding.State, words: String
    ) {
        let fitting = max(1, Int(min(Double(allowed), limit ?? .infinity)))
        let finding = ThreadsCheck(
            machine: machine, allowed: allowed, cores: cores, limit: limit, fitting: fitting,
            threads: threads,
            startable: startable, asked: asked
        ).finding
        #expect(finding.state == state, "\(finding.line)")
        #expect(finding.line.contains(words), "\(finding.line)")
    }

    @Test("what leaves least memory counts, and too little to ask a small model is wrong")
    func memory() {
        let machine = "MemTotal:       16000000 kB\nMemFree: 1 kB\nMemAvailable:    8000000 kB\n"
        let process = "Name:\trwsan\nVmSize:\t  700000 kB\n"
        func finding(addresses: Int? = nil, group: ControlGroups.MemoryLimit? = nil) -> Finding {
            MemoryCheck(
                bounds: MemoryCheck.bounds(
                    machine: machine, process: process, addressLimit: addresses, group: group)
            ).finding
        }
        #expect(finding() == .ok("memory", "8.2 GB left of the machine's 16.4 GB"))
        let container = ControlGroups.MemoryLimit(byteCount: 1 << 30, free: 500_000_000)
        #expect(finding(group: container).state == .note)
        #expect(finding(group: container).found == "500.0 MB left of the control group's 1.1 GB")
        let full = finding(group: ControlGroups.MemoryLimit(byteCount: 1 << 30, free: 1 << 20))
        #expect(full.state == .wrong && full.advice?.contains("268.4 MB") == true)
        let limited = finding(addresses: 900_000 << 10)
        #expect(limited.state == .wrong, "\(limited)")
        #expect(limited.found.hasSuffix("of addresses that ulimit -v gives"))
        #expect(finding(addresses: 1 << 10).found.hasPrefix("0.0 MB left"))
    }

    @Test("no number that the system could say ends the process")
    func oddNumbers() {
        for odd in ["-1", "99999999999999999999", "\(Int.max)", "x", ""] {
            let bounds = MemoryCheck.bounds(
                machine: "MemAvailable: \(odd) kB", process: "VmSize: \(odd) kB", addressLimit: .max,
                group: nil)
            #expect(bounds.count == 1, "\(odd)")
        }
        #expect(MemoryCheck(bounds: []).finding.state == .note)
    }

    @Test("a folder with little room is a note, and the working folder's room for no checkpoint is wrong")
    func folders() {
        func use(isNeeded: Bool) -> FolderCheck.Use {
            FolderCheck.Use(
                name: "folder", isNeeded: isNeeded, ample: 4_000_000_000, content: "much comes",
                advice: "another",
                other: "choose another")
        }
        func finding(isNeeded: Bool, free: Int?, refusal: String? = nil) -> Finding {
            FolderCheck(use: use(isNeeded: isNeeded), path: "/x", refusal: refusal, free: free).finding
        }
        #expect(finding(isNeeded: true, free: 5_000_000_000).state == .ok)
        #expect(finding(isNeeded: true, free: nil) == .ok("folder", "/x: can be written"))
        #expect(
            finding(isNeeded: true, free: 1_000_000_000).advice
                == "much comes; make room there, or choose another")
        #expect(finding(isNeeded: true, free: 1_000_000).state == .wrong)
        #expect(finding(isNeeded: false, free: 0).state == .note)
        #expect(finding(isNeeded: true, free: nil, refusal: "Read-only file system").state == .wrong)
        #expect(finding(isNeeded: false, free: nil, refusal: "Read-only file system").state == .note)
    }

    @Test("a driver without devices, or older than libtorch's CUDA, is a note, and no driver is none")
    func devices() {
        func finding(_ driver: Device.Driver, _ devices: Result<[Int?], TorchError>, needed: String? = "13.0")
            -> Finding
        {
            DeviceCheck(driver: driver, needed: needed, devices: devices).finding
        }
        func failure(_ reason: String) -> Result<[Int?], TorchError> {
            .failure(TorchError(operation: "cuda", reason: reason))
        }
        #expect(
            finding(.missing, failure("no NVIDIA driver is installed (libcuda.so.1)"))
                == .ok("CUDA", "no NVIDIA driver: the CPU computes"))
        #expect(
            finding(.found(cuda: "13.0"), .success([80_000_000_000, nil]))
                == .ok("CUDA", "cuda:0 with 80.0 GB free, cuda:1; a driver for CUDA 13.0"))
        let older = finding(.found(cuda: "12.8"), failure("the NVIDIA driver reports no device"))
        #expect(older.state == .note && older.advice == "install an NVIDIA driver for CUDA 13.0 or later")
        let libraries = finding(
            .found(cuda: "13.1"), failure("libtorch's CUDA library could not be loaded: libcudnn.so.9"))
        #expect(libraries.advice == "scripts/setup --cuda brings CUDA's libraries")
        #expect(
            finding(.found(cuda: nil), failure("the NVIDIA driver reports no device")).advice?.contains(
                "nvidia-smi") == true)
        #expect(
            finding(.found(cuda: "13.0"), failure("x"), needed: nil).found.contains("a libtorch without CUDA")
        )
        #expect(DeviceCheck.isOlder("9.2", than: "13.0") && !DeviceCheck.isOlder("13.0", than: "13.0"))
    }

    @Test(
        "a clock that cannot be right is told",
        arguments: [
            (0, "1970-01-01 00:00 UTC"), (1_735_689_599, "2024-12-31 23:59 UTC"),
            (4_922_640_000, "2125-12-29"),
            (9_000_000_000, "2255-03-14"), (.min, "-9223372036854775808 s since 1970"),
            (.max, "9223372036854775807 s"),
        ] as [(Int, String)])
    func clock(seconds: Int, text: String) {
        let finding = ClockCheck(seconds: seconds).finding
        #expect(finding.found.hasPrefix(text), "\(finding.found)")
        let isRight = (1_735_689_600..<4_922_640_001).contains(seconds)
        #expect(finding.state == (isRight ? .ok : .note))
    }
}
