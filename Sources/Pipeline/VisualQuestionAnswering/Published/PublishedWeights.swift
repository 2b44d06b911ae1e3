import Foundation
import Torch

extension Answerer {
    /// The file that the weights came from: the checkpoint, or that of a published model.
    package var weightFile: String {
        let files = PublishedFiles(path)
        return PublishedFiles.weightFiles.first(where: files.exists).map(files.path) ?? path
    }
}

extension PublishedFiles {
    /// The names that weights have, the preferred first.
    static let weightFiles = ["model.safetensors", "pytorch_model.bin"]

    /// The weights of a network, by name; what else the file holds is left.
    ///
    /// Those of safetensors lie on the file's own pages.
    ///
    /// - Parameters:
    ///   - names: The parameters and buffers of the network.
    ///   - onFile: Given the file on whose pages they lie.
    /// - Throws: ``PublishedModelError`` where there is no file of weights; what reading it throws.
    func weights(named names: [String], onFile: (SafetensorsFile) -> Void = { _ in }) throws -> [String:
        Tensor]
    {
        let weights: [String: Tensor]
        switch try foundWeights() {
        case .safetensors(let file):
            onFile(file)
            let present = Set(file.tensors.map(\.name))
            weights = try tensors(names.filter(present.contains)) { try file.tensor($0) }
        case .torchSave(let saved): weights = try tensors(names) { try saved[.string($0)]?.tensor?.tensor() }
        }
        let types: [DType] = [.float32, .float64, .float16, .bfloat16]
        if let (name, tensor) = weights.first(where: { !types.contains($0.value.dtype) }) {
            throw PublishedModelError(
                path: path(Self.weightFiles.first(where: exists) ?? Self.weightFiles[0]),
                reason: "\(name): expected numbers with a point, found \(tensor.dtype)")
        }
        return weights
    }

    /// Every tensor that the file of weights holds.
    ///
    /// - Throws: As ``weights(named:)``.
    func allWeights() throws -> [String: Tensor] {
        switch try foundWeights() {
        case .safetensors(let file):
            return try tensors(file.tensors.map(\.name)) { try file.tensor($0) }
        case .torchSave(let saved):
            return try Dictionary(
                saved.tensors.map { ($0.name, try $0.tensor.tensor()) }, uniquingKeysWith: { $1 })
        }
    }

    private enum Weights {
        case safetensors(SafetensorsFile)
        case torchSave(PickleDictionary)
    }

    private func foundWeights() throws -> Weights {
        switch Self.weightFiles.first(where: exists) {
        case "model.safetensors"?:
            try requireNoPointer("model.safetensors")
            return .safetensors(try SafetensorsFile(path: path("model.safetensors")))
        case let name?:
            try requireNoPointer(name)
            guard let saved = try loadTorchSave(path(name)).dictionary else {
                throw PublishedModelError(
                    path: path(name), reason: "expected a dictionary of tensors, found something else")
            }
            return .torchSave(saved)
        case nil:
            guard !exists(Self.weightFiles[0] + ".index.json") else {
                throw PublishedModelError(
                    path: path(Self.weightFiles[0] + ".index.json"),
                    reason:
                        "expected weights in one file, found them in several, which are not read: save the model with "
                        + "max_shard_size above its size")
            }
            throw PublishedModelError(
                path: path(Self.weightFiles[0]),
                reason: "expected weights, found neither this nor \(Self.weightFiles[1])")
        }
    }

    private func tensors(_ names: [String], _ tensor: (String) throws -> Tensor?) throws -> [String: Tensor] {
        var tensors: [String: Tensor] = [:]
        for name in names {
            tensors[name] = try tensor(name)
        }
        return tensors
    }

    /// Makes sure that a file is not what Git leaves in the place of a large one.
    private func requireNoPointer(_ name: String) throws {
        let file = try MappedFile(path: path(name))
        guard !file.bytes.starts(with: "version https://git-lfs".utf8) else {
            throw PublishedModelError(
                path: path(name),
                reason: "expected weights, found a pointer of Git LFS to them: 'git lfs pull' fetches them")
        }
    }
}
