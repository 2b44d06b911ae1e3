/// A network's parameters in one piece of memory, and their gradients in another, so that each moves between devices in
/// one copy.
package final class FlatParameters {
    /// All parameters, one behind the other, with some zeros between them: float32 `[n]`.
    package let values: Tensor
    /// All gradients in the same order, zeros at first: float32 `[n]`.
    package let gradients: Tensor
    /// Where each parameter lies in ``values``, and its gradient in ``gradients``.
    package let places: [Range<Int>]

    /// So that each begins where wide loads may: at a multiple of 256 bytes.
    private static func room(for parameter: Tensor) -> Int { (parameter.count + 63) / 64 * 64 }

    /// Moves parameters into one piece of memory; they stay the same tensors to everybody who holds them.
    ///
    /// - Parameter parameters: Of float32, on one device.
    /// - Throws: `TorchError` where they are of another type, or on several devices.
    package init(_ parameters: [Tensor]) throws(TorchError) {
        let device = parameters.first?.device ?? .cpu
        if let other = parameters.first(where: { $0.dtype != .float32 || $0.device != device }) {
            throw TorchError(
                operation: "flat parameters",
                reason: "expected float32 on \(device), found \(other.dtype) on \(other.device)")
        }
        let count = parameters.reduce(0) { $0 + Self.room(for: $1) }
        let (values, gradients) = (
            try Tensor.zeros([count], device: device), try Tensor.zeros([count], device: device)
        )
        (self.values, self.gradients) = (values, gradients)
        var places: [Range<Int>] = []
        for parameter in parameters {
            let start = places.last.map { $0.lowerBound + Self.room(for: parameters[places.count - 1]) } ?? 0
            places.append(start..<start + parameter.count)
        }
        self.places = places
        try withoutGradients { () throws(TorchError) in
            for (parameter, place) in zip(parameters, places) {
                func part(of flat: Tensor) throws(TorchError) -> Tensor {
                    try flat.narrowed(axis: 0, start: place.lowerBound, length: place.count).reshaped(
                        parameter.shape)
                }
                let own = try part(of: values)
                try own.copy(from: parameter.detached())
                try parameter.replaceStorage(with: own)
                try parameter.setGradient(part(of: gradients))
            }
        }
    }
}
