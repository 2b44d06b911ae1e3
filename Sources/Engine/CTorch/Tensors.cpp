// What is not an operator: memory, gradients, random generators and threads.

#include <ATen/Context.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>
#include <c10/core/GradMode.h>
#include <malloc.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>
#include <torch/version.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <stdexcept>

#include "Bridge.h"

using ctorch::guarded;
using ctorch::implementation;
using ctorch::release;
using ctorch::retained;

// The OpenMP library that libtorch brings, and the math library inside it, which not every processor has.
extern "C" __attribute__((weak)) void omp_set_num_threads(int count);
extern "C" __attribute__((weak)) int omp_get_thread_limit();
extern "C" __attribute__((weak)) int omp_get_max_active_levels();
extern "C" __attribute__((weak)) int MKL_Set_Num_Threads_Local(int count);

namespace {

c10::IntArrayRef shape_of(const int64_t *shape, int32_t rank) { return {shape, static_cast<size_t>(rank)}; }

c10::Device device_of(const char *type, int32_t index) {
    c10::Device device(type);
    if (index >= 0) device.set_index(static_cast<c10::DeviceIndex>(index));
    return device;
}

}  // namespace

ctorch_tensor_ref ctorch_tensor_make(
    const void *bytes, const int64_t *shape, int32_t rank, int32_t dtype, bool pinned, char **error) {
    return guarded<ctorch_tensor_ref>(error, nullptr, [&] {
        auto options = at::TensorOptions().dtype(static_cast<c10::ScalarType>(dtype));
        if (pinned) {
            ctorch::require_cuda();
            options = options.pinned_memory(true);
        }
        auto tensor = at::empty(shape_of(shape, rank), options);
        if (bytes && tensor.nbytes()) memcpy(tensor.mutable_data_ptr(), bytes, tensor.nbytes());
        return release(std::move(tensor));
    });
}

bool ctorch_tensor_shorten(ctorch_tensor_ref tensor, int64_t count, char **error) {
    return guarded(error, false, [&] {
        auto impl = implementation(tensor);
        auto sizes = impl->sizes().vec();
        if (sizes.empty() || count < 0 || count > sizes[0] || !impl->is_contiguous())
            throw std::invalid_argument("expected a contiguous tensor with as many positions or more");
        sizes[0] = count;
        impl->set_sizes_contiguous(sizes);
        return true;
    });
}

ctorch_tensor_ref ctorch_tensor_borrow(
    void *bytes, const int64_t *shape, int32_t rank, int32_t dtype,
    void (*free_memory)(void *), void *context, char **error) {
    return guarded<ctorch_tensor_ref>(error, nullptr, [&] {
        auto type = static_cast<c10::ScalarType>(dtype);
        auto deleter = [free_memory, context](void *) { free_memory(context); };
        return release(
            at::from_blob(bytes, shape_of(shape, rank), deleter, at::TensorOptions().dtype(type)));
    });
}

void ctorch_tensor_retain(ctorch_tensor_ref tensor) {
    c10::raw::intrusive_ptr::incref(implementation(tensor));
}

void ctorch_tensor_release(ctorch_tensor_ref tensor) {
    c10::raw::intrusive_ptr::decref(implementation(tensor));
}

int32_t ctorch_tensor_rank(ctorch_tensor_ref tensor) {
    return static_cast<int32_t>(implementation(tensor)->dim());
}

const int64_t *ctorch_tensor_shape(ctorch_tensor_ref tensor) {
    return implementation(tensor)->sizes().data();
}

const int64_t *ctorch_tensor_strides(ctorch_tensor_ref tensor) {
    return implementation(tensor)->strides().data();
}

int64_t ctorch_tensor_count(ctorch_tensor_ref tensor) { return implementation(tensor)->numel(); }

int32_t ctorch_tensor_dtype(ctorch_tensor_ref tensor) {
    return static_cast<int32_t>(c10::typeMetaToScalarType(implementation(tensor)->dtype()));
}

bool ctorch_tensor_is_contiguous(ctorch_tensor_ref tensor) {
    return implementation(tensor)->is_contiguous();
}

const char *ctorch_tensor_device(ctorch_tensor_ref tensor, int32_t *index) {
    auto device = implementation(tensor)->device();
    *index = device.index();
    return device.is_cpu() ? "cpu" : device.is_cuda() ? "cuda" : "other";
}

void *ctorch_tensor_data(ctorch_tensor_ref tensor) {
    auto impl = implementation(tensor);
    return impl->device().is_cpu() ? impl->mutable_data() : nullptr;
}

void *ctorch_tensor_address(ctorch_tensor_ref tensor) { return implementation(tensor)->mutable_data(); }

bool ctorch_tensor_requires_grad(ctorch_tensor_ref tensor) {
    return implementation(tensor)->requires_grad();
}

bool ctorch_tensor_set_requires_grad(ctorch_tensor_ref tensor, bool value, char **error) {
    return guarded(error, false, [&] {
        retained(tensor).requires_grad_(value);
        return true;
    });
}

bool ctorch_tensor_is_leaf(ctorch_tensor_ref tensor) { return retained(tensor).is_leaf(); }

ctorch_tensor_ref ctorch_tensor_grad(ctorch_tensor_ref tensor) {
    return guarded<ctorch_tensor_ref>(nullptr, nullptr, [&] { return release(retained(tensor).grad()); });
}

bool ctorch_tensor_set_grad(ctorch_tensor_ref tensor, ctorch_tensor_ref grad, char **error) {
    return guarded(error, false, [&] {
        retained(tensor).mutable_grad() = retained(grad);
        return true;
    });
}

bool ctorch_tensor_set_data(ctorch_tensor_ref tensor, ctorch_tensor_ref data, char **error) {
    return guarded(error, false, [&] {
        retained(tensor).set_data(retained(data));
        return true;
    });
}

bool ctorch_tensor_backward(ctorch_tensor_ref tensor, ctorch_tensor_ref grad, char **error) {
    return guarded(error, false, [&] {
        retained(tensor).backward(retained(grad));
        return true;
    });
}

bool ctorch_tensor_after_gradient(ctorch_tensor_ref tensor, void (*body)(void *), void *context, char **error) {
    struct Hook : torch::autograd::PostAccumulateGradHook {
        Hook(void (*body)(void *), void *context) : body(body), context(context) {}
        void operator()(const torch::autograd::Variable &) override { body(context); }
        void (*body)(void *);
        void *context;
    };
    return guarded(error, false, [&] {
        auto leaf = retained(tensor);
        TORCH_CHECK(leaf.requires_grad() && leaf.is_leaf(), "expected a leaf that requires a gradient");
        torch::autograd::impl::set_post_acc_grad_hooks(leaf, body ? std::make_unique<Hook>(body, context) : nullptr);
        return true;
    });
}

bool ctorch_grad_enabled(void) { return c10::GradMode::is_enabled(); }

void ctorch_set_grad_enabled(bool enabled) { c10::GradMode::set_enabled(enabled); }

bool ctorch_autocast_begin(const char *device, int32_t dtype, char **error) {
    return guarded(error, false, [&] {
        auto type = c10::Device(device).type();
        if (at::autocast::is_autocast_enabled(type)) throw std::logic_error("autocast is on already");
        at::autocast::set_autocast_dtype(type, static_cast<c10::ScalarType>(dtype));
        at::autocast::set_autocast_enabled(type, true);
        // One table keeps the converted weights of all threads, and whoever empties it decides whether a weight that
        // is used twice is converted twice, and in which order its gradients are added.
        at::autocast::set_autocast_cache_enabled(false);
        return true;
    });
}

bool ctorch_autocast_set_enabled(const char *device, bool enabled) {
    auto type = c10::Device(device).type();
    auto was_enabled = at::autocast::is_autocast_enabled(type);
    at::autocast::set_autocast_enabled(type, enabled);
    return was_enabled;
}

void ctorch_autocast_end(const char *device) {
    at::autocast::set_autocast_enabled(c10::Device(device).type(), false);
}

void ctorch_manual_seed(uint64_t seed) { at::manual_seed(seed); }

ctorch_tensor_ref ctorch_generator_state(const char *device, int32_t index, char **error) {
    return guarded<ctorch_tensor_ref>(error, nullptr, [&] {
        auto generator = at::globalContext().defaultGenerator(device_of(device, index));
        std::lock_guard<std::mutex> lock(generator.mutex());
        return release(generator.get_state());
    });
}

bool ctorch_set_generator_state(
    const char *device, int32_t index, ctorch_tensor_ref state, char **error) {
    return guarded(error, false, [&] {
        auto generator = at::globalContext().defaultGenerator(device_of(device, index));
        std::lock_guard<std::mutex> lock(generator.mutex());
        generator.set_state(retained(state));
        return true;
    });
}

int32_t ctorch_thread_count(void) { return at::get_num_threads(); }

namespace {

/// How many threads OpenMP starts at most, as its variables say: OMP_THREAD_LIMIT, OMP_MAX_ACTIVE_LEVELS. Of fewer than it
/// asks for, libtorch makes wrong numbers.
int thread_limit() {
    if (omp_get_max_active_levels && omp_get_max_active_levels() < 1) return 1;
    return omp_get_thread_limit ? std::max(1, omp_get_thread_limit()) : std::numeric_limits<int>::max();
}

/// For every program, before it computes.
const bool keeps_thread_limit = [] {
    if (at::get_num_threads() > thread_limit()) at::set_num_threads(thread_limit());
    return true;
}();

}  // namespace

void ctorch_set_thread_count(int32_t count) { at::set_num_threads(std::min(count, thread_limit())); }

ctorch_thread_counts ctorch_exchange_thread_counts(ctorch_thread_counts counts) {
    // A thread that asks for the first time is given the process's number: later, that would undo the change.
    ctorch_thread_counts before{at::get_num_threads(), 0};
    if (omp_set_num_threads) omp_set_num_threads(counts.operators);
    if (MKL_Set_Num_Threads_Local) before.products = MKL_Set_Num_Threads_Local(counts.products);
    return before;
}

void ctorch_keep_freed_memory(void) {
    // By default the larger tensors of a step are mapped anew each time, and every page of them faults.
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    mallopt(M_TOP_PAD, 64 << 20);
}

const char *ctorch_header_version(void) { return TORCH_VERSION; }

void ctorch_free(void *memory) { free(memory); }
