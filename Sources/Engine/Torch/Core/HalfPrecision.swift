import CTorch

/// Conversion between half and single precision, by the processor's vector instructions.
///
/// Swift's own `Float(half)` is a call of a function for each number wherever the compiler may not count on
/// those instructions, which is so on x86. No thread of libtorch's takes part.
package enum HalfPrecision {
    /// Converts as many numbers as both buffers hold.
    package static func widen(
        _ halves: UnsafeBufferPointer<Float16>, into floats: UnsafeMutableBufferPointer<Float>
    ) {
        ctorch_widen(halves.baseAddress, floats.baseAddress, Int64(min(halves.count, floats.count)))
    }

    /// The smallest magnitude that becomes infinite in half precision: halfway from its largest number to what
    /// would come next.
    package static let firstInfinite: Float = 65_520

    /// Converts as many numbers as both buffers hold, as ``narrowed(_:)`` does.
    package static func narrow(
        _ floats: UnsafeBufferPointer<Float>, into halves: UnsafeMutableBufferPointer<Float16>
    ) {
        ctorch_narrow(floats.baseAddress, halves.baseAddress, Int64(min(floats.count, halves.count)))
    }

    /// The nearest numbers of half precision; those from ``firstInfinite`` on, and those of as much below zero,
    /// become infinite.
    package static func narrowed(_ floats: [Float]) -> [Float16] {
        [Float16](unsafeUninitializedCapacity: floats.count) { halves, count in
            floats.withUnsafeBufferPointer { narrow($0, into: halves) }
            count = floats.count
        }
    }

    /// The largest magnitude among numbers, 0 where there are none; NaN where one of them is NaN.
    package static func largestMagnitude(_ floats: [Float]) -> Float {
        floats.withUnsafeBufferPointer(largestMagnitude)
    }

    /// The largest magnitude among numbers, 0 where there are none; NaN where one of them is NaN.
    package static func largestMagnitude(_ floats: UnsafeBufferPointer<Float>) -> Float {
        ctorch_largest_magnitude(floats.baseAddress, Int64(floats.count))
    }
}
