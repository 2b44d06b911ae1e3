// swift-tools-version: 6.2
import PackageDescription

/// Where rwsan comes from: in a package of your own, the address of its repository. Here, the clone that this example is
/// in, which needs a tag of the version.
let rwsan = Context.environment["RWSAN_URL"] ?? "file://\(Context.packageDirectory)/../.."

let package = Package(
    name: "own-model",
    dependencies: [.package(url: rwsan, from: "1.0.0")],
    targets: [
        .executableTarget(
            name: "own-model",
            dependencies: [
                .product(name: "RWSANCommands", package: "rwsan"),
                .product(name: "VisualQuestionAnswering", package: "rwsan"),
            ])
    ],
    swiftLanguageModes: [.v6]
)
