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

    @Test("numbers anywhere in memory are converted, and nothing beside them")
    func wideningInPlace() {
        let halves = (0..<100).map { Float16($0) }
        for start in 0..<20 {
            for count in [0, 1, 15, 16, 17, 40, 70] {
                var floats = [Float](repeating: -1, count: 100)
                halves.withUnsafeBufferPointer { source in
                    floats.withUnsafeMutableBufferPointer { place in
                        HalfPrecision.widen(
                            UnsafeBufferPointer(rebasing: source[..<count]),
                            into: UnsafeMutableBufferPointer(rebasing: place[start..<start + count]))
                    }
                }
                let outside = floats[..<start] + floats[(start + count)...]
                #expect(outside.allSatisfy { $0 == -1 })
                #expect(Array(floats[start..<start + count]) == (0..<count).map(Float.init))
            }
        }
    }

    @Test("the largest magnitude is found with either sign, and NaN comes before all")
    func largestMagnitude() {
        #expect(HalfPrecision.largestMagnitude([]) == 0)
        var floats = (0..<100).map { Float($0) / 8 }
        floats[37] = -70_000
        #expect(HalfPrecision.largestMagnitude(floats) == 70_000)
        floats[99] = -.infinity
        #expect(HalfPrecision.largestMagnitude(floats) == .infinity)
        floats[3] = .nan
        #expect(HalfPrecision.largestMagnitude(floats).isNaN)
    }
}

@Suite struct TranspositionTests {
    @Test(
        "a matrix of any size and place in memory is transposed",
        arguments: [(0, 5), (1, 1), (7, 9), (8, 8), (9, 17), (24, 8), (40, 39)])
    func transposed(rows: Int, columns: Int) {
        let elements = (0..<rows * columns).map(Float.init)
        let expected = (0..<columns).flatMap { column in (0..<rows).map { Float($0 * columns + column) } }
        for shift in [0, 1, 6] {
            let bytes = [UInt8](repeating: 0, count: shift) + elements.withUnsafeBytes(Array.init)
            let found = bytes.withUnsafeBytes {
                Transposition.transposed(
                    UnsafeRawBufferPointer(rebasing: $0[shift...]), rows: rows, columns: columns)
            }
            #expect(found == expected)
        }
    }
}
