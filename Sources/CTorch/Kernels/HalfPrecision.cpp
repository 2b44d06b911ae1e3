// Half precision to single precision and back, for memory that is no tensor.

#include "CTorch.h"
#include "Parallel.h"

namespace ctorch {
namespace {

CTORCH_VECTORISED
void widen(const _Float16 *halves, float *floats, int64_t count) {
    for (int64_t i = 0; i < count; ++i) floats[i] = static_cast<float>(halves[i]);
}

CTORCH_VECTORISED
void narrow(const float *floats, _Float16 *halves, int64_t count) {
    for (int64_t i = 0; i < count; ++i) halves[i] = static_cast<_Float16>(floats[i]);
}

}  // namespace
}  // namespace ctorch

void ctorch_widen(const void *halves, float *floats, int64_t count) {
    ctorch::widen(static_cast<const _Float16 *>(halves), floats, count);
}

void ctorch_narrow(const float *floats, void *halves, int64_t count) {
    ctorch::narrow(floats, static_cast<_Float16 *>(halves), count);
}
