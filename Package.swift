// swift-tools-version: 6.1
import PackageDescription

/// `scripts/setup` puts a link to libtorch here; everything below refers to it by this one path.
let libtorch = Context.packageDirectory + "/.libtorch/torch"
let cuda = Context.packageDirectory + "/.libtorch/nvidia/cu13"

let torchHeaders = [
    "-isystem", libtorch + "/include", "-isystem", libtorch + "/include/torch/csrc/api/include",
]

let package = Package(
    name: "rwsan",
    products: [
        .executable(name: "rwsan", targets: ["rwsan"]),
        .library(name: "Torch", targets: ["Torch"]),
        .library(name: "VQAData", targets: ["VQAData"]),
        .library(name: "VQAVision", targets: ["VQAVision"]),
        .library(name: "VQAModels", targets: ["VQAModels"]),
        .library(name: "VQATraining", targets: ["VQATraining"]),
        // Loaded where a CUDA device is used: it refers to libraries that a run on the CPU does without.
        .library(name: "CTorchCUDA", type: .dynamic, targets: ["CTorchCUDA"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
    ],
    targets: [
        // What the system provides.
        .systemLibrary(
            name: "CArchive", pkgConfig: "libarchive", providers: [.apt(["libarchive-dev"])]),
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(
            name: "CDeflate", pkgConfig: "libdeflate", providers: [.apt(["libdeflate-dev"])]),
        .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
        .systemLibrary(
            name: "CTurboJPEG", pkgConfig: "libturbojpeg", providers: [.apt(["libturbojpeg0-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(name: "CVQAJSON", linkerSettings: [.linkedLibrary("simdjson")]),
        .target(
            name: "CTorchCUDA", publicHeadersPath: ".",
            cxxSettings: [
                .headerSearchPath("../CTorch"), .headerSearchPath("../CTorch/include"),
                .unsafeFlags(torchHeaders + ["-isystem", cuda + "/include"]),
            ]),
        .target(
            name: "CTorch",
            cxxSettings: [.unsafeFlags(torchHeaders)],
            linkerSettings: [
                .unsafeFlags([
                    "-L" + libtorch + "/lib", "-Xlinker", "-rpath", "-Xlinker", libtorch + "/lib",
                ]),
                .linkedLibrary("torch_cpu"), .linkedLibrary("c10"),
            ]),

        // In the direction data flows.
        .target(name: "Archives", dependencies: ["CArchive", "CDeflate", "CZlib"]),
        .target(name: "Downloads", dependencies: ["CCurl"]),
        .target(name: "Torch", dependencies: ["CTorch", "Archives"]),
        .target(name: "VQAData", dependencies: ["Torch", "Archives", "CVQAJSON"]),
        .target(name: "VQAVision", dependencies: ["Torch", "VQAData", "Archives", "CPNG", "CTurboJPEG"]),
        .target(name: "VQAModels", dependencies: ["Torch", "VQAData"]),
        .target(name: "VQATraining", dependencies: ["VQAModels"]),
        .executableTarget(
            name: "rwsan",
            dependencies: [
                "VQATraining", "VQAVision", "Downloads", "Yams",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),

        .executableTarget(
            name: "StepBenchmark",
            dependencies: ["VQATraining", .product(name: "ArgumentParser", package: "swift-argument-parser")],
            path: "Benchmarks/StepBenchmark"),
        .executableTarget(
            name: "FeatureBenchmark",
            dependencies: ["VQAData", .product(name: "ArgumentParser", package: "swift-argument-parser")],
            path: "Benchmarks/FeatureBenchmark"),
        .executableTarget(
            name: "StartBenchmark",
            dependencies: ["VQAData", .product(name: "ArgumentParser", package: "swift-argument-parser")],
            path: "Benchmarks/StartBenchmark"),

        .target(name: "TestSupport", dependencies: ["Torch"], path: "Tests/TestSupport"),
        .testTarget(name: "ArchivesTests", dependencies: ["Archives", "TestSupport"]),
        .testTarget(name: "DownloadsTests", dependencies: ["Downloads", "TestSupport"]),
        .testTarget(name: "TorchTests", dependencies: ["Torch", "Archives", "TestSupport"]),
        .testTarget(name: "VQADataTests", dependencies: ["VQAData", "Archives", "TestSupport"]),
        .testTarget(name: "VQAVisionTests", dependencies: ["VQAVision", "VQAData", "Torch", "Archives", "CTurboJPEG", "TestSupport"]),
        .testTarget(name: "VQAModelsTests", dependencies: ["VQAModels", "TestSupport"]),
        .testTarget(name: "VQATrainingTests", dependencies: ["VQATraining", "Archives", "TestSupport"]),
        .testTarget(name: "CommandTests", dependencies: ["rwsan", "TestSupport"]),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx20
)
