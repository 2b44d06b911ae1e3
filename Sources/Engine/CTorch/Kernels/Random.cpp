#include "Random.h"

#include <ATen/CPUGeneratorImpl.h>
#include <c10/util/Exception.h>

#include <cstring>
#include <mutex>

#include "Parallel.h"

namespace ctorch {

uint64_t draw_seed() {
    auto generator = at::detail::getDefaultCPUGenerator();
    std::lock_guard<std::mutex> lock(generator.mutex());
    return at::check_generator<at::CPUGeneratorImpl>(generator)->random64();
}

void check_probability(double probability) {
    TORCH_CHECK(probability >= 0 && probability <= 1, "expected a probability of dropout from 0 to 1, found ",
                probability);
}

CTORCH_VECTORISED
void random_bits(uint64_t seed, uint64_t block, uint16_t *bits) {
    constexpr int lanes = random_block / 8;  // a counter gives four words of 32 bits
    uint32_t c0[lanes], c1[lanes], c2[lanes], c3[lanes];
    for (int i = 0; i < lanes; ++i) {
        c0[i] = static_cast<uint32_t>(i);
        c1[i] = 0;
        c2[i] = static_cast<uint32_t>(block);
        c3[i] = static_cast<uint32_t>(block >> 32);
    }
    auto k0 = static_cast<uint32_t>(seed), k1 = static_cast<uint32_t>(seed >> 32);
    for (int round = 0; round < 10; ++round) {
        for (int i = 0; i < lanes; ++i) {
            uint64_t a = 0xD2511F53ull * c0[i], b = 0xCD9E8D57ull * c2[i];
            uint32_t n0 = static_cast<uint32_t>(b >> 32) ^ c1[i] ^ k0;
            uint32_t n2 = static_cast<uint32_t>(a >> 32) ^ c3[i] ^ k1;
            c1[i] = static_cast<uint32_t>(b);
            c3[i] = static_cast<uint32_t>(a);
            c0[i] = n0;
            c2[i] = n2;
        }
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    // Which word of which counter an element gets does not matter as long as it is always the same.
    std::memcpy(bits, c0, sizeof c0);
    std::memcpy(bits + 2 * lanes, c1, sizeof c1);
    std::memcpy(bits + 4 * lanes, c2, sizeof c2);
    std::memcpy(bits + 6 * lanes, c3, sizeof c3);
}

}  // namespace ctorch
