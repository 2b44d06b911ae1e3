// swift-tools-version: 6.2
import Foundation
import PackageDescription

/// Where libtorch is: the folder that `scripts/setup` links into the clone, else the one that it keeps in the user's
/// cache, which a package that depends on this one finds too.
let libtorch: String = {
    let version = "2.11.0"
    func value(_ name: String) -> String? { Context.environment[name].flatMap { $0.isEmpty ? nil : $0 } }
    let cache =
        value("RWSAN_CACHE") ?? (value("XDG_CACHE_HOME") ?? (value("HOME") ?? "~") + "/.cache") + "/rwsan"
    let clone = Context.packageDirectory + "/.libtorch"
    return FileManager.default.fileExists(atPath: clone + "/torch") ? clone : "\(cache)/libtorch/\(version)"
}()

let torchHeaders = [
    "-isystem", libtorch + "/torch/include",
    "-isystem", libtorch + "/torch/include/torch/csrc/api/include",
]
let torchLibraries = libtorch + "/torch/lib"

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

/// What the system provides: `Sources/System`.
func system(_ name: String, _ pkgConfig: String?, apt: String) -> Target {
    .systemLibrary(
        name: name, path: "Sources/System/" + name, pkgConfig: pkgConfig, providers: [.apt([apt])])
}

/// A module in one of the rooms of `Sources`. docs/architecture.md says what each is for.
func module(_ room: String, _ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, path: "Sources/\(room)/\(name)")
}

func benchmark(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(
        name: name, dependencies: dependencies + ["COpenMP", argumentParser], path: "Benchmarks/" + name)
}

func tests(of name: String, _ dependencies: Target.Dependency...) -> Target {
    .testTarget(name: name + "Tests", dependencies: [.byName(name: name), "TestSupport"] + dependencies)
}

/// Modules whose readers are fuzzed, or tested with inputs that were found so.
let fuzzed: [Target.Dependency] = [
    "TestSupport", "VisualQuestionAnswering", "VQATraining", "RegionDetector", "VQAVision", "VQADatasets", "VQAFeatures",
    "Torch", "VQAModels", "ServerInput", "Hub", "Downloads", "Archives", "FileSystem", "CTurboJPEG", "CWebP", "CZlib",
]

/// With `RWSAN_FUZZ`, which `scripts/fuzz` sets to libFuzzer's library, the readers with libFuzzer around them; without
/// it, their tests.
let fuzzing: [Target] =
    if let library = Context.environment["RWSAN_FUZZ"] {
        [
            .systemLibrary(name: "CFuzzer", path: "Tests/FuzzTests/CFuzzer"),
            .executableTarget(
                name: "Fuzz", dependencies: fuzzed + ["CFuzzer"], path: "Tests/FuzzTests",
                sources: ["Readers", "Driver"],
                linkerSettings: [.unsafeFlags([library]), .linkedLibrary("stdc++")]),
        ]
    } else {
        [
            .testTarget(
                name: "FuzzTests", dependencies: fuzzed, path: "Tests/FuzzTests",
                exclude: ["CFuzzer", "Driver"])
        ]
    }

let package = Package(
    name: "rwsan",
    products: [
        .executable(name: "rwsan", targets: ["rwsan"]),
        .executable(name: "rwsan-server", targets: ["rwsan-server"]),
        .library(name: "Torch", targets: ["Torch"]),
        .library(name: "VQASettings", targets: ["VQASettings"]),
        .library(name: "VQAFeatures", targets: ["VQAFeatures"]),
        .library(name: "VQADatasets", targets: ["VQADatasets"]),
        .library(name: "VQABatches", targets: ["VQABatches"]),
        .library(name: "VQAVision", targets: ["VQAVision"]),
        .library(name: "RegionDetector", targets: ["RegionDetector"]),
        .library(name: "PictureDrawing", targets: ["PictureDrawing"]),
        .library(name: "VQAModels", targets: ["VQAModels"]),
        .library(name: "VQATraining", targets: ["VQATraining"]),
        .library(name: "VisualQuestionAnswering", targets: ["VisualQuestionAnswering"]),
        .library(name: "RWSANCommands", targets: ["RWSANCommands"]),
        .library(name: "Server", targets: ["Server", "ServerInput"]),
        // Loaded where a CUDA device is used: it refers to libraries that a run on the CPU does without.
        .library(name: "CTorchCUDA", type: .dynamic, targets: ["CTorchCUDA"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        // What Hummingbird's own interfaces are made of.
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.34.1"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.14.0"),
    ],
    targets: [
        system("CArchive", "libarchive", apt: "libarchive-dev"),
        system("CCairo", "cairo", apt: "libcairo2-dev"),
        system("CCrypto", "libcrypto", apt: "libssl-dev"),
        system("CCurl", "libcurl", apt: "libcurl4-openssl-dev"),
        system("CDeflate", "libdeflate", apt: "libdeflate-dev"),
        // giflib comes from its makers without a file for pkg-config.
        system("CGIF", nil, apt: "libgif-dev"),
        system("CPNG", "libpng", apt: "libpng-dev"),
        system("CTIFF", "libtiff-4", apt: "libtiff-dev"),
        system("CTurboJPEG", "libturbojpeg", apt: "libturbojpeg0-dev"),
        system("CWebP", "libwebp", apt: "libwebp-dev"),
        system("CZlib", "zlib", apt: "zlib1g-dev"),

        // In the order in which data flow: a module imports only what stands above it.
        module("Files", "FileSystem", []),
        module("Files", "Workers", ["FileSystem"]),
        module("Files", "Archives", ["CArchive", "CDeflate", "CZlib"]),
        module("Files", "Downloads", ["Archives", "FileSystem", "CCurl"]),
        module("Files", "Hub", ["Downloads", "Archives", "FileSystem", "CCrypto"]),
        module("Files", "TextFiles", ["Archives", "FileSystem", "Workers"]),
        .target(
            name: "TensorBoardEvents",
            dependencies: ["FileSystem", .product(name: "SwiftProtobuf", package: "swift-protobuf")],
            path: "Sources/Files/TensorBoardEvents",
            exclude: ["event.proto", "summary.proto", "hparams.proto", "generate.sh"].map { "Messages/" + $0 }),
        .target(
            name: "CVQAJSON", path: "Sources/Files/CVQAJSON", linkerSettings: [.linkedLibrary("simdjson")]),

        .target(
            name: "CTorchCUDA", path: "Sources/Engine/CTorchCUDA", publicHeadersPath: ".",
            cxxSettings: [
                .headerSearchPath("../CTorch"), .headerSearchPath("../CTorch/include"),
                .unsafeFlags(torchHeaders + ["-isystem", libtorch + "/nvidia/cu13/include"]),
            ]),
        .target(
            name: "CTorch", path: "Sources/Engine/CTorch",
            cxxSettings: [.unsafeFlags(torchHeaders)],
            linkerSettings: [
                .unsafeFlags([
                    "-L" + torchLibraries, "-Xlinker", "-rpath", "-Xlinker", torchLibraries,
                    // A run path that LD_LIBRARY_PATH does not go before: the libtorch there may be another.
                    "-Xlinker", "--disable-new-dtags",
                ]),
                .linkedLibrary("torch_cpu"), .linkedLibrary("c10"),
            ]),
        // Nothing imports it: it sets what libtorch's OpenMP library reads before any program's first line.
        .target(name: "COpenMP", path: "Sources/Engine/COpenMP"),
        // The header alone: scripts/setup --mpi compiles the library, for nobody needs MPI to build or to run on one machine.
        .systemLibrary(name: "CMPI", path: "Sources/Engine/CMPI"),
        .target(name: "CNCCL", path: "Sources/Engine/CNCCL"),
        module("Engine", "Collectives", ["CMPI", "CNCCL", "FileSystem", "Workers"]),
        module("Engine", "Torch", ["CTorch", "Archives"]),

        module("Settings", "VQASettings", []),
        module(
            "Features", "VQAFeatures",
            ["Torch", "Collectives", "Archives", "FileSystem", "TextFiles", "Workers"]),
        module(
            "Datasets", "VQADatasets",
            [
                "VQAFeatures", "VQASettings", "Torch", "Archives", "CVQAJSON", "FileSystem", "TextFiles",
                "Workers",
            ]),
        module("Batches", "VQABatches", ["VQADatasets", "VQAFeatures", "Torch", "Workers"]),
        module(
            "Vision", "VQAVision",
            [
                "VQAFeatures", "Torch", "Collectives", "Archives", "FileSystem", "Workers", "CGIF", "CPNG", "CTIFF",
                "CTurboJPEG",
                "CWebP",
            ]),
        module(
            "Vision", "RegionDetector",
            ["VQAVision", "VQAFeatures", "Torch", "Archives", "FileSystem", "Workers"]),
        module("Vision", "PictureDrawing", ["VQAVision", "FileSystem", "CCairo"]),
        module("Models", "VQAModels", ["VQABatches", "VQASettings", "Torch"]),
        module(
            "Training", "VQATraining",
            [
                "VQAModels", "VQABatches", "VQADatasets", "VQASettings", "Torch", "Collectives", "Archives", "FileSystem",
                "Workers",
            ]),
        module(
            "Pipeline", "VisualQuestionAnswering",
            [
                "VQATraining", "PictureDrawing", "RegionDetector", "VQAVision", "VQAModels", "VQABatches",
                "VQADatasets", "VQAFeatures", "VQASettings", "Torch", "Collectives", "Archives", "Downloads", "FileSystem",
                "TextFiles", "TensorBoardEvents", "Yams",
            ]),
        module("Server", "ServerInput", []),
        .target(
            name: "Server",
            dependencies: [
                "ServerInput", "VisualQuestionAnswering", "RegionDetector", "VQAVision", "Torch", "Archives", "Hub",
                "Workers", .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
            ],
            path: "Sources/Server/Server",
            // Part of the program, which is so one file.
            resources: [.embedInCode("Resources")]),
        module(
            "Commands", "RWSANCommands",
            [
                "VisualQuestionAnswering", "VQATraining", "PictureDrawing", "RegionDetector", "VQAVision", "VQAModels",
                "VQABatches", "VQADatasets", "VQAFeatures", "VQASettings", "Torch", "Collectives", "Archives", "Downloads",
                "Hub", "FileSystem", "Workers", "ServerInput", "COpenMP", argumentParser,
            ]),
        .executableTarget(name: "rwsan", dependencies: ["RWSANCommands"], path: "Sources/Commands/rwsan"),
        // Takes as long to build as all the rest, so that `rwsan` does without it.
        .executableTarget(
            name: "rwsan-server", dependencies: ["RWSANCommands", "Server"], path: "Sources/Commands/rwsan-server"),

        benchmark(
            "StepBenchmark",
            ["VQATraining", "VQAModels", "VQABatches", "VQADatasets", "VQASettings", "Torch", "Collectives"]),
        benchmark("AnswerBenchmark", ["VisualQuestionAnswering", "Torch"]),
        benchmark("FeatureBenchmark", ["VQABatches", "VQADatasets", "VQAFeatures", "Torch", "Workers"]),
        benchmark("StartBenchmark", ["VQABatches", "VQADatasets", "VQAFeatures", "Torch"]),

        .target(name: "TestSupport", dependencies: ["FileSystem", "Torch", "Workers"], path: "Tests/TestSupport"),
        tests(of: "FileSystem"),
        tests(of: "Archives"),
        tests(of: "Downloads"),
        tests(of: "Hub", "Downloads"),
        tests(of: "TextFiles"),
        tests(of: "TensorBoardEvents"),
        tests(of: "Workers"),
        // What stands for NCCL where there are no GPUs.
        .target(name: "NCCLDouble", dependencies: ["CNCCL"], path: "Tests/NCCLDouble"),
        tests(of: "Collectives", "NCCLDouble"),
        tests(of: "Torch", "Archives"),
        tests(of: "VQAFeatures", "Archives", "FileSystem", "VQABatches", "VQADatasets"),
        tests(of: "VQADatasets", "Archives", "VQAFeatures"),
        tests(of: "VQABatches", "VQADatasets", "VQAFeatures"),
        tests(of: "VQAVision", "Downloads", "VQAFeatures", "Torch", "Archives", "CTurboJPEG", "CWebP"),
        tests(of: "RegionDetector", "VQAVision", "VQAFeatures", "Torch", "Archives"),
        tests(of: "PictureDrawing", "VQAVision"),
        tests(of: "VQAModels", "VQABatches", "VQADatasets", "VQASettings"),
        tests(
            of: "VQATraining", "Collectives", "NCCLDouble", "Archives", "VQABatches", "VQADatasets", "VQAFeatures", "VQAModels",
            "VQASettings"),
        tests(of: "VQASettings"),
        tests(
            of: "VisualQuestionAnswering", "FileSystem", "TensorBoardEvents", "VQAFeatures", "VQADatasets", "VQASettings",
            "VQAModels",
            "VQATraining", "Torch"),
        tests(of: "ServerInput"),
        tests(
            of: "Server", "ServerInput", "VisualQuestionAnswering", "VQADatasets", "VQAFeatures", "VQASettings",
            "VQATraining"),
        .testTarget(name: "TutorialTests", dependencies: ["Server", "ServerInput", "VisualQuestionAnswering", "TestSupport"]),
        .testTarget(name: "ArchitectureTests"),
        .testTarget(name: "CommandTests", dependencies: ["RWSANCommands", "rwsan", "rwsan-server", "TestSupport"]),
    ] + fuzzing,
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx20
)
