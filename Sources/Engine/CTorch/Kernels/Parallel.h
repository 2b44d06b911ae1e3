// Work shared out over the threads that libtorch's own operators use.
#pragma once

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <atomic>
#include <cstdint>

// With the thread sanitizer (scripts/sanitize) work is shared out by threads of the system: it knows nothing of how
// OpenMP's wait for each other, and would take every result for a race.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CTORCH_THREAD_SANITIZER
#include <thread>
#include <vector>
#endif
#endif

// The entry point of the OpenMP library that libtorch brings. The compiler used here writes calls to
// another OpenMP library, and two of them in one process would fight for the cores. Weak, for the library
// comes with libtorch and is not named when linking.
extern "C" __attribute__((weak)) void GOMP_parallel(
    void (*body)(void *), void *data, unsigned thread_count, unsigned flags);
extern "C" __attribute__((weak)) int omp_get_thread_num();
extern "C" __attribute__((weak)) int omp_get_num_threads();

/// Compiles a function once for each kind of processor; the loader picks the best when the program starts, which is
/// before the thread sanitizer can follow it.
#if defined(__x86_64__) && !defined(CTORCH_THREAD_SANITIZER)
#define CTORCH_VECTORISED __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CTORCH_VECTORISED
#endif

namespace ctorch {

/// A tensor's memory. libtorch's own typed accessor cannot be linked: its name is encoded otherwise by the
/// compiler that libtorch was built with.
template <typename Element>
const Element *elements(const at::Tensor &tensor) {
    constexpr auto expected = c10::CppTypeToScalarType<Element>::value;
    TORCH_CHECK(tensor.scalar_type() == expected && tensor.is_cpu(), "expected ", expected, " on the CPU, found ",
                tensor.scalar_type(), " on ", tensor.device());
    return static_cast<const Element *>(tensor.const_data_ptr());
}

/// What the threads of one call share.
template <typename Body>
struct Work {
    int count;
    const Body &body;
};

/// Calls `body(thread)` once for each of `0..<count`, each on a thread of its own where as many can be had: OpenMP may give
/// fewer (`OMP_THREAD_LIMIT`, `OMP_DYNAMIC`), and then some threads do the work of others, too.
template <typename Body>
void on_threads(int count, const Body &body) {
    if (count <= 1 || !GOMP_parallel) {
        body(0);
        return;
    }
#if defined(CTORCH_THREAD_SANITIZER)
    std::vector<std::thread> others;
    for (int thread = 1; thread < count; ++thread) others.emplace_back([&body, thread] { body(thread); });
    body(0);
    for (auto &other : others) other.join();
#else
    Work<Body> work{count, body};
    GOMP_parallel(
        [](void *data) {
            auto &work = *static_cast<const Work<Body> *>(data);
            for (int thread = omp_get_thread_num(); thread < work.count; thread += omp_get_num_threads()) {
                work.body(thread);
            }
        },
        const_cast<void *>(static_cast<const void *>(&work)), static_cast<unsigned>(count), 0);
#endif
}

/// How many threads share `work` elements: one where they are few.
inline int thread_count(int64_t work) {
    constexpr int64_t least = 16384;
    return static_cast<int>(std::clamp<int64_t>(work / least, 1, at::get_num_threads()));
}

/// Calls `body(begin, end, thread)` for equal parts of `0..<count`, always cut alike for one thread count.
template <typename Body>
void parallel_ranges(int64_t count, int64_t work_each, const Body &body) {
    int threads = GOMP_parallel ? thread_count(count * work_each) : 1;
    on_threads(threads, [&](int thread) {
        body(count * thread / threads, count * (thread + 1) / threads, thread);
    });
}

/// Calls `body(item, thread)` for each of `0..<count` on whichever thread is free, of `thread_count(count * work_each)`:
/// for items of unequal cost that share no results.
template <typename Body>
void parallel_items(int64_t count, int64_t work_each, const Body &body) {
    std::atomic<int64_t> next{0};
    on_threads(thread_count(count * work_each), [&](int thread) {
        for (int64_t item; (item = next.fetch_add(1, std::memory_order_relaxed)) < count;) body(item, thread);
    });
}

/// Whether somebody may ask for gradients through what is computed from these.
template <typename... Tensors>
bool needs_gradient(const Tensors &...tensors) {
    return at::GradMode::is_enabled() && (tensors.requires_grad() || ...);
}

}  // namespace ctorch
