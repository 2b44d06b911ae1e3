// Products of float32 matrices on processors with AVX-512, of which one factor was put into the order in which it is read.
//
// Every number of the result is one sum, from the bias on and in the order of the columns: it depends neither on the other
// rows, nor on the number of threads, nor on where anything lies.
#pragma once

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "Exponential.h"
#include "Parallel.h"

#if defined(__x86_64__)
#define CTORCH_PACKED_PRODUCTS
#define CTORCH_AVX512 __attribute__((target("arch=x86-64-v4"), min_vector_width(512)))
#endif

namespace ctorch {
namespace {

/// Columns of the result that are computed together: two vectors.
constexpr int64_t panel_width = 32;
/// Rows that are computed together: with two vectors each they take 28 of the 32 registers.
constexpr int64_t block_rows = 14;
/// Rows and columns of the input that stay in a core's own cache while all panels go over them.
constexpr int64_t group_rows = 280, part_columns = 896;

enum class Activation : int64_t { none, relu, gelu };

int64_t shares(int64_t count, int64_t most) { return std::max<int64_t>(1, (count + most - 1) / most); }

#if defined(CTORCH_PACKED_PRODUCTS)

typedef float Vector __attribute__((vector_size(64), aligned(4)));

/// A block of the result, and what is read for it.
struct Block {
    const float *x;  // its first row, at the part's first column
    int64_t x_stride;  // from row to row, or from column to column where those lie one behind the other
    const float *panel;  // [columns, panel_width]
    int64_t columns;
    const float *start;  // what the sums start from, [panel_width]; null where they go on from `out`
    float *out;
    int64_t out_stride;
    // The panel that comes next, of which each block fetches its share: it is not in any near cache yet.
    const char *next;
    int64_t next_step;
};

template <int rows, bool is_transposed>
CTORCH_AVX512 void add_products(const Block &block) {
    Vector sums[rows][2];
    for (int row = 0; row < rows; ++row) {
        auto from = block.start ? block.start : block.out + row * block.out_stride;
        sums[row][0] = *reinterpret_cast<const Vector *>(from);
        sums[row][1] = *reinterpret_cast<const Vector *>(from + 16);
    }
    auto x = block.x, panel = block.panel;
    auto stride = block.x_stride, columns = block.columns, step = block.next_step;
    auto next = block.next;
    for (int64_t column = 0; column < columns; ++column) {
        Vector first = *reinterpret_cast<const Vector *>(panel + column * panel_width);
        Vector second = *reinterpret_cast<const Vector *>(panel + column * panel_width + 16);
        __builtin_prefetch(next + column * step, 0, 2);
#pragma clang loop unroll(full)
        for (int row = 0; row < rows; ++row) {
            Vector factor = (is_transposed ? x[column * stride + row] : x[row * stride + column]) - Vector{};
            sums[row][0] += factor * first;
            sums[row][1] += factor * second;
        }
    }
    for (int row = 0; row < rows; ++row) {
        *reinterpret_cast<Vector *>(block.out + row * block.out_stride) = sums[row][0];
        *reinterpret_cast<Vector *>(block.out + row * block.out_stride + 16) = sums[row][1];
    }
}

using AddProducts = void (*)(const Block &);
template <bool t>
constexpr AddProducts add_products_of[block_rows + 1] = {
    nullptr,             add_products<1, t>,  add_products<2, t>,  add_products<3, t>,  add_products<4, t>,
    add_products<5, t>,  add_products<6, t>,  add_products<7, t>,  add_products<8, t>,  add_products<9, t>,
    add_products<10, t>, add_products<11, t>, add_products<12, t>, add_products<13, t>, add_products<14, t>,
};

/// x times the probability that a standard normal variable is below x.
///
/// Source: Hendrycks & Gimpel 2016, arXiv 1606.08415; the error function by Abramowitz & Stegun 1964, 7.1.26, which is
/// within 1.5e-7.
inline __attribute__((always_inline)) float gelu(float x) {
    float z = std::fabs(x) * 0.707106781f;
    float t = 1.f / (1.f + 0.3275911f * z);
    float p = t * (0.254829592f + t * (-0.284496736f + t * (1.421413741f + t * (-1.453152027f + t * 1.061405429f))));
    float tail = 0.5f * p * exponential(-z * z);
    return x * (x < 0.f ? tail : 1.f - tail);
}

CTORCH_AVX512 void activate(float *out, int64_t count, Activation activation) {
    if (activation == Activation::relu) {
        for (int64_t i = 0; i < count; ++i) out[i] = out[i] < 0.f ? 0.f : out[i];  // lets through what is not a number
    } else if (activation == Activation::gelu) {
        for (int64_t i = 0; i < count; ++i) out[i] = gelu(out[i]);
    }
}

CTORCH_AVX512 void add(float *out, const float *added, int64_t count) {
    for (int64_t i = 0; i < count; ++i) out[i] += added[i];
}

/// All that one call computes from, and where it goes.
struct Product {
    const float *x, *packed, *bias, *added;
    float *out;
    int64_t rows, columns, width;
    Activation activation;
    /// Whether `x` is [columns, rows], and not [rows, columns].
    bool is_transposed = false;

    /// All of it, on all threads: in enough pieces for them, of rows that a cache holds.
    void compute() const {
        if (rows == 0 || width == 0) return;
        int64_t panels = this->panels(), threads = at::get_num_threads();
        int64_t groups = std::max(
            shares(rows, group_rows), std::min(shares(4 * threads, panels), shares(rows, 4 * block_rows)));
        // Made here: where there is no memory, it is no thread of OpenMP's that finds out.
        int64_t room_each = is_transposed ? shares(rows, groups) * shares(columns, shares(columns, part_columns)) : 0;
        std::vector<float> rooms(threads * room_each);
        parallel_ranges(groups * panels, rows / groups * panel_width * columns / 16, [&](int64_t begin, int64_t end, int thread) {
            for (int64_t piece = begin; piece < end;) {
                int64_t group = piece / panels, last = std::min(end, (group + 1) * panels);
                compute(rows * group / groups, rows * (group + 1) / groups, piece - group * panels, last - group * panels,
                        rooms.data() + thread * room_each);
                piece = last;
            }
        });
    }

   private:

    int64_t panels() const { return shares(width, panel_width); }

    /// Panels `first..<last` of the rows `low..<high`.
    void compute(int64_t low, int64_t high, int64_t first, int64_t last, float *blocks) const {
        int64_t parts = shares(columns, part_columns);
        for (int64_t part = 0; part < parts; ++part) {
            int64_t begin = columns * part / parts, end = columns * (part + 1) / parts;
            if (is_transposed) put_in_blocks(low, high, begin, end, blocks);
            for (int64_t panel = first; panel < last; ++panel) compute(low, high, panel, begin, end, blocks);
        }
    }

    /// Where the block at `index` of the rows `low..<high` begins; behind the last one, `high`.
    int64_t block_start(int64_t low, int64_t high, int64_t index) const {
        return low + (high - low) * index / shares(high - low, block_rows);
    }

    /// Of a transposed `x` the columns `begin..<end` of each block of rows, block behind block: where they lie in `x`, many
    /// columns are as far from each other as a cache has room for few of.
    void put_in_blocks(int64_t low, int64_t high, int64_t begin, int64_t end, float *blocks) const {
        int64_t count = shares(high - low, block_rows);
        for (int64_t column = begin; column < end; ++column) {
            for (int64_t index = 0; index < count; ++index) {
                int64_t row = block_start(low, high, index), rows_here = block_start(low, high, index + 1) - row;
                auto to = blocks + (row - low) * (end - begin) + (column - begin) * rows_here;
                std::copy_n(x + column * rows + row, rows_here, to);
            }
        }
    }

    void compute(int64_t low, int64_t high, int64_t panel, int64_t begin, int64_t end, const float *in_blocks) const {
        int64_t column = panel * panel_width, panel_columns = std::min(panel_width, width - column);
        int64_t blocks = shares(high - low, block_rows);
        auto next = packed + std::min(panel + 1, panels() - 1) * columns * panel_width + begin * panel_width;
        auto step = shares(panel_width * static_cast<int64_t>(sizeof(float)), blocks);
        float start[panel_width] = {}, narrow[block_rows * panel_width];
        if (bias) std::copy_n(bias + column, panel_columns, start);
        bool fits = panel_columns == panel_width;
        for (int64_t index = 0; index < blocks; ++index) {
            int64_t row = block_start(low, high, index), count = block_start(low, high, index + 1) - row;
            auto at = out + row * width + column;
            Block block{
                is_transposed ? in_blocks + (row - low) * (end - begin) : x + row * columns + begin,
                is_transposed ? count : columns, packed + (panel * columns + begin) * panel_width, end - begin,
                begin == 0 ? start : nullptr, fits ? at : narrow, fits ? width : panel_width,
                reinterpret_cast<const char *>(next) + index * (end - begin) * step, step};
            if (!fits && begin > 0) {
                for (int64_t i = 0; i < count; ++i) std::copy_n(at + i * width, panel_columns, narrow + i * panel_width);
            }
            (is_transposed ? add_products_of<true> : add_products_of<false>)[count](block);
            if (!fits) {
                for (int64_t i = 0; i < count; ++i) std::copy_n(narrow + i * panel_width, panel_columns, at + i * width);
            }
            if (end == columns) finish(row, count, column, panel_columns);
        }
    }

    void finish(int64_t row, int64_t count, int64_t column, int64_t panel_columns) const {
        for (int64_t i = row; i < row + count; ++i) {
            auto at = i * width + column;
            if (activation != Activation::none) activate(out + at, panel_columns, activation);
            if (added) ctorch::add(out + at, added + at, panel_columns);
        }
    }
};

#endif

/// A weight `[out, in]` in the order in which it is read: `[panels, in, 32]`, and zeros behind the last output.
inline at::Tensor pack_linear(const at::Tensor &weight_in) {
    TORCH_CHECK(weight_in.dim() == 2, "expected a weight [out, in], found ", weight_in.sizes());
    auto weight = weight_in.contiguous();
    auto from = elements<float>(weight);
    int64_t width = weight.size(0), columns = weight.size(1), panels = shares(width, panel_width);
    auto packed = at::empty({panels, columns, panel_width}, weight.options());
    auto to = packed.mutable_data_ptr<float>();
    parallel_ranges(panels, columns * panel_width, [&](int64_t begin, int64_t end, int) {
        for (int64_t panel = begin; panel < end; ++panel) {
            auto out = to + panel * columns * panel_width;
            // Sixteen columns of all 32 outputs at a time: whole cache lines of both sides.
            for (int64_t low = 0; low < columns; low += 16) {
                int64_t high = std::min(low + 16, columns);
                for (int64_t output = 0; output < panel_width; ++output) {
                    int64_t row = panel * panel_width + output;
                    for (int64_t column = low; column < high; ++column) {
                        out[column * panel_width + output] = row < width ? from[row * columns + column] : 0.f;
                    }
                }
            }
        }
    });
    return packed;
}

/// A matrix `[columns, width]` in the same order, as if it were the transpose of a weight: `[panels, columns, 32]`.
inline at::Tensor pack_columns(const at::Tensor &matrix) {
    auto from = elements<float>(matrix);
    int64_t columns = matrix.size(0), width = matrix.size(1), panels = shares(width, panel_width);
    auto packed = at::empty({panels, columns, panel_width}, matrix.options());
    auto to = packed.mutable_data_ptr<float>();
    parallel_ranges(panels, columns * panel_width, [&](int64_t begin, int64_t end, int) {
        for (int64_t panel = begin; panel < end; ++panel) {
            int64_t first = panel * panel_width, count = std::min(panel_width, width - first);
            auto out = to + panel * columns * panel_width;
            for (int64_t column = 0; column < columns; ++column, out += panel_width) {
                std::copy_n(from + column * width + first, count, out);
                std::fill_n(out + count, panel_width - count, 0.f);
            }
        }
    });
    return packed;
}

}  // namespace
}  // namespace ctorch
