import ArgumentParser
import VQAFeatures

/// `--dtype float16 --shard-size 128`: what a store is like.
struct StoreOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The numbers that a store has features as: float16 (if not given) or float32.", valueName: "type")
    )
    var dtype: FeaturePrecision?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How many megabytes of features fill a file of the store, 1 to 4096; 128 if not given.",
            valueName: "megabytes"))
    var shardSize: Int?

    /// Whether one of them is given.
    var areGiven: Bool { dtype != nil || shardSize != nil }

    /// What packs features into such a store.
    ///
    /// - Throws: `ValidationError` where a number is out of range.
    func packer(_ naming: ImageNaming) throws -> FeaturePacker {
        var packer = FeaturePacker()
        packer.naming = naming
        if let dtype { packer.precision = dtype }
        guard let shardSize else { return packer }
        guard 1...4096 ~= shardSize else {
            throw ValidationError("expected --shard-size from 1 to 4096 (MB), found \(shardSize)")
        }
        packer.shardByteCount = shardSize << 20
        return packer
    }
}

extension FeaturePrecision: ExpressibleByArgument {}
