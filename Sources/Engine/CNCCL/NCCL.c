// NCCL's functions, found by name in its library: see CNCCL.h.

#include "CNCCL.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

static _Thread_local char reason[512];

static const char *failed(const char *text) {
    snprintf(reason, sizeof reason, "%s", text ? text : "unknown error");
    return reason;
}

const char *cnccl_load(const char *name, cnccl_library *result) {
    // Sums that a network's switches make depend on what comes first. Whoever sets the variable decides alone.
    setenv("NCCL_NVLS_ENABLE", "0", /*overwrite=*/0);
    // GPUs find one another when they are connected, where somebody watches, and not in the first step.
    setenv("NCCL_RUNTIME_CONNECT", "0", /*overwrite=*/0);
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!library) return failed(dlerror());
    cnccl_library functions;
    struct {
        const char *name;
        void **function;
    } const wanted[] = {
        {"ncclGetUniqueId", (void **)&functions.get_id},
        {"ncclCommInitRank", (void **)&functions.join},
        {"ncclCommInitAll", (void **)&functions.join_all},
        {"ncclAllReduce", (void **)&functions.add_up},
        {"ncclReduce", (void **)&functions.collect},
        {"ncclBroadcast", (void **)&functions.hand_out},
        {"ncclGroupStart", (void **)&functions.begin_group},
        {"ncclGroupEnd", (void **)&functions.end_group},
        {"ncclCommGetAsyncError", (void **)&functions.find_error},
        {"ncclCommAbort", (void **)&functions.abort},
        {"ncclGetErrorString", (void **)&functions.error_text},
        {"ncclGetLastError", (void **)&functions.last_error},
    };
    for (size_t index = 0; index < sizeof wanted / sizeof *wanted; index++) {
        *wanted[index].function = dlsym(library, wanted[index].name);
        if (*wanted[index].function) continue;
        const char *text = failed(dlerror());
        dlclose(library);
        return text;
    }
    *result = functions;
    return NULL;
}
