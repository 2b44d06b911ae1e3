import CTorch

/// Transposes matrices in plain memory, by the processor's vector instructions.
package enum Transposition {
    /// The transpose, [columns, rows] in row-major order, of a row-major matrix of Float. The matrix need not
    /// be aligned in memory.
    package static func transposed(_ matrix: UnsafeRawBufferPointer, rows: Int, columns: Int) -> [Float] {
        precondition(rows >= 0 && columns >= 0 && matrix.count == rows * columns * MemoryLayout<Float>.size)
        return [Float](unsafeUninitializedCapacity: rows * columns) { result, count in
            if let place = result.baseAddress, !matrix.isEmpty {
                ctorch_transpose(matrix.baseAddress, Int64(rows), Int64(columns), place)
            }
            count = rows * columns
        }
    }
}
