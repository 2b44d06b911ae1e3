// CUDA devices: which there are, their streams, and work on them that is recorded once (CUDA graphs).

#include <ATen/Context.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/Event.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <dlfcn.h>

#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>

#include "Bridge.h"
#include "GraphLibrary.h"

using ctorch::guarded;
using ctorch::release;
using ctorch::report;
using ctorch::retained;

namespace {

/// The NVIDIA driver's library; null where there is none.
void *driver_library() { return dlopen("libcuda.so.1", RTLD_NOW | RTLD_GLOBAL); }

/// Loading libtorch_cuda.so is what registers CUDA with the dispatcher. It is done on first demand, for
/// it takes time and memory that a run on the CPU should not pay.
const char *load_cuda() {
    static std::once_flag once;
    static std::string failure;
    std::call_once(once, [] {
        if (!driver_library()) {
            failure = "no NVIDIA driver is installed (libcuda.so.1)";
        } else if (!dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL)) {
            failure = std::string("libtorch's CUDA library could not be loaded: ") + dlerror();
        }
    });
    return failure.empty() ? nullptr : failure.c_str();
}

c10::Device cuda_device(int32_t index) { return {c10::kCUDA, static_cast<c10::DeviceIndex>(index)}; }

c10::Stream full(ctorch_stream stream) {
    return c10::Stream(c10::Stream::UNSAFE, cuda_device(stream.device), stream.identifier);
}

/// The stream that copies to a device go by while it computes on another.
c10::Stream upload_stream(c10::Device device) {
    static std::mutex mutex;
    static std::map<c10::DeviceIndex, c10::Stream> streams;
    std::lock_guard<std::mutex> lock(mutex);
    auto found = streams.find(device.index());
    if (found == streams.end()) {
        auto stream = c10::impl::VirtualGuardImpl(c10::kCUDA).getStreamFromGlobalPool(device);
        found = streams.emplace(device.index(), stream).first;
    }
    return found->second;
}

/// The functions of the library CTorchCUDA, which lies beside the program.
struct GraphLibrary {
    decltype(&ctorch_cuda_graph_begin) begin;
    decltype(&ctorch_cuda_graph_end) end;
    decltype(&ctorch_cuda_graph_replay) replay;
    decltype(&ctorch_cuda_graph_free) free;

    /// Loads the library on the first call.
    static const GraphLibrary &get() {
        static const GraphLibrary library;
        return library;
    }

private:
    GraphLibrary() {
        ctorch::require_cuda();
        auto library = dlopen("libCTorchCUDA.so", RTLD_NOW);
        if (!library) throw std::runtime_error(std::string("CUDA graphs cannot be used: ") + dlerror());
        find(library, begin, "ctorch_cuda_graph_begin");
        find(library, end, "ctorch_cuda_graph_end");
        find(library, replay, "ctorch_cuda_graph_replay");
        find(library, free, "ctorch_cuda_graph_free");
    }

    template <typename Function>
    static void find(void *library, Function &function, const char *name) {
        function = reinterpret_cast<Function>(dlsym(library, name));
        if (!function) throw std::runtime_error(std::string("libCTorchCUDA.so has no ") + name);
    }
};

}  // namespace

void ctorch::require_cuda() {
    if (auto failure = load_cuda()) throw std::runtime_error(failure);
}

int32_t ctorch_cuda_device_count(char **error) {
    if (auto failure = load_cuda()) {
        report(error, failure);
        return 0;
    }
    return guarded(error, 0, [&]() -> int32_t {
        auto count = at::detail::getCUDAHooks().deviceCount();
        if (count == 0) report(error, "the NVIDIA driver reports no device");
        return static_cast<int32_t>(count);
    });
}

int32_t ctorch_cuda_driver_version(void) {
    auto driver = driver_library();
    if (!driver) return 0;
    auto get_version = reinterpret_cast<int (*)(int *)>(dlsym(driver, "cuDriverGetVersion"));
    int version = 0;
    return get_version && get_version(&version) == 0 && version > 0 ? version : -1;
}

int32_t ctorch_cuda_capability(int32_t index) {
    constexpr int major_capability = 75;  // CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR
    if (load_cuda()) return 0;
    auto attribute = reinterpret_cast<int (*)(int *, int, int)>(dlsym(RTLD_DEFAULT, "cuDeviceGetAttribute"));
    int major = 0;
    return attribute && attribute(&major, major_capability, index) == 0 ? major : 0;
}

bool ctorch_cuda_identity(int32_t index, uint8_t *identity, char **error) {
    if (auto failure = load_cuda()) {
        report(error, failure);
        return false;
    }
    // A part of a GPU (MIG) has an identity of its own, which only the second function tells.
    for (auto name : {"cuDeviceGetUuid_v2", "cuDeviceGetUuid"}) {
        auto get_identity = reinterpret_cast<int (*)(uint8_t *, int)>(dlsym(RTLD_DEFAULT, name));
        if (get_identity && get_identity(identity, index) == 0) return true;
    }
    report(error, "the NVIDIA driver does not tell the device's identity");
    return false;
}

bool ctorch_cuda_synchronize(int32_t index, char **error) {
    return guarded(error, false, [&] {
        at::detail::getCUDAHooks().deviceSynchronize(static_cast<c10::DeviceIndex>(index));
        return true;
    });
}

int64_t ctorch_cuda_free_memory(int32_t index, char **error) {
    return guarded<int64_t>(error, -1, [&] {
        ctorch::require_cuda();
        at::globalContext().lazyInitDevice(c10::kCUDA);
        auto allocator = at::getDeviceAllocator(c10::kCUDA);
        return static_cast<int64_t>(allocator->getMemoryInfo(static_cast<c10::DeviceIndex>(index)).first);
    });
}

bool ctorch_cuda_use_own_stream(int32_t index, char **error) {
    return guarded(error, false, [&] {
        auto device = cuda_device(index);
        c10::impl::VirtualGuardImpl streams(c10::kCUDA);
        if (streams.getStream(device) != streams.getDefaultStream(device)) return true;
        // What was given to the default stream may still be at the memory that the new one goes on with.
        at::detail::getCUDAHooks().deviceSynchronize(device.index());
        streams.exchangeStream(streams.getStreamFromGlobalPool(device));
        return true;
    });
}

bool ctorch_cuda_select(int32_t index, char **error) {
    return guarded(error, false, [&] {
        ctorch::require_cuda();
        c10::impl::VirtualGuardImpl(c10::kCUDA).setDevice(cuda_device(index));
        return true;
    });
}

bool ctorch_stream_current(int32_t index, ctorch_stream *stream, char **error) {
    return guarded(error, false, [&] {
        *stream = {c10::impl::VirtualGuardImpl(c10::kCUDA).getStream(cuda_device(index)).id(), index};
        return true;
    });
}

bool ctorch_stream_beside(int32_t index, ctorch_stream *stream, char **error) {
    return guarded(error, false, [&] {
        c10::impl::VirtualGuardImpl streams(c10::kCUDA);
        *stream = {streams.getStreamFromGlobalPool(cuda_device(index), /*isHighPriority=*/true).id(), index};
        return true;
    });
}

bool ctorch_stream_follow(ctorch_stream stream, ctorch_stream other, char **error) {
    return guarded(error, false, [&] {
        c10::Event event(c10::kCUDA);
        event.record(full(other));
        event.block(full(stream));
        return true;
    });
}

ctorch_event_ref ctorch_event_record(ctorch_stream stream, char **error) {
    return guarded<ctorch_event_ref>(error, nullptr, [&] {
        auto event = std::make_unique<c10::Event>(c10::kCUDA);
        event->record(full(stream));
        return reinterpret_cast<ctorch_event_ref>(event.release());
    });
}

bool ctorch_event_is_done(ctorch_event_ref event, bool *is_done, char **error) {
    return guarded(error, false, [&] {
        *is_done = reinterpret_cast<c10::Event *>(event)->query();
        return true;
    });
}

void ctorch_event_free(ctorch_event_ref event) { delete reinterpret_cast<c10::Event *>(event); }

void *ctorch_stream_handle(ctorch_stream stream, char **error) {
    return guarded<void *>(error, nullptr, [&] { return full(stream).native_handle(); });
}

ctorch_tensor_ref ctorch_tensor_upload(ctorch_tensor_ref tensor, int32_t index, char **error) {
    return guarded<ctorch_tensor_ref>(error, nullptr, [&] {
        auto device = cuda_device(index);
        auto copying = upload_stream(device);
        auto computing = c10::impl::VirtualGuardImpl(c10::kCUDA).getStream(device);
        at::Tensor copy;
        {
            c10::StreamGuard guard(copying);
            copy = retained(tensor).to(device, /*non_blocking=*/true);
        }
        c10::Event arrival(c10::kCUDA);
        arrival.record(copying);
        arrival.block(computing);
        // The memory is the copying stream's to give away again, once computing is done with it.
        copy.record_stream(computing);
        return release(std::move(copy));
    });
}

ctorch_graph_ref ctorch_graph_begin(int32_t index, ctorch_graph_ref shared, char **error) {
    return guarded<ctorch_graph_ref>(error, nullptr, [&] {
        // Memory that the steps before it have left cannot be given back while something is being recorded.
        if (!shared) at::getDeviceAllocator(c10::kCUDA)->emptyCache();
        return static_cast<ctorch_graph_ref>(GraphLibrary::get().begin(index, shared, error));
    });
}

bool ctorch_graph_end(ctorch_graph_ref graph, char **error) { return GraphLibrary::get().end(graph, error); }

bool ctorch_graph_replay(ctorch_graph_ref graph, char **error) { return GraphLibrary::get().replay(graph, error); }

void ctorch_graph_free(ctorch_graph_ref graph) { GraphLibrary::get().free(graph); }
