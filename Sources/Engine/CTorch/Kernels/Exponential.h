// A power of e that the compiler turns into vectors.
#pragma once

#include <cstdint>

namespace ctorch {

/// e^x for x <= 0, within 2 units in the last place; exactly 0 far below.
inline __attribute__((always_inline)) float exponential(float x) {
    float bounded = x < -87.f ? -87.f : x;
    float shifted = bounded * 1.44269504f + 12582912.f;  // adding 1.5 * 2^23 rounds to a whole number
    int32_t power;
    __builtin_memcpy(&power, &shifted, 4);
    float whole = shifted - 12582912.f;
    float r = bounded - whole * 0.693145752f - whole * 1.42860677e-6f;
    float p = 1.f + r * (1.f + r * (0.5f + r * (0.166666672f + r * (0.0416664667f + r * (0.00833328255f + r * 0.00139304355f)))));
    int32_t bits = (power - 0x4B400000 + 127) << 23;
    float scale;
    __builtin_memcpy(&scale, &bits, 4);
    return x < -87.f ? 0.f : p * scale;
}

}  // namespace ctorch
