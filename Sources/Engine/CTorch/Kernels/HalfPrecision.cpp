// Half precision to single precision and back, for memory that is no tensor.

#include "CTorch.h"
#include "Parallel.h"

#include <cstring>

namespace ctorch {
namespace {

typedef _Float16 HalfBlock __attribute__((vector_size(32), aligned(2)));
typedef float FloatBlock __attribute__((vector_size(64)));

// Whole cache lines go past the cache: a batch is larger than it, and without that every line would be read
// from memory before it is overwritten.
CTORCH_VECTORISED
void widen(const _Float16 *halves, float *floats, int64_t count) {
    constexpr int64_t block = 16;
    int64_t i = 0;
    for (; i < count && reinterpret_cast<uintptr_t>(floats + i) % 64 != 0; ++i)
        floats[i] = static_cast<float>(halves[i]);
    for (; i + block <= count; i += block) {
        auto values = *reinterpret_cast<const HalfBlock *>(halves + i);
        __builtin_nontemporal_store(
            __builtin_convertvector(values, FloatBlock), reinterpret_cast<FloatBlock *>(floats + i));
    }
    for (; i < count; ++i) floats[i] = static_cast<float>(halves[i]);
    // Such stores are not ordered with others: another thread must not see the batch before them.
    std::atomic_thread_fence(std::memory_order_seq_cst);
}

CTORCH_VECTORISED
void narrow(const float *floats, _Float16 *halves, int64_t count) {
    for (int64_t i = 0; i < count; ++i) halves[i] = static_cast<_Float16>(floats[i]);
}

CTORCH_VECTORISED
uint32_t largest_magnitude(const uint32_t *bits, int64_t count) {
    uint32_t largest = 0;
    for (int64_t i = 0; i < count; ++i) largest = std::max(largest, bits[i] & 0x7fffffffu);
    return largest;
}

}  // namespace
}  // namespace ctorch

void ctorch_widen(const void *halves, float *floats, int64_t count) {
    ctorch::widen(static_cast<const _Float16 *>(halves), floats, count);
}

void ctorch_narrow(const float *floats, void *halves, int64_t count) {
    ctorch::narrow(floats, static_cast<_Float16 *>(halves), count);
}

float ctorch_largest_magnitude(const float *floats, int64_t count) {
    // As whole numbers, magnitudes are in the same order, with infinity and then NaN behind them.
    uint32_t bits = ctorch::largest_magnitude(reinterpret_cast<const uint32_t *>(floats), count);
    float magnitude;
    std::memcpy(&magnitude, &bits, sizeof magnitude);
    return magnitude;
}
