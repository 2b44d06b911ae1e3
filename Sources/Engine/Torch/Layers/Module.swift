/// A part of a network: its stored tensors, buffers and modules are found by name.
///
/// A layer is a subclass whose stored properties are its parameters, and whose `callAsFunction` is what
/// it computes:
///
///     final class Scale: Module {
///         override class var checkpointNames: [String: String] { ["gain": "a_2"] }
///         let gain: Tensor
///
///         init(width: Int) throws {
///             gain = try Tensor.ones([width]).requiringGradient()
///         }
///
///         func callAsFunction(_ x: Tensor) throws -> Tensor { try x * gain }
///     }
///
/// A parameter's name is the path of properties that leads to it, `encoder.norm1.a_2`.
open class Module {
    /// Whether dropout and batch statistics behave as in training.
    public private(set) var isTraining = true

    /// Nothing to do: parameters are the subclass's own.
    public init() {}

    /// What stored properties are called in a checkpoint, where that is not the property's own name. Dots
    /// stand for modules between: `["expand": "mlp.fc.linear"]`.
    open class var checkpointNames: [String: String] { [:] }

    /// What this module stores itself, in order of declaration.
    private var storedProperties: [(name: String, value: Any)] {
        var mirrors: [Mirror] = []
        var mirror: Mirror? = Mirror(reflecting: self)
        while let current = mirror {
            mirrors.append(current)
            mirror = current.superclassMirror
        }
        let names = type(of: self).checkpointNames
        return mirrors.reversed().flatMap(\.children).compactMap { label, value in
            guard let label else { return nil }
            // A wrapped property is stored under its name with an underscore before it.
            let name = label.hasPrefix("_") ? String(label.dropFirst()) : label
            return (names[name] ?? name, value)
        }
    }

    /// The modules stored here, by name; an array's are numbered from 0.
    public var children: [(name: String, module: Module)] {
        storedProperties.flatMap { name, value -> [(String, Module)] in
            if let module = value as? Module { return [(name, module)] }
            if let modules = value as? [Module] {
                return modules.enumerated().map { ("\(name).\($0.offset)", $0.element) }
            }
            return []
        }
    }

    /// Every parameter below this module: its own first, then its children's, each in order of declaration.
    public func namedParameters() -> [(name: String, tensor: Tensor)] {
        collect { $0 as? Tensor }
    }

    /// What is saved but not trained, such as batch norm's running statistics.
    public func namedBuffers() -> [(name: String, tensor: Tensor)] {
        collect { ($0 as? Buffer)?.wrappedValue }
    }

    /// Every parameter below this module.
    public func parameters() -> [Tensor] { namedParameters().map(\.tensor) }

    private func collect(_ pick: (Any) -> Tensor?) -> [(name: String, tensor: Tensor)] {
        let own = storedProperties.compactMap { name, value in pick(value).map { (name, $0) } }
        return own.map { (name: $0.0, tensor: $0.1) }
            + children.flatMap { name, module in
                module.collect(pick).map { (name: "\(name).\($0.name)", tensor: $0.tensor) }
            }
    }

    /// Switches this module and all below it between training and inference.
    public func setTraining(_ isTraining: Bool) {
        self.isTraining = isTraining
        for (_, child) in children { child.setTraining(isTraining) }
    }

    /// Moves every parameter and buffer to a device, in place.
    public func move(to device: Device) throws(TorchError) {
        for (_, tensor) in namedParameters() + namedBuffers() where tensor.device != device {
            let moved = try withoutGradients { () throws(TorchError) in
                try tensor.detached().moved(to: device)
            }
            try tensor.replaceStorage(with: moved)
        }
    }

    /// Drops the gradients of all parameters.
    public func dropGradients() throws(TorchError) {
        for parameter in parameters() { try parameter.setGradient(nil) }
    }

    /// Every parameter and buffer by name, sharing memory with the module.
    public func state() throws(TorchError) -> [String: Tensor] {
        var state: [String: Tensor] = [:]
        for (name, tensor) in namedParameters() + namedBuffers() { state[name] = try tensor.detached() }
        return state
    }

    /// Copies values into the parameters and buffers.
    ///
    /// - Throws: `StateMismatch` that names what is missing, unknown or of another shape; nothing has been
    ///   changed then.
    public func load(_ state: [String: Tensor]) throws {
        let own = try requireFit(state)
        try withoutGradients {
            for (name, tensor) in own {
                if let value = state[name] { try tensor.copy(from: value) }
            }
        }
    }

    /// Puts the parameters and buffers on the memory of tensors, so that nothing is copied; where their type is another one,
    /// values are copied.
    ///
    /// - Throws: As ``load(_:)``.
    package func adopt(_ state: [String: Tensor]) throws {
        let own = try requireFit(state)
        try withoutGradients {
            for (name, tensor) in own {
                guard let value = state[name] else { continue }
                if value.dtype == tensor.dtype, value.device == tensor.device {
                    try tensor.replaceStorage(with: value)
                } else {
                    try tensor.copy(from: value)
                }
            }
        }
    }

    private func requireFit(_ state: [String: Tensor]) throws(StateMismatch) -> [(
        name: String, tensor: Tensor
    )] {
        let own = namedParameters() + namedBuffers()
        let mismatch = StateMismatch(
            expected: own.map { ($0.name, $0.tensor.shape) }, found: state.mapValues(\.shape))
        guard mismatch.isEmpty else { throw mismatch }
        return own
    }
}

/// Values that do not fit a module.
public struct StateMismatch: Error, Sendable, CustomStringConvertible {
    /// A tensor whose shape is not the module's.
    public struct Difference: Sendable {
        /// The tensor's name.
        public let name: String
        /// The module's shape.
        public let expected: [Int]
        /// The shape that was given.
        public let found: [Int]
    }

    /// Names that the module has and the values have not.
    public internal(set) var missing: [String] = []
    /// Names that the values have and the module has not.
    public internal(set) var unknown: [String] = []
    /// Tensors of another shape.
    public internal(set) var differing: [Difference] = []

    /// Compares shapes by name.
    ///
    /// - Parameters:
    ///   - expected: The module's, in its order.
    ///   - found: Those of the values.
    package init(expected: [(name: String, shape: [Int])], found: [String: [Int]]) {
        for (name, shape) in expected {
            guard let other = found[name] else {
                missing.append(name)
                continue
            }
            if other != shape { differing.append(Difference(name: name, expected: shape, found: other)) }
        }
        unknown = Set(found.keys).subtracting(expected.map(\.name)).sorted()
    }

    /// Whether the values fit the module.
    package var isEmpty: Bool { missing.isEmpty && unknown.isEmpty && differing.isEmpty }

    /// One line with the first few names of each kind.
    public var description: String {
        var parts: [String] = []
        if !differing.isEmpty {
            parts.append(
                Self.list(
                    "of another shape",
                    differing.map { "\($0.name) (expected \($0.expected), found \($0.found))" }))
        }
        if !missing.isEmpty { parts.append(Self.list("missing", missing)) }
        if !unknown.isEmpty { parts.append(Self.list("not in the model", unknown)) }
        return "the tensors do not fit the model: " + parts.joined(separator: "; ")
    }

    private static func list(_ what: String, _ names: [String]) -> String {
        let shown = names.prefix(3).joined(separator: ", ")
        return "\(names.count) \(what): \(shown)" + (names.count > 3 ? ", …" : "")
    }
}

/// A tensor that is saved with a module but not trained.
@propertyWrapper public struct Buffer {
    /// The tensor.
    public var wrappedValue: Tensor

    /// - Parameter wrappedValue: The tensor.
    public init(wrappedValue: Tensor) {
        self.wrappedValue = wrappedValue
    }
}
