// CUDA graphs: see GraphLibrary.h.

#include "GraphLibrary.h"

#include <memory>

#include "Bridge.h"

#if __has_include(<cuda_runtime_api.h>)

#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAGuard.h>

namespace {

/// A graph and its device.
struct Recording {
    explicit Recording(int32_t index) : device(static_cast<c10::DeviceIndex>(index)) {}

    c10::DeviceIndex device;
    at::cuda::CUDAGraph graph;
};

}  // namespace

void *ctorch_cuda_graph_begin(int32_t device, void *shared, char **error) {
    std::unique_ptr<Recording> recording;
    bool begun = ctorch::guarded(error, false, [&] {
        c10::cuda::CUDAGuard guard(static_cast<c10::DeviceIndex>(device));
        recording = std::make_unique<Recording>(device);
        auto pool = shared ? static_cast<Recording *>(shared)->graph.pool() : at::cuda::MempoolId_t{0, 0};
        // Of other threads, only backward's works on the stream; those that prepare batches may go on with theirs.
        recording->graph.capture_begin(pool, cudaStreamCaptureModeThreadLocal);
        return true;
    });
    return begun ? recording.release() : nullptr;
}

bool ctorch_cuda_graph_end(void *graph, char **error) {
    auto recording = static_cast<Recording *>(graph);
    return ctorch::guarded(error, false, [&] {
        c10::cuda::CUDAGuard guard(recording->device);
        recording->graph.capture_end();
        return true;
    });
}

bool ctorch_cuda_graph_replay(void *graph, char **error) {
    auto recording = static_cast<Recording *>(graph);
    return ctorch::guarded(error, false, [&] {
        c10::cuda::CUDAGuard guard(recording->device);
        recording->graph.replay();
        return true;
    });
}

void ctorch_cuda_graph_free(void *graph) { delete static_cast<Recording *>(graph); }

#else  // A libtorch without CUDA.

void *ctorch_cuda_graph_begin(int32_t, void *, char **error) {
    ctorch::report(error, "built without CUDA's headers: run scripts/setup and build again");
    return nullptr;
}

bool ctorch_cuda_graph_end(void *, char **) { return false; }

bool ctorch_cuda_graph_replay(void *, char **) { return false; }

void ctorch_cuda_graph_free(void *) {}

#endif
