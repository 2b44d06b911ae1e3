import CTorch

/// Conversion between half and single precision, by the processor's vector instructions.
///
/// Swift's own `Float(half)` is a call of a function for each number wherever the compiler may not count on
/// those instructions, which is so on x86. No thread of libtorch's takes part.
public enum HalfPrecision {
    /// Converts as many numbers as both buffers hold.
    public static func widen(
        _ halves: UnsafeBufferPointer<Float16>, into floats: UnsafeMutableBufferPointer<Float>
    ) {
        ctorch_widen(halves.baseAddress, floats.baseAddress, Int64(min(halves.count, floats.count)))
    }

    /// The nearest numbers of half precision; those of 65,520 and more, and those of as much below zero,
    /// become infinite.
    public static func narrowed(_ floats: [Float]) -> [Float16] {
        [Float16](unsafeUninitializedCapacity: floats.count) { halves, count in
            ctorch_narrow(floats, halves.baseAddress, Int64(floats.count))
            count = floats.count
        }
    }

    /// The largest magnitude among numbers, 0 where there are none; NaN where one of them is NaN.
    public static func largestMagnitude(_ floats: [Float]) -> Float {
        ctorch_largest_magnitude(floats, Int64(floats.count))
    }
}
