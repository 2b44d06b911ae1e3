import Foundation
import TestSupport
import Testing

/// A server with a small detector and the names of what it sees, and a folder to work in.
final class DetectorMirror {
    typealias Reply = LoopbackServer.Reply

    static let weightsName = "resnet101_faster_rcnn_final.caffemodel"
    static let otherName = "resnet101_faster_rcnn_final_iter_320000.caffemodel"
    static let names = ["attributes_vocab.txt", "objects_vocab.txt"]

    let tool: CommandLineTool
    let server: LoopbackServer
    /// What a good server gives for the weights.
    let weights: [UInt8]

    /// - Parameters:
    ///   - form: The fixture that is given for the weights.
    ///   - fault: Changes the good answer to a request, of which there were so many before.
    init(
        form: String = "weights.caffemodel",
        fault: @escaping @Sendable (inout Reply, _ name: String, _ earlier: Int) -> Void = { _, _, _ in }
    ) throws {
        let weights = try [UInt8](Data(contentsOf: Fixtures.url("detector/" + form)))
        let files = [
            Self.weightsName: weights, Self.otherName: weights,
            "objects_vocab.txt": Array((0..<40).map { "Thing\($0),other\n" }.joined().utf8),
            "attributes_vocab.txt": Array((0..<16).map { "quality\($0)\n" }.joined().utf8),
        ]
        server = try LoopbackServer { request, earlier in
            let name = String(request.path.dropFirst("/files/".count))
            guard request.path.hasPrefix("/files/"), let bytes = files[name] else {
                return Reply(status: 404)
            }
            var reply = Reply.file(bytes, tag: name, to: request)
            fault(&reply, name, earlier)
            return reply
        }
        self.weights = weights
        tool = try CommandLineTool()
    }

    /// `rwsan fetch detector` from this server.
    var command: [String] { ["fetch", "detector", "--mirror", server.address + "/files"] }

    func fetch(_ more: String...) throws -> CommandLineTool.Outcome { try tool.run(command + more) }

    /// Where weights of a short name go.
    func folder(_ which: String = "k10-100") -> String { tool.folder.file(".cache/detectors/" + which) }

    /// The names of what lies there.
    func names(_ which: String = "k10-100") -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder(which))) ?? []).sorted()
    }

    /// Where the requests of a file began.
    func offsets(of name: String = DetectorMirror.weightsName) -> [Int] {
        server.exchanges.filter { $0.request.path == "/files/" + name }.map { $0.request.offset ?? 0 }
    }

    /// How many bytes of the weights were sent.
    var sentByteCount: Int {
        server.exchanges.filter { $0.request.path.hasSuffix(Self.weightsName) }.reduce(0) {
            $0 + $1.sentByteCount
        }
    }

    /// Holds that weights and names are there, byte for byte, and nothing else.
    func expectFetched(
        _ outcome: CommandLineTool.Outcome, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let text = Comment(rawValue: outcome.errorOutput)
        #expect(outcome.exitCode == 0, text, sourceLocation: sourceLocation)
        let path = folder() + "/" + Self.weightsName
        #expect(outcome.output == path + "\n", text, sourceLocation: sourceLocation)
        #expect(names() == (Self.names + [Self.weightsName]).sorted(), sourceLocation: sourceLocation)
        let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
        #expect(bytes == weights, sourceLocation: sourceLocation)
    }
}
