// libgomp's threads, between two pieces of work, turn round and round for some milliseconds before they sleep. Where others want
// the processors too, each turns on time that the thread it waits for would need, and a step takes several times as long.
// GOMP_SPINCOUNT says for how many turns, and libgomp reads it once, when it is loaded, before `main` and before any constructor
// of the program's own.
//
// Functions in `.preinit_array` are run even earlier, but too early for this: the C library takes the environment up as the
// kernel left it after them, and what they have set is gone. `__gmon_start__` is what every library calls first that is
// initialised, if the program has it (for profilers, which set up their counting there). The C library is ready by then.
//
// The environment is another one for libgomp alone: Swift finds a program's arguments from where the kernel has put both.

#define _GNU_SOURCE
#include "COpenMP.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/// So many turns take some 10 to 50 microseconds, as long as what most often lies between two pieces of work.
static char spin_count[] = "GOMP_SPINCOUNT=1000";

extern char **environ;
/// The environment as the kernel has left it, and as libgomp sees it; null where it is left as it is. The latter stays in memory,
/// for whoever has looked for a variable in it.
static char **original, **extended;
/// Whether all libraries have been initialised that the program is linked to. Those that are loaded later call `__gmon_start__`
/// too, when other threads may be reading the environment.
static bool is_over;

static void put_back(void) {
    // What a library has set since then is kept.
    if (extended && environ == extended) environ = original;
}

/// Has libgomp start fewer threads than it is asked for, by how busy the machine is. libtorch's LSTM then gives wrong numbers, and no
/// error, for it divides its work among as many threads as it has asked for.
static const char fewer_threads[] = "OMP_DYNAMIC=";

static void extend(void) {
    // Either says how threads are to wait.
    bool says_how = getenv("OMP_WAIT_POLICY") || getenv("GOMP_SPINCOUNT");
    if (!environ || (says_how && !getenv("OMP_DYNAMIC"))) return;
    if (extended) {
        // Another library of that name.
        original = environ;
        environ = extended;
        return;
    }
    size_t count = 0;
    while (environ[count]) ++count;
    // Without memory for it, the threads wait as libgomp has them wait.
    char **copy = malloc((count + 2) * sizeof *copy);
    if (!copy) return;
    size_t kept = 0;
    for (size_t i = 0; i < count; ++i) {
        if (strncmp(environ[i], fewer_threads, sizeof fewer_threads - 1) != 0) copy[kept++] = environ[i];
    }
    if (!says_how) copy[kept++] = spin_count;
    copy[kept] = NULL;
    original = environ;
    environ = extended = copy;
}

__attribute__((visibility("default"))) void __gmon_start__(void);

void __gmon_start__(void) {
    if (is_over) return;
    put_back();
    Dl_info caller;
    if (dladdr(__builtin_return_address(0), &caller) && caller.dli_fname && strstr(caller.dli_fname, "/libgomp")) extend();
}

__attribute__((constructor)) static void end(void) {
    put_back();
    is_over = true;
}
