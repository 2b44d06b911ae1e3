// Linear layers that are trained, in float32 on processors with AVX-512 whose math library does not use it: on AMD's, MKL takes
// its kernels for AVX2. From Zen 5 on (family 26) those make half as many products at once as the processor can.
#pragma once

#include <ATen/autocast_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>

#include <utility>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "Backward.h"
#include "../PackedProduct.h"
#include "CTorch.h"

namespace ctorch {
namespace {

/// Whether the processor is AMD's, with vectors of 512 bits in one piece.
inline bool is_zen_5() {
#if defined(__x86_64__)
    unsigned version = 0, b = 0, c = 0, d = 0;
    if (!__builtin_cpu_is("amd") || !__get_cpuid(1, &version, &b, &c, &d)) return false;
    return (version >> 8 & 0xf) + (version >> 20 & 0xff) >= 0x1a;
#else
    return false;
#endif
}

/// Whether the products of what this thread computes are to be made here.
inline bool &own_products() {
    static const bool is_default = ctorch_has_packed_products() && is_zen_5();
    static thread_local bool are_own = is_default;
    return are_own;
}

/// With fewer rows it takes longer to pack the weight than is won.
constexpr int64_t least_rows = 64;

#if defined(CTORCH_PACKED_PRODUCTS)

/// `x W^T + bias` of rows `[rows, in]`, in a tensor of its own of this shape.
at::Tensor linear_of_rows(
    const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias, at::IntArrayRef shape) {
    auto out = at::empty(shape, x.options());
    auto packed = pack_linear(weight);
    Product{elements<float>(x), elements<float>(packed), bias.defined() ? elements<float>(bias) : nullptr, nullptr,
            out.mutable_data_ptr<float>(), x.size(0), x.size(1), weight.size(0), Activation::none}
        .compute();
    return out;
}

/// `a b` of `a` `[rows, columns]`, or where it is transposed `[columns, rows]`, and `b` `[columns, width]`.
at::Tensor product_of(const at::Tensor &a, bool is_transposed, const at::Tensor &b) {
    int64_t rows = a.size(is_transposed ? 1 : 0);
    auto out = at::empty({rows, b.size(1)}, a.options());
    auto packed = pack_columns(b);
    Product{elements<float>(a), elements<float>(packed), nullptr, nullptr, out.mutable_data_ptr<float>(), rows,
            b.size(0), b.size(1), Activation::none, is_transposed}
        .compute();
    return out;
}

struct TrainedLinear : torch::autograd::Function<TrainedLinear> {
    static Variable forward(
        AutogradContext *context, const Variable &x, const Variable &weight_in, const std::optional<Variable> &bias) {
        auto rows = x.reshape({-1, x.size(-1)}).contiguous(), weight = weight_in.contiguous();
        context->save_for_backward({rows, weight});
        context->saved_data["shape"] = x.sizes().vec();
        context->saved_data["has bias"] = bias.has_value();
        auto shape = x.sizes().vec();
        shape.back() = weight.size(0);
        return linear_of_rows(rows, weight, bias ? bias->contiguous() : at::Tensor(), shape);
    }

    static variable_list backward(AutogradContext *context, variable_list gradients) {
        refuse_second_derivatives();
        auto saved = context->get_saved_variables();
        auto rows = saved[0], weight = saved[1];
        auto gradient = gradients[0].reshape({-1, weight.size(0)}).contiguous();
        Variable by_x, by_weight, by_bias;
        if (context->needs_input_grad(0)) {
            by_x = product_of(gradient, false, weight).view(context->saved_data["shape"].toIntVector());
        }
        if (context->needs_input_grad(1)) by_weight = product_of(gradient, true, rows);
        if (context->saved_data["has bias"].toBool() && context->needs_input_grad(2)) by_bias = gradient.sum(0);
        return {by_x, by_weight, by_bias};
    }
};

#endif

/// libtorch's linear layer, on whose arguments the operator depends in the same way.
at::Tensor trained_linear(const at::Tensor &x, const at::Tensor &weight, const std::optional<at::Tensor> &bias) {
#if defined(CTORCH_PACKED_PRODUCTS)
    auto is_taken = [](const at::Tensor &tensor) { return tensor.device().is_cpu() && tensor.scalar_type() == at::kFloat; };
    bool fits = x.dim() >= 1 && weight.dim() == 2 && x.size(-1) == weight.size(1) && weight.numel() > 0 &&
                x.numel() / weight.size(1) >= least_rows &&
                (!bias || (bias->dim() == 1 && bias->size(0) == weight.size(0)));
    if (own_products() && fits && is_taken(x) && is_taken(weight) && (!bias || is_taken(*bias)) &&
        !at::autocast::is_autocast_enabled(at::kCPU)) {
        return TrainedLinear::apply(x, weight, bias);
    }
#endif
    return at::linear(x, weight, bias);
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(rwsan, library) {
    library.def("linear(Tensor x, Tensor weight, Tensor? bias) -> Tensor", &trained_linear);
}

}  // namespace ctorch

bool ctorch_set_own_products(bool are_own) {
    return std::exchange(ctorch::own_products(), are_own && ctorch_has_packed_products());
}
