// What the processor has of what kernels are chosen by, and what libtorch says of itself.

#include <ATen/Version.h>
#include <ATen/cpu/Utils.h>

#include <algorithm>
#include <string>
#include <vector>

#include "Bridge.h"
#include "Kernels/Parallel.h"

using ctorch::guarded;

char *ctorch_processor_features(char **error) {
    return guarded<char *>(error, nullptr, [] {
        std::vector<std::string> names;
        for (const auto &[name, value] : at::cpu::get_cpu_capabilities()) {
            if (value.isBool() && value.toBool()) names.push_back(name);
        }
        std::sort(names.begin(), names.end());
        std::string text;
        for (const auto &name : names) text += name + "\n";
        return strdup(text.c_str());
    });
}

int32_t ctorch_kernel_level(void) {
#if defined(__x86_64__) && !defined(CTORCH_THREAD_SANITIZER)
    // As the loader chooses among the kinds of CTORCH_VECTORISED.
    __builtin_cpu_init();
    if (__builtin_cpu_supports("x86-64-v4")) return 4;
    if (__builtin_cpu_supports("x86-64-v3")) return 3;
#endif
    return 0;
}

char *ctorch_build_settings(char **error) {
    return guarded<char *>(error, nullptr, [] { return strdup(at::show_config().c_str()); });
}
