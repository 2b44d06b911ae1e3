import Foundation
import Torch

extension PublishedFiles {
    /// The names that weights have, the preferred first.
    static let weightFiles = ["model.safetensors", "pytorch_model.bin"]

    /// The weights of a network, by name; what else the file holds is left.
    ///
    /// Those of safetensors lie on the file's own pages.
    ///
    /// - Parameter names: The parameters and buffers of the network.
    /// - Throws: ``PublishedModelError`` where there is no file of weights; what reading it throws.
    func weights(named names: [String]) throws -> [String: Tensor] {
        let found = Self.weightFiles.first { FileManager.default.fileExists(atPath: path($0)) }
        switch found {
        case "model.safetensors"?:
            let file = try SafetensorsFile(path: path("model.safetensors"))
            let present = Set(file.tensors.map(\.name))
            return try tensors(names.filter(present.contains)) { try file.tensor($0) }
        case let name?:
            guard let saved = try loadTorchSave(path(name)).dictionary else {
                throw PublishedModelError(
                    path: path(name), reason: "expected a dictionary of tensors, found something else")
            }
            return try tensors(names) { try saved[.string($0)]?.tensor?.tensor() }
        case nil:
            throw PublishedModelError(
                path: path(Self.weightFiles[0]),
                reason: "expected weights, found neither this nor \(Self.weightFiles[1])")
        }
    }

    private func tensors(_ names: [String], _ tensor: (String) throws -> Tensor?) throws -> [String: Tensor] {
        var tensors: [String: Tensor] = [:]
        for name in names { tensors[name] = try tensor(name) }
        return tensors
    }
}
