// Linear layers with weights of 8 bits, for inference on the CPU: each row of the input is rounded to 8 bits with
// a scale of its own, the products are exact sums of whole numbers, and the scales are put back afterwards.

#include <ATen/ops/_int_mm.h>
#include <ATen/ops/empty.h>
#include <ATen/cpu/Utils.h>
#include <torch/library.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

#include "CTorch.h"
#include "Parallel.h"

namespace ctorch {
namespace {

constexpr float largest_int8 = 127;

/// Rounds a row so that its largest element becomes 127 or -127; returns what a step of 1 is worth. That is no
/// number where an element is none, or infinite. A row too small to be divided by is rounded to zeros.
CTORCH_VECTORISED
float quantize_row(const float *row, int8_t *rounded, int64_t width) {
    float partial[16] = {}, zeros[16] = {};  // what is not finite makes no zero, and no sum loses that
    int64_t whole = width / 16 * 16;
    for (int64_t i = 0; i < whole; i += 16) {
        for (int lane = 0; lane < 16; ++lane) {
            float size = std::fabs(row[i + lane]);
            partial[lane] = size > partial[lane] ? size : partial[lane];
            zeros[lane] += size * 0.f;
        }
    }
    for (int64_t i = whole; i < width; ++i) {
        partial[0] = std::max(partial[0], std::fabs(row[i]));
        zeros[0] += row[i] * 0.f;
    }
    float largest = *std::max_element(partial, partial + 16);
    for (float value : zeros) largest += value;
    float inverse = largest_int8 / largest;
    if (!(inverse <= std::numeric_limits<float>::max())) {
        std::fill_n(rounded, width, int8_t{0});
        return largest * 0.f;
    }
    for (int64_t i = 0; i < width; ++i) {
        rounded[i] = static_cast<int8_t>(static_cast<int32_t>(__builtin_rintf(row[i] * inverse)));
    }
    return largest / largest_int8;
}

CTORCH_VECTORISED
void scale_row(
    const int32_t *sums, float *out, const float *column_scales, const float *bias, float row_scale, bool relu,
    int64_t width) {
    float lowest = relu ? 0.f : -std::numeric_limits<float>::infinity();
    for (int64_t i = 0; i < width; ++i) {
        float value = static_cast<float>(sums[i]) * (row_scale * column_scales[i]) + bias[i];
        out[i] = value < lowest ? lowest : value;  // lets through what is not a number
    }
}

/// Each row of `[rows, width]` rounded to 8 bits, and the scale of each row: int8 `[rows, width]`, float `[rows]`.
std::tuple<at::Tensor, at::Tensor> quantize_rows(const at::Tensor &x_in) {
    auto x = x_in.contiguous();
    TORCH_CHECK(x.dim() == 2 && x.scalar_type() == at::kFloat && x.is_cpu(), "expected float32 rows on the CPU");
    auto rounded = at::empty(x.sizes(), x.options().dtype(at::kChar));
    auto scales = at::empty({x.size(0)}, x.options());
    auto width = x.size(1);
    auto in = elements<float>(x);
    auto out = static_cast<int8_t *>(rounded.mutable_data_ptr());
    auto scale = scales.mutable_data_ptr<float>();
    parallel_ranges(x.size(0), width, [&](int64_t begin, int64_t end, int) {
        for (int64_t row = begin; row < end; ++row) {
            scale[row] = quantize_row(in + row * width, out + row * width, width);
        }
    });
    return {rounded, scales};
}

/// `x W^T + b`, and relu where asked for, of `x` `[rows, in]`, rounded weights `[out, in]` and their scales `[out]`.
at::Tensor int8_linear(
    const at::Tensor &x, const at::Tensor &weight, const at::Tensor &weight_scales, const at::Tensor &bias,
    bool relu) {
    TORCH_CHECK(weight.dim() == 2 && weight.scalar_type() == at::kChar, "expected an int8 weight");
    TORCH_CHECK(x.dim() == 2 && x.size(1) == weight.size(1), "rows are ", x.sizes(), ", the weight ", weight.sizes());
    TORCH_CHECK(weight_scales.numel() == weight.size(0) && bias.numel() == weight.size(0),
                "expected a scale and a bias for each of ", weight.size(0), " outputs");
    auto [rounded, row_scales] = quantize_rows(x);
    auto sums = at::_int_mm(rounded, weight.t());
    auto width = weight.size(0);
    auto out = at::empty({x.size(0), width}, x.options());
    auto whole = elements<int32_t>(sums);
    auto rows = elements<float>(row_scales), columns = elements<float>(weight_scales);
    auto biases = elements<float>(bias);
    auto result = out.mutable_data_ptr<float>();
    parallel_ranges(x.size(0), width, [&](int64_t begin, int64_t end, int) {
        for (int64_t row = begin; row < end; ++row) {
            scale_row(whole + row * width, result + row * width, columns, biases, rows[row], relu, width);
        }
    });
    return out;
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(rwsan, library) {
    library.def("quantize_rows(Tensor x) -> (Tensor, Tensor)", &quantize_rows);
    library.def(
        "int8_linear(Tensor x, Tensor weight, Tensor weight_scales, Tensor bias, bool relu) -> Tensor",
        &int8_linear);
}

}  // namespace ctorch

bool ctorch_has_int8_products(void) { return at::cpu::is_avx512_vnni_supported(); }
