// Convolutions of 3 x 3 with a third of the products: Winograd's F(4 x 4, 3 x 3), for inference on the CPU.
//
// Source: Lavin & Gray 2016, "Fast Algorithms for Convolutional Neural Networks", section 4.

#include <ATen/ops/bmm.h>
#include <ATen/ops/empty.h>
#include <torch/library.h>

#include "Parallel.h"

namespace ctorch {
namespace {

constexpr int64_t tile = 6, outputs = 4, points = tile * tile;
/// How many channels are transformed at once: what one register of AVX-512 holds.
constexpr int64_t lanes = 16;
typedef float Lanes __attribute__((vector_size(4 * lanes)));
/// The same, wherever it lies.
typedef float Unaligned __attribute__((vector_size(4 * lanes), aligned(4)));

/// Six numbers of a row or column of a tile, on their way in.
__attribute__((always_inline)) inline void transform_input(const Lanes in[tile], Lanes out[tile]) {
    out[0] = 4 * in[0] - 5 * in[2] + in[4];
    out[1] = in[3] + in[4] - 4 * (in[1] + in[2]);
    out[2] = in[4] - in[3] + 4 * (in[1] - in[2]);
    out[3] = in[4] - in[2] + 2 * (in[3] - in[1]);
    out[4] = in[4] - in[2] - 2 * (in[3] - in[1]);
    out[5] = 4 * in[1] - 5 * in[3] + in[5];
}

/// Six numbers to the four of the result.
__attribute__((always_inline)) inline void transform_output(const Lanes in[tile], Lanes out[outputs]) {
    Lanes sum = in[1] + in[2], difference = in[1] - in[2], far_sum = in[3] + in[4], far_difference = in[3] - in[4];
    out[0] = in[0] + sum + far_sum;
    out[1] = difference + 2 * far_difference;
    out[2] = sum + 4 * far_sum;
    out[3] = difference + 8 * far_difference + in[5];
}

/// Where a tile lies in its picture.
struct Place {
    int64_t picture, y, x;
};

struct Layout {
    int64_t pictures, height, width, tiles_down, tiles_across;

    int64_t count() const { return pictures * tiles_down * tiles_across; }
    Place operator[](int64_t index) const {
        auto across = index % tiles_across, down = index / tiles_across % tiles_down;
        return {index / tiles_across / tiles_down, down * outputs, across * outputs};
    }
};

/// A tile's 6 x 6 pixels, zeros beyond the edge, to 36 points `[36][tiles][channels]`.
CTORCH_VECTORISED
void scatter_tile(const float *in, const Layout &layout, int64_t index, int64_t channels, float *points_out) {
    auto [picture, top, left] = layout[index];
    auto stride = layout.count() * channels;
    for (int64_t channel = 0; channel < channels; channel += lanes) {
        Lanes rows[tile][tile], columns[tile][tile];
        for (int64_t i = 0; i < tile; ++i) {
            for (int64_t j = 0; j < tile; ++j) {
                auto y = top + i - 1, x = left + j - 1;
                bool inside = y >= 0 && y < layout.height && x >= 0 && x < layout.width;
                auto at = ((picture * layout.height + y) * layout.width + x) * channels + channel;
                rows[i][j] = inside ? *reinterpret_cast<const Unaligned *>(in + at) : Lanes{};
            }
        }
        for (int64_t i = 0; i < tile; ++i) transform_input(rows[i], columns[i]);
        for (int64_t j = 0; j < tile; ++j) {
            Lanes column[tile], result[tile];
            for (int64_t i = 0; i < tile; ++i) column[i] = columns[i][j];
            transform_input(column, result);
            for (int64_t i = 0; i < tile; ++i) {
                *reinterpret_cast<Unaligned *>(points_out + (i * tile + j) * stride + index * channels + channel) =
                    result[i];
            }
        }
    }
}

/// 36 points of a tile to its 4 x 4 pixels, those beyond the edge left out, with bias and rectifier.
CTORCH_VECTORISED
void gather_tile(
    const float *points_in, const Layout &layout, int64_t index, int64_t channels, const float *bias, bool rectified,
    float *out) {
    auto [picture, top, left] = layout[index];
    auto stride = layout.count() * channels;
    for (int64_t channel = 0; channel < channels; channel += lanes) {
        Lanes halves[outputs][tile];
        for (int64_t j = 0; j < tile; ++j) {
            Lanes column[tile], result[outputs];
            for (int64_t i = 0; i < tile; ++i) {
                column[i] = *reinterpret_cast<const Unaligned *>(
                    points_in + (i * tile + j) * stride + index * channels + channel);
            }
            transform_output(column, result);
            for (int64_t i = 0; i < outputs; ++i) halves[i][j] = result[i];
        }
        Lanes shift = *reinterpret_cast<const Unaligned *>(bias + channel);
        for (int64_t i = 0; i < outputs && top + i < layout.height; ++i) {
            Lanes row[outputs];
            transform_output(halves[i], row);
            for (int64_t j = 0; j < outputs && left + j < layout.width; ++j) {
                Lanes value = row[j] + shift;
                if (rectified) value = value > 0 ? value : Lanes{};
                auto at = ((picture * layout.height + top + i) * layout.width + left + j) * channels + channel;
                *reinterpret_cast<Unaligned *>(out + at) = value;
            }
        }
    }
}

/// Weights `[out, in, 3, 3]` to 36 points `[36, in, out]`, in double precision and then rounded.
at::Tensor winograd_weights(const at::Tensor &weight_in) {
    auto weight = weight_in.contiguous();
    TORCH_CHECK(weight.dim() == 4 && weight.size(2) == 3 && weight.size(3) == 3, "expected weights [out, in, 3, 3]");
    constexpr double basis[tile][3] = {{1. / 4, 0, 0},         {-1. / 6, -1. / 6, -1. / 6}, {-1. / 6, 1. / 6, -1. / 6},
                                       {1. / 24, 1. / 12, 1. / 6}, {1. / 24, -1. / 12, 1. / 6}, {0, 0, 1}};
    auto to = weight.size(0), from = weight.size(1);
    auto out = at::empty({points, from, to}, weight.options());
    auto in = elements<float>(weight);
    auto result = out.mutable_data_ptr<float>();
    parallel_ranges(from, to * points * 9, [&](int64_t begin, int64_t end, int) {
        for (int64_t input = begin; input < end; ++input) {
            for (int64_t output = 0; output < to; ++output) {
                auto kernel = in + (output * from + input) * 9;
                for (int64_t point = 0; point < points; ++point) {
                    double sum = 0;
                    for (int y = 0; y < 3; ++y)
                        for (int x = 0; x < 3; ++x)
                            sum += basis[point / tile][y] * basis[point % tile][x] * kernel[y * 3 + x];
                    result[(point * from + input) * to + output] = static_cast<float>(sum);
                }
            }
        }
    });
    return out;
}

/// A convolution of 3 x 3 with padding 1 of `[n, in, h, w]`, channels last in memory, as the result's are.
at::Tensor winograd_convolution(const at::Tensor &x, const at::Tensor &weights, const at::Tensor &bias, bool rectified) {
    TORCH_CHECK(x.dim() == 4 && weights.dim() == 3 && weights.size(0) == points && weights.size(1) == x.size(1),
                "expected weights [36, ", x.dim() == 4 ? x.size(1) : 0, ", out], found ", weights.sizes());
    auto pixels = x.permute({0, 2, 3, 1}).contiguous();
    auto from = x.size(1), to = weights.size(2);
    TORCH_CHECK(from % lanes == 0 && to % lanes == 0 && bias.numel() == to, "expected channels in multiples of ", lanes);
    Layout layout{x.size(0), x.size(2), x.size(3), (x.size(2) + outputs - 1) / outputs,
                  (x.size(3) + outputs - 1) / outputs};
    auto scattered = at::empty({points, layout.count(), from}, x.options().memory_format(c10::MemoryFormat::Contiguous));
    auto in = elements<float>(pixels);
    auto spread = scattered.mutable_data_ptr<float>();
    parallel_ranges(layout.count(), from * points * 4, [&](int64_t begin, int64_t end, int) {
        for (int64_t i = begin; i < end; ++i) scatter_tile(in, layout, i, from, spread);
    });
    auto products = at::bmm(scattered, weights);
    auto out = at::empty({layout.pictures, layout.height, layout.width, to}, scattered.options());
    auto summed = elements<float>(products), shifts = elements<float>(bias);
    auto result = out.mutable_data_ptr<float>();
    parallel_ranges(layout.count(), to * points * 4, [&](int64_t begin, int64_t end, int) {
        for (int64_t i = begin; i < end; ++i) gather_tile(summed, layout, i, to, shifts, rectified, result);
    });
    return out.permute({0, 3, 1, 2});
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(rwsan, library) {
    library.def("winograd_weights(Tensor weight) -> Tensor", &winograd_weights);
    library.def("winograd_convolution(Tensor x, Tensor weights, Tensor bias, bool rectified) -> Tensor",
                &winograd_convolution);
}

}  // namespace ctorch
