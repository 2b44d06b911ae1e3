import Torch

/// Bytes are not an array in numpy's `.npy` form, or one of a kind that is not read here.
public struct NPYFormatError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What should have been there.
    public let expected: String
    /// What was there instead.
    public let found: String

    /// One line for the user.
    public var description: String { "expected \(expected), found \(found)" }
}

/// An array of numbers in numpy's `.npy` form (little endian, C or Fortran order).
public struct NPYArray: Sendable {
    /// The element types that are read; the raw value is numpy's description of each.
    public enum ElementType: String, Sendable, CaseIterable {
        case float16 = "<f2"
        case float32 = "<f4"
        case float64 = "<f8"
        case int8 = "|i1"
        case int16 = "<i2"
        case int32 = "<i4"
        case int64 = "<i8"
        case uint8 = "|u1"
        case uint16 = "<u2"
        case uint32 = "<u4"
        case uint64 = "<u8"

        /// How many bytes one element takes.
        var byteCount: Int {
            switch self {
            case .int8, .uint8: 1
            case .float16, .int16, .uint16: 2
            case .float32, .int32, .uint32: 4
            case .float64, .int64, .uint64: 8
            }
        }
    }

    private let header: NPYHeader
    /// The elements as in the file.
    private let elements: ArraySlice<UInt8>

    /// The length of each axis; empty for a single number.
    public var shape: [Int] { header.shape }
    /// What the file holds, whichever type it is read as.
    public var elementType: ElementType { header.elementType }

    /// Reads an array in `.npy` form.
    ///
    /// - Throws: `NPYFormatError` unless the bytes are exactly one array of plain little-endian numbers.
    public init(parsing bytes: [UInt8]) throws {
        let dataOffset: Int
        (header, dataOffset) = try NPYHeader.parse(bytes)
        elements = bytes[dataOffset...]
        var byteCount = header.elementType.byteCount
        for length in header.shape {
            let (product, overflows) = byteCount.multipliedReportingOverflow(by: length)
            guard !overflows else {
                throw NPYFormatError(expected: "a shape that fits in memory", found: "\(header.shape)")
            }
            byteCount = product
        }
        guard elements.count == byteCount else {
            throw NPYFormatError(
                expected: "\(byteCount) bytes for \(header.elementType) \(header.shape)",
                found: "\(elements.count) bytes")
        }
    }

    /// An array to be written, of float32 elements in row-major (C) order.
    ///
    /// - Throws: `NPYFormatError` when the shape does not hold as many elements as there are.
    public init(_ floats: [Float], shape: [Int]) throws {
        let header = NPYHeader(elementType: .float32, isFortranOrder: false, shape: shape)
        try self.init(parsing: header.serialized + floats.withUnsafeBytes(Array.init))
    }

    /// A matrix to be written as the transpose of what it is given as, without moving an element: the
    /// elements of [columns, rows] in row-major order are those of [rows, columns] in Fortran order.
    ///
    /// - Throws: `NPYFormatError` when the shape does not hold as many elements as there are.
    init(transposing floats: [Float], rows: Int, columns: Int) throws {
        let header = NPYHeader(elementType: .float32, isFortranOrder: true, shape: [rows, columns])
        try self.init(parsing: header.serialized + floats.withUnsafeBytes(Array.init))
    }

    /// An array to be written, of int64 elements in row-major (C) order; shape [] is a single number.
    ///
    /// - Throws: `NPYFormatError` when the shape does not hold as many elements as there are.
    public init(_ integers: [Int64], shape: [Int]) throws {
        let header = NPYHeader(elementType: .int64, isFortranOrder: false, shape: shape)
        try self.init(parsing: header.serialized + integers.withUnsafeBytes(Array.init))
    }

    /// The array in `.npy` form, as numpy writes it.
    public var serialized: [UInt8] { header.serialized + elements }

    /// The elements in row-major (C) order, converted to Float where they are of another type.
    public func floats() -> [Float] {
        let values = storedFloats()
        return header.isFortranOrder ? reversingAxes(of: values, shape: shape.reversed()) : values
    }

    /// The elements of the array's transpose (all axes reversed), in row-major (C) order.
    package func transposedFloats() -> [Float] {
        if elementType == .float32, shape.count == 2, !header.isFortranOrder {
            return elements.withUnsafeBytes {
                Transposition.transposed($0, rows: shape[0], columns: shape[1])
            }
        }
        let values = storedFloats()
        return header.isFortranOrder ? values : reversingAxes(of: values, shape: shape)
    }

    /// The elements in row-major (C) order; nil unless all are whole numbers that Int64 holds.
    public func integers() -> [Int64]? {
        guard let values = storedIntegers() else { return nil }
        return header.isFortranOrder ? reversingAxes(of: values, shape: shape.reversed()) : values
    }

    private func storedFloats() -> [Float] {
        switch elementType {
        case .float16: loaded { (value: Float16) in Float(value) }
        case .float32: copiedFloats()
        case .float64: loaded { (value: Double) in Float(value) }
        case .int8: loaded { (value: Int8) in Float(value) }
        case .int16: loaded { (value: Int16) in Float(value) }
        case .int32: loaded { (value: Int32) in Float(value) }
        case .int64: loaded { (value: Int64) in Float(value) }
        case .uint8: loaded { (value: UInt8) in Float(value) }
        case .uint16: loaded { (value: UInt16) in Float(value) }
        case .uint32: loaded { (value: UInt32) in Float(value) }
        case .uint64: loaded { (value: UInt64) in Float(value) }
        }
    }

    private func copiedFloats() -> [Float] {
        [Float](unsafeUninitializedCapacity: elements.count / MemoryLayout<Float>.size) { buffer, count in
            elements.withUnsafeBytes { UnsafeMutableRawBufferPointer(buffer).copyMemory(from: $0) }
            count = buffer.count
        }
    }

    private func storedIntegers() -> [Int64]? {
        switch elementType {
        case .float16, .float32, .float64: return nil
        case .int8: return loaded { (value: Int8) in Int64(value) }
        case .int16: return loaded { (value: Int16) in Int64(value) }
        case .int32: return loaded { (value: Int32) in Int64(value) }
        case .int64: return loaded { (value: Int64) in value }
        case .uint8: return loaded { (value: UInt8) in Int64(value) }
        case .uint16: return loaded { (value: UInt16) in Int64(value) }
        case .uint32: return loaded { (value: UInt32) in Int64(value) }
        case .uint64:
            let values = loaded { (value: UInt64) in Int64(exactly: value) }
            return values.contains(nil) ? nil : values.compactMap { $0 }
        }
    }

    /// The elements in the file's order. They need not be aligned in memory.
    private func loaded<Stored: BitwiseCopyable, Value>(_ convert: (Stored) -> Value) -> [Value] {
        elements.withUnsafeBytes { bytes in
            let count = bytes.count / MemoryLayout<Stored>.size
            return [Value](unsafeUninitializedCapacity: count) { buffer, initializedCount in
                for index in 0..<count {
                    let offset = index * MemoryLayout<Stored>.size
                    let stored = bytes.loadUnaligned(fromByteOffset: offset, as: Stored.self)
                    buffer.initializeElement(at: index, to: convert(stored))
                }
                initializedCount = count
            }
        }
    }
}

/// The elements of an array with its axes in the opposite order, both in row-major order.
///
/// - Parameter shape: the lengths of the axes before.
private func reversingAxes<Value>(of values: [Value], shape: [Int]) -> [Value] {
    guard shape.count > 1, !values.isEmpty else { return values }
    // Reversing a, b, c, d: the first axis goes behind the others, which are reversed in turn.
    let rows = shape[0]
    let columns = values.count / rows
    let swapped = transposed(values, rows: rows, columns: columns)
    if shape.count == 2 { return swapped }
    let order = reversingAxes(of: Array(0..<columns), shape: Array(shape.dropFirst()))
    return order.flatMap { swapped[$0 * rows..<($0 + 1) * rows] }
}

/// The transpose of a row-major matrix.
///
/// Goes through it in blocks whose rows and columns both stay in the first-level cache; row by row,
/// every element of a 2048-wide matrix would be written to a cache line of its own.
private func transposed<Value>(_ values: [Value], rows: Int, columns: Int) -> [Value] {
    let blockLength = 32
    return [Value](unsafeUninitializedCapacity: values.count) { result, initializedCount in
        values.withUnsafeBufferPointer { source in
            for firstRow in stride(from: 0, to: rows, by: blockLength) {
                let blockRows = firstRow..<min(firstRow + blockLength, rows)
                for firstColumn in stride(from: 0, to: columns, by: blockLength) {
                    for column in firstColumn..<min(firstColumn + blockLength, columns) {
                        for row in blockRows {
                            result.initializeElement(
                                at: column * rows + row, to: source[row * columns + column])
                        }
                    }
                }
            }
        }
        initializedCount = values.count
    }
}
