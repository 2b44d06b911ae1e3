// Linear layers for inference in float32 on processors with AVX-512, from weights that were put into the order in which
// they are read. Math libraries do so in every call, which for a few hundred rows costs a tenth of it and for ten rows
// two thirds. What follows a layer (a sum, relu, GELU) is done while its numbers are still at hand.

#include <torch/library.h>

#include "CTorch.h"
#include "PackedProduct.h"

namespace ctorch {
namespace {

/// `activation(x W^T + bias) + added`, of `x` `[rows, in]`, a packed weight and how many outputs it has.
at::Tensor packed_linear(
    const at::Tensor &x_in, const at::Tensor &packed, const std::optional<at::Tensor> &bias_in, int64_t width,
    const std::optional<at::Tensor> &added_in, int64_t activation) {
#if defined(CTORCH_PACKED_PRODUCTS)
    TORCH_CHECK(ctorch_has_packed_products(), "expected a processor with AVX-512, found one without");
    TORCH_CHECK(packed.dim() == 3 && packed.size(2) == panel_width && packed.is_contiguous() && width > 0 &&
                packed.size(0) == shares(width, panel_width), "expected the packed weight of ", width,
                " outputs, found ", packed.sizes());
    TORCH_CHECK(x_in.dim() >= 1 && x_in.size(-1) == packed.size(1), "rows are ", x_in.sizes(), ", the weight takes ",
                packed.size(1));
    TORCH_CHECK(activation >= 0 && activation <= static_cast<int64_t>(Activation::gelu), "no activation ", activation);
    auto x = x_in.contiguous();
    auto shape = x.sizes().vec();
    shape.back() = width;
    auto out = at::empty(shape, x.options());
    at::Tensor bias, added;
    if (bias_in) bias = bias_in->contiguous();
    if (added_in) added = added_in->contiguous();
    TORCH_CHECK(!bias_in || bias.numel() == width, "expected a bias of ", width, ", found ", bias.sizes());
    TORCH_CHECK(!added_in || added.sizes() == out.sizes(), "expected ", out.sizes(), " to add, found ", added.sizes());
    auto rows = packed.size(1) == 0 ? 0 : x.numel() / packed.size(1);
    Product product{
        elements<float>(x), elements<float>(packed), bias_in ? elements<float>(bias) : nullptr,
        added_in ? elements<float>(added) : nullptr, out.mutable_data_ptr<float>(), rows, packed.size(1), width,
        static_cast<Activation>(activation)};
    product.compute();
    return out;
#else
    TORCH_CHECK(false, "expected a processor with AVX-512, found one without");
#endif
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(rwsan, library) {
    library.def("pack_linear(Tensor weight) -> Tensor", &pack_linear);
    library.def(
        "packed_linear(Tensor x, Tensor packed, Tensor? bias, int width, Tensor? added, int activation) -> Tensor",
        &packed_linear);
}

}  // namespace ctorch

bool ctorch_has_packed_products(void) {
#if defined(CTORCH_PACKED_PRODUCTS)
    return __builtin_cpu_supports("x86-64-v4");
#else
    return false;
#endif
}
