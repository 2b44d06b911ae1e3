/// Makes tensors that have a type and a shape, and no memory: libtorch's meta device.
///
/// It tells how large a network would be before anything is made of that size.
package enum ShapesOnly {
    @TaskLocal static var isOn = false

    /// Runs `body`, in which tensors that are made for any device get no memory, and nothing is drawn at random.
    ///
    /// - Throws: What `body` throws; `TorchError` where it looks at a number.
    package static func run<Result>(_ body: () throws -> Result) rethrows -> Result {
        try $isOn.withValue(true) { try body() }
    }
}
