// Dropout on the CPU, alone and behind a relu.
#pragma once

#include <ATen/ops/empty_like.h>

#include "Backward.h"
#include "Numbers.h"
#include "../Parallel.h"
#include "../Random.h"

namespace ctorch {
namespace {

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

/// `kernel(in, out, count, bits)` on every block of elements, in a tensor of the same type.
template <typename Kernel>
at::Tensor blocks_dropped(const at::Tensor &x, uint64_t seed, const Kernel &kernel) {
    auto out = at::empty_like(x, at::MemoryFormat::Contiguous);
    Numbers in(x);
    Results results(out);
    over_blocks(x.numel(), seed, [&](int64_t start, int64_t count, const uint16_t *bits) {
        float read[random_block], computed[random_block];
        auto result = results.place(start, computed);
        kernel(in.read(start, count, read), result, count, bits);
        results.store(start, count, result);
    });
    return out;
}

at::Tensor dropped(const at::Tensor &x, uint64_t seed, double probability) {
    auto threshold = drop_threshold(probability);
    auto scale = static_cast<float>(1 / (1 - probability));
    return blocks_dropped(x, seed, [=](const float *in, float *out, int64_t count, const uint16_t *bits) {
        drop_block(in, out, count, bits, threshold, scale);
    });
}

struct Dropout : torch::autograd::Function<Dropout> {
    static Variable forward(AutogradContext *context, const Variable &x, double probability) {
        auto seed = draw_seed();
        context->saved_data["seed"] = static_cast<int64_t>(seed);
        context->saved_data["probability"] = probability;
        return dropped(x.contiguous(), seed, probability);
    }

    static variable_list backward(AutogradContext *context, variable_list gradients) {
        refuse_second_derivatives();
        auto seed = static_cast<uint64_t>(context->saved_data["seed"].toInt());
        return {
            dropped(gradients[0].contiguous(), seed, context->saved_data["probability"].toDouble()),
            Variable()};
    }
};

struct ReluDropout : torch::autograd::Function<ReluDropout> {
    static Variable forward(AutogradContext *context, const Variable &input, double probability) {
        auto threshold = drop_threshold(probability);
        auto scale = static_cast<float>(1 / (1 - probability));
        auto kernel = [=](const float *in, float *out, int64_t count, const uint16_t *bits) {
            relu_drop_block(in, out, count, bits, threshold, scale);
        };
        auto out = blocks_dropped(input.contiguous(), draw_seed(), kernel);
        context->save_for_backward({out});
        context->saved_data["scale"] = static_cast<double>(scale);
        return out;
    }

    static variable_list backward(AutogradContext *context, variable_list gradients) {
        refuse_second_derivatives();
        // An element of the output is above zero just where the input was and dropout kept it.
        auto out = context->get_saved_variables()[0];
        auto gradient = gradients[0].contiguous();
        auto result = at::empty_like(gradient);
        auto scale = static_cast<float>(context->saved_data["scale"].toDouble());
        Numbers by_out(gradient), kept(out);
        Results results(result);
        parallel_ranges(gradient.numel(), 1, [&](int64_t begin, int64_t end, int) {
            float read[random_block], read_kept[random_block], computed[random_block];
            for (int64_t start = begin; start < end; start += random_block) {
                int64_t count = std::min(random_block, end - start);
                auto place = results.place(start, computed);
                relu_drop_gradient(
                    by_out.read(start, count, read), kept.read(start, count, read_kept), place, count, scale);
                results.store(start, count, place);
            }
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
