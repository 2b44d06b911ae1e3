import Archives
import Foundation
import TestSupport
import VQATraining

@testable import Torch

/// Readers of tensors and checkpoints.
let tensorReaders: [FuzzedReader] = [
    // The pickle within a zip that has the storages it asks for; read as an official checkpoint, too.
    FuzzedReader(name: "pickle", seeds: { try pickles() }) { bytes, place in
        let file = Packed.zip([("a/data.pkl", bytes)] + storages(of: bytes))
        try touch(loadTorchSave(bytes: file, name: "input"))
        _ = try Checkpoint(contentsOf: place.write(file, as: "epoch1.pkl"))
    },
    FuzzedReader(
        name: "torchsave",
        seeds: {
            try ["expanded.pt", "older_form.pt", "protocol2.pt", "protocol4.pt"].map {
                try fixture("torch/" + $0)
            }
        }
    ) { bytes, _ in
        try touch(loadTorchSave(bytes: bytes, name: "input"))
    },
    FuzzedReader(
        name: "safetensors",
        seeds: {
            [
                try fixture("torch/types.safetensors"),
                try fixture("mini/expected/test_predictions_epoch2.safetensors"),
            ]
        }
    ) { bytes, place in
        let file = try SafetensorsFile(path: place.write(bytes))
        for info in file.tensors {
            _ = try file.bytes(of: info.name).reduce(0) { $0 ^ $1 }
            _ = "\(try file.tensor(info.name))"
        }
    },
    // The header of a checkpoint of ours, without the length before it.
    FuzzedReader(name: "checkpoint", seeds: { try checkpointHeaders() }) { bytes, place in
        let padding = [UInt8](repeating: 0x20, count: (8 - bytes.count % 8) % 8)
        let file =
            Packed.little(UInt64(bytes.count + padding.count)) + bytes + padding
            + [UInt8](repeating: 1, count: checkpointDataCount)
        _ = try Checkpoint(contentsOf: place.write(file)).settings.map { "\($0)" }
    },
]

/// Makes the tensors that a value holds, and shows them.
private func touch(_ value: PickleValue) throws {
    for (_, pickled) in (value["state_dict"] ?? value).dictionary?.tensors ?? [] {
        _ = "\(try pickled.tensor())"
    }
}

/// The storages that a pickle asks for, as entries of its zip; none where they are large, or it is damaged.
private func storages(of pickle: [UInt8]) -> [(name: String, contents: [UInt8])] {
    let heap = try? pickle.withUnsafeBytes { bytes in
        var cursor = ByteCursor(bytes)
        return try PickleMachine.run(&cursor).heap
    }
    let storages = heap?.storages ?? []
    let isSmall = storages.count < 64 && storages.allSatisfy { (0...(1 << 12)).contains($0.byteCount) }
    return isSmall ? storages.map { ("a/data/" + $0.key, [UInt8](repeating: 1, count: $0.byteCount)) } : []
}

/// The pickles in the fixtures of `torch.save`, and that of an official checkpoint of two weights.
private func pickles() throws -> [[UInt8]] {
    let fixtures = try ["expanded.pt", "protocol2.pt", "protocol4.pt"].compactMap { name in
        try ZipFile(bytes: fixture("torch/" + name), name: name).contents(endingIn: "data.pkl")
    }
    return fixtures + [Data(base64Encoded: officialPickle).map { [UInt8]($0) } ?? []]
}

extension ZipFile {
    fileprivate func contents(endingIn suffix: String) throws -> [UInt8]? {
        try entries.first { $0.path.hasSuffix(suffix) }.map { try contents(of: $0, byteLimit: 1 << 20) }
    }
}

/// `{'state_dict', 'optimizer', 'lr_base', 'epoch'}` with Adam's state, of Python's pickle in protocol 2.
private let officialPickle = """
    gAJ9cQAoWAoAAABzdGF0ZV9kaWN0cQFjY29sbGVjdGlvbnMKT3JkZXJlZERpY3QKcQIpUnEDKFgSAAAAbW9kdWxlLnByb2oud2VpZ2h0cQRjdG\
    9yY2guX3V0aWxzCl9yZWJ1aWxkX3RlbnNvcl92MgpxBSgoWAcAAABzdG9yYWdlcQZjdG9yY2gKRmxvYXRTdG9yYWdlCnEHWAEAAAAwcQhYAwAA\
    AGNwdXEJSwZ0cQpRSwBLAksDhnELSwNLAYZxDIloAilScQ10cQ5ScQ9YEAAAAG1vZHVsZS5wcm9qLmJpYXNxEGgFKChoBmgHWAEAAAAxcRFoCU\
    sCdHESUUsASwKFcRNLAYVxFIloAilScRV0cRZScRd1WAkAAABvcHRpbWl6ZXJxGH1xGShYBQAAAHN0YXRlcRp9cRsoSwB9cRwoWAQAAABzdGVw\
    cR1LBVgHAAAAZXhwX2F2Z3EeaAUoKGgGaAdYAQAAADJxH2gJSwZ0cSBRSwBoC2gMiWgCKVJxIXRxIlJxI1gKAAAAZXhwX2F2Z19zcXEkaAUoKG\
    gGaAdYAQAAADNxJWgJSwZ0cSZRSwBoC2gMiWgCKVJxJ3RxKFJxKXVLAX1xKihoHUsFaB5oBSgoaAZoB1gBAAAANHEraAlLAnRxLFFLAGgTaBSJ\
    aAIpUnEtdHEuUnEvaCRoBSgoaAZoB1gBAAAANXEwaAlLAnRxMVFLAGgTaBSJaAIpUnEydHEzUnE0dXVYDAAAAHBhcmFtX2dyb3Vwc3E1XXE2fX\
    E3KFgCAAAAbHJxOEc/Gjbi6xxDLVgFAAAAYmV0YXNxOUc/7MzMzMzMzUc/71wo9cKPXIZxOlgDAAAAZXBzcTtHPhEuC+gm1pVYBgAAAHBhcmFt\
    c3E8XXE9KEsASwFldWF1WAcAAABscl9iYXNlcT5HPxo24uscQy1YBQAAAGVwb2NocT9LAnUu
    """

private let checkpointDataCount = 24

/// The header of a checkpoint with a weight, what Adam keeps of it, and everything else that there can be.
private func checkpointHeaders() throws -> [[UInt8]] {
    let header = #"""
        {"__metadata__":{"format":"rwsan-checkpoint-1","configuration":"{\"model\":\"rwsan\",\"lr_base\":0.0001,\"opt_betas\":[0.9,0.98],\"hidden_size\":512,\"eval_every_epoch\":true}","words":"[\"PAD\",\"UNK\",\"what\"]","answers":"[\"yes\",\"no\"]","training":"{\"epoch\":2,\"stepInEpoch\":1,\"step\":21,\"skippedSteps\":1,\"learningRateBase\":0.0001,\"lossSum\":3.5,\"gradientNormSum\":1,\"seconds\":2.5,\"seed\":7,\"threadCount\":2,\"lossScale\":{\"scale\":1024,\"goodSteps\":3}}","features":"{\"network\":\"EfficientNet-Lite0\",\"blocks\":[4],\"inputSize\":320}"},"proj.weight":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"optimizer.mean.proj.weight":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},"optimizer.square.proj.weight":{"dtype":"F32","shape":[1],"data_offsets":[12,16]},"random.cpu":{"dtype":"U8","shape":[4],"data_offsets":[16,20]},"random.cuda.0":{"dtype":"U8","shape":[4],"data_offsets":[20,24]}}
        """#
    return [Array(header.utf8)]
}
