import Archives
import Foundation
import Testing
import Torch

@Suite struct TorchSaveTests {
    @Test("a checkpoint of the official release has every parameter, by name, in order")
    func officialCheckpoint() throws {
        let checkpoint = try loadTorchSave(fixturePath("mini/ckpts/epoch2.pkl"))
        let tensors = try #require(checkpoint["state_dict"]?.dictionary).tensors
        #expect(tensors.map { "\($0.name) \($0.tensor.shape)" } == officialParameters)
        #expect(tensors.allSatisfy { $0.tensor.dtype == .float32 })
        #expect(checkpoint["lr_base"]?.double == 0.001)
    }

    @Test("a checkpoint's numbers are those that PyTorch reads")
    func officialNumbers() throws {
        let parameters = try #require(try loadTorchSave(fixturePath("mini/ckpts/epoch2.pkl"))["state_dict"])
        let recurrent = try #require(parameters["lstm.weight_hh_l0"]?.tensor).tensor()
        let elements = try recurrent.array(of: Float.self)
        #expect(elements.prefix(3) == [0.17446662485599518, 0.08237508684396744, -0.16802270710468292])
        #expect(elements.last == 0.11005284637212753)
        #expect(abs(try recurrent.converted(to: .float64).sum().item() - 5.2577404039984685) < 1e-9)

        let bias = try #require(parameters["proj.bias"]?.tensor).tensor().array(of: Float.self)
        #expect(bias.prefix(3) == [0.01123836264014244, -0.06073658913373947, 0.03930463641881943])
    }

    @Test("a checkpoint has Adam's state for every parameter, and its settings")
    func officialOptimizer() throws {
        let optimizer = try #require(try loadTorchSave(fixturePath("mini/ckpts/epoch2.pkl"))["optimizer"])
        let state = try #require(optimizer["state"])
        #expect(state.dictionary?.count == officialParameters.count)
        let last = try #require(state[72])
        #expect(try last["step"]?.tensor?.tensor().item() == 30)
        #expect(last["step"]?.tensor?.shape == [])
        let mean = try #require(last["exp_avg"]?.tensor).tensor().array(of: Float.self)
        #expect(mean.prefix(2) == [3.587810516357422, 3.214228630065918])
        let square = try #require(last["exp_avg_sq"]?.tensor).tensor().array(of: Float.self)
        #expect(square.suffix(2) == [9.697311401367188, 29.711267471313477])

        let group = try #require(optimizer["param_groups"]?.elements?.first)
        #expect(group["lr"]?.double == 0.0005)
        #expect(group["betas"]?.elements?.map(\.double) == [0.9, 0.98])
        #expect(group["params"]?.elements?.compactMap(\.int) == Array(0...72))
        #expect(group["weight_decay"]?.double == 0)
    }

    @Test(
        "all forms and protocols of torch.save give the same values",
        arguments: ["protocol2.pt", "protocol4.pt", "older_form.pt"])
    func allForms(name: String) throws {
        let values = try loadTorchSave(fixturePath("torch/\(name)"))
        for dtype in DType.allCases {
            let tensor = try #require(values["types"]?["\(dtype)"]?.tensor)
            #expect(tensor.dtype == dtype)
            #expect(try tensor.tensor().converted(to: .int64).array(of: Int64.self) == [0, 1, 1], "\(dtype)")
        }
        let transposed = try #require(values["transposed"]?.tensor)
        #expect(transposed.shape == [3, 2])
        #expect(transposed.strides == [1, 3])
        #expect(try transposed.tensor().array(of: Float.self) == [0, 3, 1, 4, 2, 5])
        let row = try #require(values["row"]?.tensor)
        #expect(row.storageOffset == 3)
        #expect(try row.tensor().array(of: Float.self) == [3, 4, 5])
        #expect(try values["parameter"]?.tensor?.tensor().array(of: Float.self) == [0, 1, 2, 3, 4, 5])
        #expect(try values["empty"]?.tensor?.tensor().shape == [0, 3])
        #expect(try values["scalar"]?.tensor?.tensor().item() == 3.5)

        #expect(values["shape"]?.elements?.map(\.int) == [2, 3])
        for key in ["integers", "again"] {
            #expect(values[key]?.elements?.map(\.int) == [0, 255, 65535, -7, 1 << 40, .min])
        }
        #expect(values["float"]?.double == 0.1)
        #expect(values["text"]?.string == "é")
        #expect(values[7]?.string == "seven")
        guard case .some(.none) = values["none"], case .tuple(let flags) = values["flags"],
            case .bool(true) = flags.first, case .bool(false) = flags.last
        else {
            Issue.record("None, True and False did not come through")
            return
        }
        if name == "protocol4.pt" {
            guard case .bytes([0x00, 0xFF]) = values["bytes"] else {
                Issue.record("bytes did not come through")
                return
            }
        }
    }

    @Test("both forms are read from memory as from a file", arguments: ["protocol4.pt", "older_form.pt"])
    func fromMemory(name: String) throws {
        let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: fixturePath("torch/\(name)"))))
        let values = try loadTorchSave(bytes: bytes, name: "entry")
        #expect(try values["parameter"]?.tensor?.tensor().array(of: Float.self) == [0, 1, 2, 3, 4, 5])
        #expect(values["text"]?.string == "é")
    }

    @Test("bytes in memory that are none of torch.save's are an error under the name they were given")
    func hostileMemory() throws {
        let older = try [UInt8](Data(contentsOf: URL(fileURLWithPath: fixturePath("torch/older_form.pt"))))
        for bytes in [[], Array("text".utf8), older.dropLast()] {
            let error = #expect(throws: TorchSaveError.self) {
                try loadTorchSave(bytes: bytes, name: "entry")
            }
            #expect(error?.path == "entry")
        }
        let zip = try [UInt8](Data(contentsOf: URL(fileURLWithPath: fixturePath("torch/protocol4.pt"))))
        let error = #expect(throws: ArchiveError.self) {
            try loadTorchSave(bytes: zip.dropLast(30), name: "entry")
        }
        #expect(error?.file == "entry")
    }

    @Test("a tensor that repeats its elements is refused, since a small file could hold a huge one")
    func expandedTensor() throws {
        let path = fixturePath("torch/expanded.pt")
        let error = #expect(throws: TorchSaveError.self) { try loadTorchSave(path) }
        #expect(
            error?.problem
                == .invalidTensor(
                    reason: "shape [5], strides [0] and offset 0 reach beyond a storage of 1 elements"))
    }
}

/// The parameters of design/model.md at the sizes of the mini data set, in the order of the module tree.
private let officialParameters: [String] = {
    func linear(_ name: String, _ outputs: Int, _ inputs: Int) -> [String] {
        ["\(name).weight [\(outputs), \(inputs)]", "\(name).bias [\(outputs)]"]
    }
    func norm(_ name: String, _ width: Int = 32) -> [String] {
        ["\(name).a_2 [\(width)]", "\(name).b_2 [\(width)]"]
    }
    func attention(_ name: String, rank: Int) -> [String] {
        linear("\(name).linear_v", 32, 32) + linear("\(name).linear_k", 4 * rank, 32)
            + linear("\(name).linear_q", 4 * rank, 32) + linear("\(name).linear_merge", 32, 32)
    }
    func multilayer(_ name: String, _ inputs: Int, _ hidden: Int, _ outputs: Int) -> [String] {
        linear("\(name).mlp.fc.linear", hidden, inputs) + linear("\(name).mlp.linear", outputs, hidden)
    }
    let lstm = ["weight_ih_l0 [128, 300]", "weight_hh_l0 [128, 32]", "bias_ih_l0 [128]", "bias_hh_l0 [128]"]
    let (selfUnit, guidedUnit) = ("RWSA_layer.srwsa.denceenc1", "RWSA_layer.sgrwsa.dec1")
    return ["embedding.weight [74, 300]"] + lstm.map { "lstm.\($0)" }
        + linear("img_feat_linear", 32, 24)
        + attention("\(selfUnit).mhatt", rank: 4) + multilayer("\(selfUnit).ffn", 32, 128, 32)
        + norm("\(selfUnit).norm1") + norm("\(selfUnit).norm2")
        + norm("RWSA_layer.srwsa.norm1") + norm("RWSA_layer.srwsa.norm2")
        + attention("\(guidedUnit).mhatt1", rank: 8) + attention("\(guidedUnit).mhatt2", rank: 16)
        + multilayer("\(guidedUnit).ffn", 32, 128, 32)
        + norm("\(guidedUnit).norm1") + norm("\(guidedUnit).norm2") + norm("\(guidedUnit).norm3")
        + norm("RWSA_layer.sgrwsa.norm1") + norm("RWSA_layer.sgrwsa.norm3")
        + multilayer("attflat_img", 32, 16, 1) + linear("attflat_img.linear_merge", 64, 32)
        + multilayer("attflat_lang", 32, 16, 1) + linear("attflat_lang.linear_merge", 64, 32)
        + norm("proj_norm", 64) + linear("proj", 15, 64)
}()
