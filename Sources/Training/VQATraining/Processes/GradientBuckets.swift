import Collectives
import Torch

/// The gradients of a network on this process's GPU, in pieces that are added up with those of the other processes' GPUs
/// while backward still makes those of earlier layers.
///
/// Pieces are added up in one order, whatever order their gradients come in, for all processes have to ask for the same.
/// Everything is work for the GPU, and may be part of what is recorded.
final class GradientBuckets {
    private let connection: DeviceConnection
    private let device: Device
    private let flat: FlatParameters
    /// What the pieces are added up on, beside backward.
    private let adding: DeviceStream
    private let pieces: [Piece]
    private var notices: [Notice] = []
    /// How many pieces were begun before backward was over, in the last step.
    private(set) var earlyPieces = 0

    /// What backward is given to; nil where no gradients are to be added up.
    private var computing: DeviceStream?
    /// How many gradients of each piece are to come.
    private var missing: [Int] = []
    private var startedPieces = 0
    private var failure: (any Error)?

    /// Parameters that follow one another.
    private struct Piece {
        /// Where they lie among all of them.
        var place: Range<Int>
        var parameters: [Tensor]
    }

    /// Which piece a parameter belongs to.
    private final class Notice {
        unowned let buckets: GradientBuckets
        let piece: Int
        let parameter: Tensor

        init(_ buckets: GradientBuckets, _ piece: Int, _ parameter: Tensor) {
            (self.buckets, self.piece, self.parameter) = (buckets, piece, parameter)
        }
    }

    /// So many numbers make a piece, 25 MB: many enough for links to be fast, and few enough to begin early.
    static let usualLength = 25_000_000 / 4

    /// - Parameters:
    ///   - parameters: What is learned, of float32 on one device; it is moved into one piece of memory.
    ///   - device: The device.
    ///   - connection: With the others' devices.
    ///   - length: How many numbers a piece has at least, but for the last.
    /// - Throws: `TorchError` where memory is short.
    init(
        _ parameters: [Tensor], on device: Device, _ connection: DeviceConnection, length: Int = usualLength
    ) throws {
        (self.connection, self.device) = (connection, device)
        flat = try FlatParameters(parameters)
        adding = try DeviceStream.beside(device)
        var pieces: [Piece] = []
        // Backward comes to the last layers first.
        for (parameter, place) in zip(parameters, flat.places).reversed() {
            if let last = pieces.last, last.place.count < length {
                pieces[pieces.count - 1].place = place.lowerBound..<last.place.upperBound
                pieces[pieces.count - 1].parameters.append(parameter)
            } else {
                pieces.append(Piece(place: place, parameters: [parameter]))
            }
        }
        self.pieces = pieces
        for (index, piece) in pieces.enumerated() {
            for parameter in piece.parameters where parameter.requiresGradient {
                let notice = Notice(self, index, parameter)
                notices.append(notice)
                try parameter.afterGradient(
                    { context in
                        guard let context else { return }
                        let notice = Unmanaged<Notice>.fromOpaque(context).takeUnretainedValue()
                        notice.buckets.gradientCame(in: notice.piece)
                    }, context: Unmanaged.passUnretained(notice).toOpaque())
            }
        }
    }

    deinit {
        for notice in notices { try? notice.parameter.afterGradient(nil) }
    }

    /// Has the gradients of the backward that follows added up.
    ///
    /// - Throws: `TorchError`.
    func begin() throws {
        missing = pieces.map { $0.parameters.count(where: \.requiresGradient) }
        (startedPieces, failure) = (0, nil)
        computing = try DeviceStream.current(of: device)
    }

    /// Called by backward, on its own thread for the device, while the thread that began it waits.
    private func gradientCame(in piece: Int) {
        guard let computing, failure == nil else { return }
        missing[piece] -= 1
        do {
            while startedPieces < pieces.count, missing[startedPieces] <= 0 { try startPiece(computing) }
        } catch {
            failure = error
        }
    }

    private func startPiece(_ computing: DeviceStream) throws {
        let place = pieces[startedPieces].place
        startedPieces += 1
        guard let address = flat.gradients.address else { return }
        try adding.follow(computing)
        try connection.addUp(
            address + place.lowerBound * MemoryLayout<Float>.stride, count: place.count, on: adding.handle)
    }

    /// Has gradients that come from here on not added up.
    func cancel() { computing = nil }

    /// Adds up what is left, gradients that backward did not come to, and has what follows wait for the sums.
    ///
    /// - Throws: `DeviceExchangeError`; `TorchError`.
    func finish() throws {
        guard let computing else { return }
        self.computing = nil
        if let failure { throw failure }
        earlyPieces = startedPieces
        while startedPieces < pieces.count { try startPiece(computing) }
        try computing.follow(adding)
    }
}
