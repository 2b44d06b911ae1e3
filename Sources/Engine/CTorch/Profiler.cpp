// libtorch's own profiler: what runs when, on the CPU and on a GPU, as a trace in Chrome's form.

#include <ATen/record_function.h>
#include <torch/csrc/autograd/profiler_kineto.h>

#include <cstdlib>

#include "Bridge.h"

using ctorch::guarded;
namespace profiler = torch::autograd::profiler;

bool ctorch_profiler_start(bool with_cuda, char **error) {
    return guarded(error, false, [&] {
        // It would complain of GPUs that are not there, and nobody asked for.
        if (!with_cuda) setenv("KINETO_LOG_LEVEL", "99", 0);
        if (profiler::isProfilerEnabledInMainThread()) throw std::logic_error("the profiler is running already");
        torch::profiler::impl::ProfilerConfig configuration(
            torch::profiler::impl::ProfilerState::KINETO, /*report_input_shapes=*/true);
        std::set<torch::profiler::impl::ActivityType> activities{torch::profiler::impl::ActivityType::CPU};
        if (with_cuda) activities.insert(torch::profiler::impl::ActivityType::CUDA);
        profiler::prepareProfiler(configuration, activities);
        profiler::enableProfiler(
            configuration, activities,
            {at::RecordScope::FUNCTION, at::RecordScope::BACKWARD_FUNCTION, at::RecordScope::USER_SCOPE});
        return true;
    });
}

bool ctorch_profiler_stop(const char *path, char **error) {
    return guarded(error, false, [&] {
        auto result = profiler::disableProfiler();
        if (!result) throw std::logic_error("the profiler is not running");
        if (path) result->save(path);
        return true;
    });
}

ctorch_scope_ref ctorch_scope_begin(const char *name) {
    return guarded<ctorch_scope_ref>(nullptr, nullptr, [&]() -> ctorch_scope_ref {
        auto callbacks = at::getStepCallbacksUnlessEmpty(at::RecordScope::USER_SCOPE);
        if (!callbacks) return nullptr;
        auto function = new at::RecordFunction(std::move(*callbacks));
        function->before(std::string(name));
        return reinterpret_cast<ctorch_scope_ref>(function);
    });
}

void ctorch_scope_end(ctorch_scope_ref scope) { delete reinterpret_cast<at::RecordFunction *>(scope); }
