/// What stands for NCCL in tests without GPUs: the same functions for numbers in the memory of the CPU.
///
/// Ends ask as of NCCL, and it refuses what NCCL could not do: ends that ask for different things, and one thread that asks
/// for several ends without a group. Sums are made in the order of the ends. What `ncclReduce` leaves useless becomes no
/// number. Ends of several processes meet in shared memory.
#pragma once

#include "CNCCL.h"

/// Its functions.
cnccl_library nccl_double(void);
