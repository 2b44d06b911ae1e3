import Foundation
import TestSupport
import Torch
import VQADatasets
import VQATraining
import VisualQuestionAnswering

/// Checkpoints of ours on their way to a model that answers.
let modelReaders: [FuzzedReader] = [
    // The header of a safetensors file, without the length before it: settings, words, and the tensors' shapes.
    FuzzedReader(
        name: "model", maximumByteCount: 32 << 10,
        seeds: { try SmallCheckpoint.shared.get().headers }
    ) { bytes, place in
        let padding = [UInt8](repeating: 0x20, count: (8 - bytes.count % 8) % 8)
        let data = try SmallCheckpoint.shared.get().data
        let file = Packed.little(UInt64(bytes.count + padding.count)) + bytes + padding + data
        var options = Answerer.Options()
        options.device = .cpu
        options.verifiedFiles = nil
        _ = try Answerer(checkpoint: place.write(file), options)
    },
    // The settings and answers of a model as the hub has it, with its weights and words beside them.
    FuzzedReader(
        name: "exported", seeds: { [try SmallCheckpoint.shared.get().exportedConfiguration] }
    ) { bytes, place in
        for (name, contents) in try SmallCheckpoint.shared.get().exportedFiles {
            _ = try place.made(name) { try Data(contents).write(to: URL(fileURLWithPath: $0)) }
        }
        _ = try place.write(bytes, as: "config.json")
        var options = Answerer.Options()
        options.device = .cpu
        options.verifiedFiles = nil
        _ = try Answerer(publishedModel: place.path, options)
    },
]

/// A checkpoint of as small a network as there can be.
private struct SmallCheckpoint {
    /// One as it was written, and one without checksums, as before there were any: a change in it goes further.
    let headers: [[UInt8]]
    /// What follows either.
    let data: [UInt8]
    /// The `config.json` of the same model, exported.
    let exportedConfiguration: [UInt8]
    /// The words and weights beside it.
    let exportedFiles: [String: [UInt8]]

    static let shared = Result { try SmallCheckpoint() }

    private init() throws {
        var configuration = Configuration()
        let sizes = [
            "hidden_size": 4, "multi_head": 2, "srwsa_layer": 1, "sgrwsa_layer": 1, "srwsa_midsize": 2,
            "sgrwsa_sa_midsize": 2, "sgrwsa_ga_midsize": 2, "flat_mlp_size": 2, "flat_out_size": 4,
            "img_feat_size": 3, "img_feat_pad_size": 4, "max_token": 3, "word_embed_size": 2,
        ]
        let known = Set(configuration.keys)
        for (key, size) in sizes.sorted(by: { $0.key < $1.key }) where known.contains(key) {
            try configuration.set(key, to: .int(size))
        }
        let model = try configuration.model.make(configuration.inputs(words: 3, answers: 2))
        var checkpoint = Checkpoint(
            weights: Dictionary(uniqueKeysWithValues: model.namedParameters().map { ($0.name, $0.tensor) }))
        checkpoint.settings = configuration.dictionary
        checkpoint.vocabulary = try Vocabulary(words: ["PAD", "UNK", "what"])
        checkpoint.answers = try AnswerList(answers: ["yes", "no"])
        let folder = try TemporaryFolder()
        try checkpoint.write(to: folder.file("checkpoint"))
        let (tensors, metadata) = try loadSafetensors(folder.file("checkpoint"))
        try saveSafetensors(
            tensors, metadata: metadata.filter { !$0.key.hasPrefix("checksum") }, to: folder.file("older"),
            durably: false)
        let parts = try ["checkpoint", "older"].map { try Self.parts(folder.bytes(of: $0)) }
        headers = parts.map(\.header)
        data = parts[0].data
        var options = Answerer.Options()
        options.device = .cpu
        _ = try ModelExport(to: folder.file("exported")).write(
            Answerer(checkpoint: folder.file("checkpoint"), options))
        exportedConfiguration = try folder.bytes(of: "exported/config.json")
        exportedFiles = try Dictionary(
            uniqueKeysWithValues: ["vocab.txt", "model.safetensors"].map {
                ($0, try folder.bytes(of: "exported/" + $0))
            })
    }

    /// The header of a safetensors file, and what follows it.
    private static func parts(_ file: [UInt8]) -> (header: [UInt8], data: [UInt8]) {
        let count = file[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
        return (Array(file[8..<8 + count]), Array(file[(8 + count)...]))
    }
}
