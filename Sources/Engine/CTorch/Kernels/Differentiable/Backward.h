// What every kernel with a backward is written with.
#pragma once

#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

namespace ctorch {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

/// For a backward that autograd does not follow: derivatives of its results would lack what goes through it.
inline void refuse_second_derivatives() {
    TORCH_CHECK(!at::GradMode::is_enabled(), "expected gradients alone of one of the package's own kernels, found that derivatives of "
                "them are asked for, which they do not have");
}

}  // namespace ctorch
