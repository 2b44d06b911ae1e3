// The transpose of a matrix of single precision, for memory that is no tensor.

#include "CTorch.h"
#include "Parallel.h"

#include <cstring>

namespace ctorch {
namespace {

constexpr int64_t block = 8;
typedef float Row __attribute__((vector_size(4 * block)));

/// Transposes 8 x 8 numbers. Numbered by row and column in three bits each, a number moves on by one bit of
/// six with each round of interleaving; after three of them, row and column have changed places.
__attribute__((always_inline)) inline void transpose_block(
    const char *source, int64_t source_stride, float *result, int64_t result_stride) {
    Row rows[block], mixed[block];
    for (int64_t i = 0; i < block; ++i) std::memcpy(&rows[i], source + i * source_stride, sizeof(Row));
    for (int round = 0; round < 3; ++round) {
        for (int64_t i = 0; i < block / 2; ++i) {
            Row a = rows[i], b = rows[i + block / 2];
            mixed[2 * i] = __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
            mixed[2 * i + 1] = __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
        }
        std::copy(mixed, mixed + block, rows);
    }
    for (int64_t i = 0; i < block; ++i) std::memcpy(result + i * result_stride, &rows[i], sizeof(Row));
}

/// `source` need not be aligned. A last block that would reach beyond the matrix begins earlier instead.
CTORCH_VECTORISED
void transpose(const char *source, int64_t rows, int64_t columns, float *result) {
    int64_t stride = columns * static_cast<int64_t>(sizeof(float));
    if (rows < block || columns < block) {
        for (int64_t row = 0; row < rows; ++row)
            for (int64_t column = 0; column < columns; ++column)
                std::memcpy(result + column * rows + row, source + row * stride + column * 4, 4);
        return;
    }
    // Down the columns, so that few rows of the result, a multiple of 4096 bytes apart, are written at a time.
    for (int64_t at = 0; at < columns; at += block) {
        int64_t column = std::min(at, columns - block);
        for (int64_t below = 0; below < rows; below += block) {
            int64_t row = std::min(below, rows - block);
            transpose_block(source + row * stride + column * 4, stride, result + column * rows + row, rows);
        }
    }
}

}  // namespace
}  // namespace ctorch

void ctorch_transpose(const void *source, int64_t rows, int64_t columns, float *result) {
    ctorch::transpose(static_cast<const char *>(source), rows, columns, result);
}
