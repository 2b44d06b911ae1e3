import Testing
import Torch

@Suite struct HalfPrecisionTests {
    @Test("numbers become the nearest ones of half precision; beyond its range they become infinite")
    func narrowing() {
        let floats: [Float] = [1 / 3, -2, 65_504, 65_519, 65_520, -70_000, 6e-8, 1e-8, 1 + 1 / 2048]
        let expected: [Float16] = [
            0.333251953125, -2, 65_504, 65_504, .infinity, -.infinity, 5.9604645e-8, 0, 1,
        ]
        #expect(HalfPrecision.narrowed(floats) == expected)
    }

    @Test("every finite number of half precision comes back as it was")
    func widening() {
        let halves = (0...UInt16.max).map(Float16.init(bitPattern:)).filter(\.isFinite)
        var floats = [Float](repeating: 0, count: halves.count)
        halves.withUnsafeBufferPointer { source in
            floats.withUnsafeMutableBufferPointer { HalfPrecision.widen(source, into: $0) }
        }
        #expect(floats == halves.map(Float.init))
        #expect(HalfPrecision.narrowed(floats).map(\.bitPattern) == halves.map(\.bitPattern))
    }
}
