// Random bits for dropout that depend on a seed and a place alone: the same for every number of threads, and
// drawn again in backward instead of kept.
#pragma once

#include <cstdint>

namespace ctorch {

/// A seed drawn from libtorch's CPU generator, so that its state is all there is to save of a run.
uint64_t draw_seed();

/// How many numbers `random_bits` writes.
constexpr int64_t random_block = 1024;

/// Writes `random_block` numbers, uniform over 16 bits, for one block of one seed.
///
/// Philox 4x32 with 10 rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
void random_bits(uint64_t seed, uint64_t block, uint16_t *bits);

/// Refuses what is no probability of dropout, before any thread works with it.
void check_probability(double probability);

/// Which elements dropout keeps: an element is kept when its bits are not below this.
inline uint32_t drop_threshold(double probability) {
    return static_cast<uint32_t>(probability * 65536 + 0.5);
}

}  // namespace ctorch
