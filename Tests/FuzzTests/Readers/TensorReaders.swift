import Archives
import Foundation
import TestSupport
import Torch
import VQATraining

/// Readers of tensors and checkpoints.
let tensorReaders: [FuzzedReader] = [
    // The pickle within a zip whose storages are all there; read as an official checkpoint, too.
    FuzzedReader(name: "pickle", seeds: { try pickles() }) { bytes, place in
        var entries: [(name: String, contents: [UInt8])] = [("a/data.pkl", bytes)]
        for key in 0..<4 { entries.append(("a/data/\(key)", [UInt8](repeating: 1, count: 64))) }
        let file = Packed.zip(entries)
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

/// The pickles in the fixtures of `torch.save`.
private func pickles() throws -> [[UInt8]] {
    try [
        "torch/expanded.pt", "torch/protocol2.pt", "torch/protocol4.pt", "mini/ckpts/epoch1.pkl",
        "zoo/models/mfb_vqa/checkpoint.pkl", "zoo/models/butd_vqa/checkpoint_older.pkl",
    ].compactMap { name in
        guard let reader = try? ArchiveReader(bytes: fixture(name), name: name) else { return nil }
        while let entry = try reader.nextEntry() {
            if entry.path.hasSuffix("data.pkl") { return try reader.readContents(byteLimit: 1 << 20) }
        }
        return nil
    }
}

private let checkpointDataCount = 24

/// The header of a checkpoint with a weight, what Adam keeps of it, and everything else that there can be.
private func checkpointHeaders() throws -> [[UInt8]] {
    let header = #"""
        {"__metadata__":{"format":"rwsan-checkpoint-1","configuration":"{\"model\":\"rwsan\",\"lr_base\":0.0001,\"opt_betas\":[0.9,0.98],\"hidden_size\":512,\"eval_every_epoch\":true}","words":"[\"PAD\",\"UNK\",\"what\"]","answers":"[\"yes\",\"no\"]","training":"{\"epoch\":2,\"stepInEpoch\":1,\"step\":21,\"skippedSteps\":1,\"learningRateBase\":0.0001,\"lossSum\":3.5,\"gradientNormSum\":1,\"seconds\":2.5,\"seed\":7,\"threadCount\":2,\"lossScale\":{\"scale\":1024,\"goodSteps\":3}}","features":"{\"network\":\"EfficientNet-Lite0\",\"blocks\":[4],\"inputSize\":320}"},"proj.weight":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"optimizer.mean.proj.weight":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},"optimizer.square.proj.weight":{"dtype":"F32","shape":[1],"data_offsets":[12,16]},"random.cpu":{"dtype":"U8","shape":[4],"data_offsets":[16,20]},"random.cuda.0":{"dtype":"U8","shape":[4],"data_offsets":[20,24]}}
        """#
    return [Array(header.utf8)]
}
