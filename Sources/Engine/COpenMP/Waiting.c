// libgomp's threads, between two pieces of work, turn round and round for some milliseconds before they sleep. Where others want
// the processors too, each turns on time that the thread it waits for would need, and a step takes several times as long.
// GOMP_SPINCOUNT says for how many turns, and libgomp reads it once, when it is loaded, before `main` and before any constructor
// of the program's own.
//
// Functions in `.preinit_array` are run even earlier, but too early for this: the C library takes the environment up as the
// kernel left it after them, and what they have set is gone. `__gmon_start__` is what every library calls first that is
// initialised, if the program has it (for profilers, which set up their counting there). The C library is ready by then.
//
// The environment is put back before `main`: Swift finds a program's arguments from where the kernel has put both.

#include "COpenMP.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/// So many turns take some 10 to 50 microseconds, as long as what most often lies between two pieces of work.
static char spin_count[] = "GOMP_SPINCOUNT=1000";

extern char **environ;
/// The environment as the kernel has left it, and with one variable more; null where it is left as it is.
static char **original, **extended;

__attribute__((visibility("default"))) void __gmon_start__(void);

void __gmon_start__(void) {
    // Libraries that are loaded later call it too, when other threads may be reading the environment.
    static bool is_done;
    if (is_done || !environ) return;
    is_done = true;
    // Either says how threads are to wait.
    if (getenv("OMP_WAIT_POLICY") || getenv("GOMP_SPINCOUNT")) return;
    size_t count = 0;
    while (environ[count]) ++count;
    char **copy = malloc((count + 2) * sizeof *copy);
    // Without memory for it, the threads wait as libgomp has them wait.
    if (!copy) return;
    memcpy(copy, environ, count * sizeof *copy);
    copy[count] = spin_count;
    copy[count + 1] = NULL;
    original = environ;
    environ = extended = copy;
}

/// Runs when all libraries have been initialised that the program is linked to.
__attribute__((constructor)) static void put_back(void) {
    // What a library has set since then is kept.
    if (!extended || environ != extended) return;
    environ = original;
    free(extended);
}
