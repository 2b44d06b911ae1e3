// The norm of a sum, `gain * (s - mean) / (deviation + epsilon) + bias` with `s = x + dropout(branch)`, on the CPU: one
// pass over the memory where the composed operators need ten.
#pragma once

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <optional>
#include <vector>

#include "Backward.h"
#include "Dropout.h"
#include "Numbers.h"
#include "../Parallel.h"
#include "../Random.h"

namespace ctorch {
namespace {

constexpr double epsilon = 1e-6;

/// What a row needs again in backward, beside its normalised elements.
struct RowStatistics {
    float inverse;    // 1 / (deviation + epsilon)
    float curvature;  // 1 / ((n - 1) * deviation * inverse); 0 for a row whose elements are all alike
};

/// `sum = x + branch` with the dropped elements of `branch` left out.
CTORCH_VECTORISED
void add_dropped(
    const float *x, const float *branch, float *sum, int64_t width, const uint16_t *bits, uint32_t threshold,
    float scale) {
    for (int64_t i = 0; i < width; ++i) sum[i] = x[i] + (bits[i] >= threshold ? branch[i] * scale : 0.f);
}

CTORCH_VECTORISED
void add(const float *x, const float *branch, float *sum, int64_t width) {
    for (int64_t i = 0; i < width; ++i) sum[i] = x[i] + branch[i];
}

/// Normalises a row in place. One pointer for what is read and written: the compiler takes two that are alike for two that
/// overlap, and then makes no vectors. Where `normalised` is null, nobody asks for it.
CTORCH_VECTORISED
RowStatistics normalise_row(float *row, float *normalised, const float *gain, const float *bias, int64_t width) {
    // Sixteen partial sums let the compiler use whole vectors without reordering anything by itself.
    float partial[16] = {};
    int64_t whole = width / 16 * 16;
    for (int64_t i = 0; i < whole; i += 16) {
        for (int lane = 0; lane < 16; ++lane) partial[lane] += row[i + lane];
    }
    for (int64_t i = whole; i < width; ++i) partial[0] += row[i];
    float total = 0;
    for (float value : partial) total += value;
    float mean = total / static_cast<float>(width);

    float squares[16] = {};
    for (int64_t i = 0; i < whole; i += 16) {
        for (int lane = 0; lane < 16; ++lane) {
            float centred = row[i + lane] - mean;
            squares[lane] += centred * centred;
        }
    }
    for (int64_t i = whole; i < width; ++i) squares[0] += (row[i] - mean) * (row[i] - mean);
    float variance = 0;
    for (float value : squares) variance += value;

    float deviation = std::sqrt(variance / static_cast<float>(width - 1));
    float inverse = 1.f / (deviation + static_cast<float>(epsilon));
    if (normalised) {
        for (int64_t i = 0; i < width; ++i) {
            float value = (row[i] - mean) * inverse;
            normalised[i] = value;
            row[i] = gain[i] * value + bias[i];
        }
    } else {
        for (int64_t i = 0; i < width; ++i) row[i] = gain[i] * ((row[i] - mean) * inverse) + bias[i];
    }
    float curvature = deviation > 0 ? 1.f / (static_cast<float>(width - 1) * deviation * inverse) : 0.f;
    return {inverse, curvature};
}

/// The gradient by one row's sum; adds to the gradients by gain and bias.
CTORCH_VECTORISED
void row_gradient(
    const float *gradient, const float *normalised, const float *gain, RowStatistics row, float *result,
    float *gain_gradient, float *bias_gradient, int64_t width) {
    float sums[16] = {}, products[16] = {};
    int64_t whole = width / 16 * 16;
    for (int64_t i = 0; i < whole; i += 16) {
        for (int lane = 0; lane < 16; ++lane) {
            float scaled = gradient[i + lane] * gain[i + lane];
            sums[lane] += scaled;
            products[lane] += scaled * normalised[i + lane];
        }
    }
    for (int64_t i = whole; i < width; ++i) {
        sums[0] += gradient[i] * gain[i];
        products[0] += gradient[i] * gain[i] * normalised[i];
    }
    float sum = 0, product = 0;
    for (int lane = 0; lane < 16; ++lane) {
        sum += sums[lane];
        product += products[lane];
    }
    float mean = sum / static_cast<float>(width), slope = product * row.curvature;
    for (int64_t i = 0; i < width; ++i) {
        result[i] = row.inverse * (gradient[i] * gain[i] - mean - normalised[i] * slope);
        gain_gradient[i] += gradient[i] * normalised[i];
        bias_gradient[i] += gradient[i];
    }
}

/// A thread's memory for one row. Made before the threads begin: where there is none, it is no thread of OpenMP's that finds out.
struct RowRoom {
    std::vector<float> numbers;   // four rows
    std::vector<uint16_t> bits;

    explicit RowRoom(int64_t width)
        : numbers(4 * width), bits((width + random_block - 1) / random_block * random_block) {}
};

/// The random bits of one row, whose blocks are numbered through all rows.
void row_bits(uint64_t seed, int64_t row, int64_t width, std::vector<uint16_t> &bits) {
    int64_t blocks = (width + random_block - 1) / random_block;
    for (int64_t block = 0; block < blocks; ++block) {
        random_bits(seed, static_cast<uint64_t>(row * blocks + block), bits.data() + block * random_block);
    }
}

/// What backward needs again.
struct KeptRows {
    at::Tensor normalised;
    at::Tensor statistics;  // [rows, 2], float32
};

/// The norm of all rows, and what backward needs of them where that is asked for. Of two types it has the wider one.
at::Tensor normalised_sum(
    const at::Tensor &x, const at::Tensor &branch, const at::Tensor &gain, const at::Tensor &bias, uint64_t seed,
    double probability, KeptRows *kept) {
    TORCH_CHECK(x.sizes() == branch.sizes(), "the branch is ", branch.sizes(), ", expected ", x.sizes());
    int64_t width = x.size(-1), rows = width ? x.numel() / width : 0;
    TORCH_CHECK(gain.numel() == width && bias.numel() == width, "the norm has ", gain.numel(), " elements, expected ",
                width);
    auto out = at::empty(x.sizes(), x.options().dtype(c10::promoteTypes(x.scalar_type(), branch.scalar_type())));
    std::optional<Results> normalised;
    RowStatistics *statistics = nullptr;
    if (kept) {
        *kept = {at::empty_like(out), at::empty({rows, 2}, x.options().dtype(at::kFloat))};
        normalised.emplace(kept->normalised);
        statistics = reinterpret_cast<RowStatistics *>(kept->statistics.mutable_data_ptr<float>());
    }
    auto threshold = drop_threshold(probability);
    auto scale = static_cast<float>(1 / (1 - probability));
    Numbers xs(x), branches(branch);
    Results outs(out);
    auto gains = elements<float>(gain), biases = elements<float>(bias);
    std::vector<RowRoom> rooms(at::get_num_threads(), RowRoom(width));
    parallel_ranges(rows, width, [&](int64_t begin, int64_t end, int thread) {
        auto &[room, bits] = rooms[thread];
        for (int64_t row = begin; row < end; ++row) {
            int64_t at = row * width;
            auto x_row = xs.read(at, width, room.data());
            auto branch_row = branches.read(at, width, room.data() + width);
            auto out_row = outs.place(at, room.data() + 2 * width);
            auto normalised_row = normalised ? normalised->place(at, room.data() + 3 * width) : nullptr;
            if (probability > 0) {
                row_bits(seed, row, width, bits);
                add_dropped(x_row, branch_row, out_row, width, bits.data(), threshold, scale);
            } else {
                add(x_row, branch_row, out_row, width);
            }
            auto of_row = normalise_row(out_row, normalised_row, gains, biases, width);
            outs.store(at, width, out_row);
            if (normalised) {
                normalised->store(at, width, normalised_row);
                statistics[row] = of_row;
            }
        }
    });
    return out;
}

struct ResidualNorm : torch::autograd::Function<ResidualNorm> {
    static Variable forward(
        AutogradContext *context, const Variable &x, const Variable &branch, const Variable &gain,
        const Variable &bias, double probability) {
        auto seed = probability > 0 ? draw_seed() : 0;
        KeptRows kept;
        auto out = normalised_sum(x.contiguous(), branch.contiguous(), gain, bias, seed, probability, &kept);
        context->save_for_backward({kept.normalised, kept.statistics, gain});
        context->saved_data["seed"] = static_cast<int64_t>(seed);
        context->saved_data["probability"] = probability;
        context->saved_data["x type"] = static_cast<int64_t>(x.scalar_type());
        context->saved_data["branch type"] = static_cast<int64_t>(branch.scalar_type());
        return out;
    }

    static variable_list backward(AutogradContext *context, variable_list gradients) {
        refuse_second_derivatives();
        auto saved = context->get_saved_variables();
        auto normalised = saved[0], statistics = saved[1], gain = saved[2];
        auto gradient = gradients[0].contiguous();
        int64_t width = gradient.size(-1), rows = width ? gradient.numel() / width : 0;
        auto seed = static_cast<uint64_t>(context->saved_data["seed"].toInt());
        auto probability = context->saved_data["probability"].toDouble();
        auto threshold = drop_threshold(probability);
        auto scale = static_cast<float>(1 / (1 - probability));
        auto x_type = static_cast<at::ScalarType>(context->saved_data["x type"].toInt());
        auto branch_type = static_cast<at::ScalarType>(context->saved_data["branch type"].toInt());
        auto by_x = at::empty_like(gradient, x_type);
        // Without dropout both have the same gradient.
        bool differ = probability > 0 || x_type != branch_type;
        auto by_branch = differ ? at::empty_like(gradient, branch_type) : by_x;
        int threads = at::get_num_threads();
        auto partial = at::zeros({2, threads, width}, gradient.options().dtype(at::kFloat));
        Numbers by_out(gradient), normal(normalised);
        Results xs(by_x), branches(by_branch);
        auto gains = elements<float>(gain);
        auto rows_kept = reinterpret_cast<const RowStatistics *>(elements<float>(statistics));
        auto partials = partial.mutable_data_ptr<float>();
        std::vector<RowRoom> rooms(threads, RowRoom(width));
        parallel_ranges(rows, width, [&](int64_t begin, int64_t end, int thread) {
            auto &[room, bits] = rooms[thread];
            auto gain_gradient = partials + thread * width;
            auto bias_gradient = partials + (threads + thread) * width;
            for (int64_t row = begin; row < end; ++row) {
                int64_t at = row * width;
                auto x_row = xs.place(at, room.data() + 2 * width);
                row_gradient(
                    by_out.read(at, width, room.data()), normal.read(at, width, room.data() + width), gains,
                    rows_kept[row], x_row, gain_gradient, bias_gradient, width);
                xs.store(at, width, x_row);
                if (!differ) continue;
                auto branch_row = branches.place(at, room.data() + 3 * width);
                if (probability > 0) {
                    row_bits(seed, row, width, bits);
                    drop_block(x_row, branch_row, width, bits.data(), threshold, scale);
                } else {
                    std::copy_n(x_row, width, branch_row);
                }
                branches.store(at, width, branch_row);
            }
        });
        auto totals = partial.sum(1);
        return {by_x, by_branch, totals[0], totals[1], Variable()};
    }
};

at::Tensor residual_norm(
    const at::Tensor &x, const at::Tensor &branch, const at::Tensor &gain, const at::Tensor &bias,
    double probability) {
    check_probability(probability);
    if (!needs_gradient(x, branch, gain, bias)) {
        auto seed = probability > 0 ? draw_seed() : 0;
        return normalised_sum(x.contiguous(), branch.contiguous(), gain, bias, seed, probability, nullptr);
    }
    return ResidualNorm::apply(x, branch, gain, bias, probability);
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(rwsan, library) {
    library.def(
        "residual_norm(Tensor x, Tensor branch, Tensor gain, Tensor bias, float probability) -> Tensor",
        &residual_norm);
}

}  // namespace ctorch
