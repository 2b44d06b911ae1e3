// Shared by the bridge's own files: errors as values, and the way between handles and tensors.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/Exception.h>

#include <cstring>
#include <exception>
#include <string>

#include "CTorch.h"

namespace ctorch {

inline void report(char **error, const char *message) {
    if (error) *error = strdup(message);
}

/// Runs `body`; what it throws becomes an error value and `failure` is returned.
template <typename Result, typename Body>
Result guarded(char **error, Result failure, Body body) noexcept {
    try {
        return body();
    } catch (const c10::Error &exception) {
        report(error, exception.what_without_backtrace());
    } catch (const std::exception &exception) {
        report(error, exception.what());
    } catch (...) {
        report(error, "unknown C++ exception");
    }
    return failure;
}

/// Hands one reference over to the caller.
inline ctorch_tensor_ref release(at::Tensor tensor) {
    if (!tensor.defined()) return nullptr;
    return reinterpret_cast<ctorch_tensor_ref>(tensor.unsafeReleaseTensorImpl());
}

inline c10::TensorImpl *implementation(ctorch_tensor_ref tensor) {
    return reinterpret_cast<c10::TensorImpl *>(tensor);
}

/// A tensor with a reference of its own.
inline at::Tensor retained(ctorch_tensor_ref tensor) {
    if (!tensor) return {};
    return at::Tensor(
        c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>::unsafe_reclaim_from_nonowning(
            implementation(tensor)));
}

/// Loads CUDA on the first call; throws what is in its way.
void require_cuda();

}  // namespace ctorch
