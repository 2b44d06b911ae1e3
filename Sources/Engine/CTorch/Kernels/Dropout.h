// Dropout for float32 rows on the CPU, alone and behind a relu.
#pragma once

#include <ATen/ops/empty_like.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include "Parallel.h"
#include "Random.h"

namespace ctorch {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

CTORCH_VECTORISED
void drop_block(const float *in, float *out, int64_t count, const uint16_t *bits, uint32_t threshold, float scale) {
    for (int64_t i = 0; i < count; ++i) out[i] = bits[i] >= threshold ? in[i] * scale : 0.f;
}

CTORCH_VECTORISED
void relu_drop_block(
    const float *in, float *out, int64_t count, const uint16_t *bits, uint32_t threshold, float scale) {
    // What is not a number goes through, as in libtorch's relu.
    for (int64_t i = 0; i < count; ++i) out[i] = bits[i] >= threshold && !(in[i] <= 0.f) ? in[i] * scale : 0.f;
}

CTORCH_VECTORISED
void relu_drop_gradient(const float *gradient, const float *out, float *result, int64_t count, float scale) {
    for (int64_t i = 0; i < count; ++i) result[i] = out[i] <= 0.f ? 0.f : gradient[i] * scale;
}

/// Calls `kernel(begin, count, bits)` for every block of elements with that block's random bits.
template <typename Kernel>
void over_blocks(int64_t count, uint64_t seed, const Kernel &kernel) {
    int64_t blocks = (count + random_block - 1) / random_block;
    parallel_ranges(blocks, random_block, [&](int64_t begin, int64_t end, int) {
        uint16_t bits[random_block];
        for (int64_t block = begin; block < end; ++block) {
            random_bits(seed, static_cast<uint64_t>(block), bits);
            int64_t start = block * random_block;
            kernel(start, std::min(random_block, count - start), bits);
        }
    });
}

at::Tensor dropped(const at::Tensor &x, uint64_t seed, double probability) {
    auto out = at::empty_like(x, at::MemoryFormat::Contiguous);
    auto in = elements<float>(x);
    auto result = out.mutable_data_ptr<float>();
    auto threshold = drop_threshold(probability);
    auto scale = static_cast<float>(1 / (1 - probability));
    over_blocks(x.numel(), seed, [&](int64_t start, int64_t count, const uint16_t *bits) {
        drop_block(in + start, result + start, count, bits, threshold, scale);
    });
    return out;
}

struct Dropout : torch::autograd::Function<Dropout> {
    static Variable forward(AutogradContext *context, const Variable &x, double probability) {
        auto seed = draw_seed();
        context->saved_data["seed"] = static_cast<int64_t>(seed);
        context->saved_data["probability"] = probability;
        return dropped(x.contiguous(), seed, probability);
    }

    static variable_list backward(AutogradContext *context, variable_list gradients) {
        auto seed = static_cast<uint64_t>(context->saved_data["seed"].toInt());
        return {
            dropped(gradients[0].contiguous(), seed, context->saved_data["probability"].toDouble()),
            Variable()};
    }
};

struct ReluDropout : torch::autograd::Function<ReluDropout> {
    static Variable forward(AutogradContext *context, const Variable &input, double probability) {
        auto x = input.contiguous();
        auto out = at::empty_like(x);
        auto in = elements<float>(x);
        auto result = out.mutable_data_ptr<float>();
        auto threshold = drop_threshold(probability);
        auto scale = static_cast<float>(1 / (1 - probability));
        over_blocks(x.numel(), draw_seed(), [&](int64_t start, int64_t count, const uint16_t *bits) {
            relu_drop_block(in + start, result + start, count, bits, threshold, scale);
        });
        context->save_for_backward({out});
        context->saved_data["scale"] = static_cast<double>(scale);
        return out;
    }

    static variable_list backward(AutogradContext *context, variable_list gradients) {
        // An element of the output is above zero just where the input was and dropout kept it.
        auto out = context->get_saved_variables()[0];
        auto gradient = gradients[0].contiguous();
        auto result = at::empty_like(gradient);
        auto scale = static_cast<float>(context->saved_data["scale"].toDouble());
        auto g = elements<float>(gradient), y = elements<float>(out);
        auto r = result.mutable_data_ptr<float>();
        parallel_ranges(gradient.numel(), 1, [&](int64_t begin, int64_t end, int) {
            relu_drop_gradient(g + begin, y + begin, r + begin, end - begin, scale);
        });
        return {result, Variable()};
    }
};

at::Tensor dropout(const at::Tensor &x, double probability) {
    check_probability(probability);
    return Dropout::apply(x, probability);
}

at::Tensor relu_dropout(const at::Tensor &x, double probability) {
    check_probability(probability);
    return ReluDropout::apply(x, probability);
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(rwsan, library) {
    library.def("dropout(Tensor x, float probability) -> Tensor", &dropout);
    library.def("relu_dropout(Tensor x, float probability) -> Tensor", &relu_dropout);
}

}  // namespace ctorch
