// libgomp's threads, between two pieces of work, turn round and round for some milliseconds before they sleep. Where others want
// the processors too, each turns on time that the thread it waits for would need, and a step takes several times as long.
// GOMP_SPINCOUNT says for how many turns, and libgomp reads it once, when it is loaded, before `main` and before any constructor
// of the program's own.
//
// Functions in `.preinit_array` are run even earlier, but too early for this: the C library takes the environment up as the
// kernel left it after them, and what they have set is gone. `__gmon_start__` is what every library calls first that is
// initialised, if the program has it (for profilers, which set up their counting there). The C library is ready by then.

#include "COpenMP.h"

#include <stdbool.h>
#include <stdlib.h>

/// So many turns take some 10 to 50 microseconds, as long as what most often lies between two pieces of work.
#define SPIN_COUNT "1000"

__attribute__((visibility("default"))) void __gmon_start__(void);

void __gmon_start__(void) {
    // Libraries that are loaded later call it too, when other threads may be reading the environment.
    static bool is_done;
    if (is_done) return;
    is_done = true;
    // Either says how threads are to wait.
    if (getenv("OMP_WAIT_POLICY") || getenv("GOMP_SPINCOUNT")) return;
    // Where there is no memory for it, the threads wait as libgomp has them wait.
    setenv("GOMP_SPINCOUNT", SPIN_COUNT, false);
}
