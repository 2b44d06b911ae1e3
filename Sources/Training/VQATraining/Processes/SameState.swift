import Collectives
import FileSystem
import Torch

extension WorkShare {
    /// Makes sure that all processes have the same weights and the same state of the optimizer, to the bit, and stand at the
    /// same step.
    ///
    /// - Parameters:
    ///   - checkpoint: The run as it stands.
    ///   - moment: When that is, for the error: `after epoch 3`.
    /// - Throws: ``DifferentStateError``; `ProcessError`; `TorchError`.
    package func requireSameState(_ checkpoint: Checkpoint, _ moment: String) throws {
        guard let group else { return }
        let checksum = try Self.checksum(of: checkpoint)
        let all = try group.gather(Array(checksum.utf8)).map { String(decoding: $0, as: UTF8.self) }
        guard let other = all.firstIndex(where: { $0 != all[0] }) else { return }
        throw DifferentStateError(
            moment: moment, partner: group.partner(other), found: all[other], first: group.partner(0),
            expected: all[0])
    }

    private static func checksum(of checkpoint: Checkpoint) throws -> String {
        var checksum = Checksum()
        func add(_ name: String, _ tensor: Tensor) throws {
            Array(name.utf8).withUnsafeBytes { checksum.add($0) }
            try tensor.detached().moved(to: .cpu).contiguous().withUnsafeBytes { checksum.add($0) }
        }
        for (name, tensor) in checkpoint.weights.sorted(by: { $0.key < $1.key }) { try add(name, tensor) }
        for (name, state) in checkpoint.optimizerState.sorted(by: { $0.key < $1.key }) {
            for (word, tensor) in state.sorted(by: { $0.key < $1.key }) { try add("\(name).\(word)", tensor) }
        }
        let state = checkpoint.training
        let place = "\(state?.epoch ?? 0) \(state?.stepInEpoch ?? 0) \(state?.step ?? 0) \(state?.seed ?? 0)"
        Array(place.utf8).withUnsafeBytes { checksum.add($0) }
        return checksum.text
    }
}

/// Processes of a run whose weights are not the same.
package struct DifferentStateError: Error, Sendable, CustomStringConvertible {
    /// When it was noticed.
    package let moment: String
    /// The process that differs.
    package let partner: ProcessError.Partner
    /// Its checksum.
    package let found: String
    /// The process that it was held against.
    package let first: ProcessError.Partner
    /// The checksum of that.
    package let expected: String

    /// One line.
    package var description: String {
        "\(moment), expected the same weights in all processes, found the checksum \(expected) in process \(first.rank) on "
            + "\(first.host) and \(found) in process \(partner.rank) on \(partner.host): start all of them on processors of one "
            + "kind, with the same files, and go on from the last checkpoint with --resume"
    }
}
