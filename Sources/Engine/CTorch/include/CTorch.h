/// The bridge to libtorch: one generic call reaches every operator, and a few functions reach what is
/// not an operator (memory, gradients, random generators, devices). No C++ exception leaves this header:
/// a function that can fail returns false (or NULL) and sets `*error` to a message that the caller
/// frees with `ctorch_free`.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// A tensor: one owned reference to libtorch's TensorImpl.
typedef struct ctorch_tensor *ctorch_tensor_ref;
/// An operator of the dispatcher, found once and never freed.
typedef const struct ctorch_operator *ctorch_operator_ref;

typedef enum {
    CTORCH_NONE = 0,
    CTORCH_DEFAULT,
    CTORCH_BOOL,
    CTORCH_INT,
    CTORCH_DOUBLE,
    CTORCH_STRING,
    CTORCH_DEVICE,
    CTORCH_TENSOR,
    CTORCH_TENSOR_LIST,
    CTORCH_OPTIONAL_TENSOR_LIST,
    CTORCH_INT_LIST,
    CTORCH_DOUBLE_LIST,
} ctorch_kind;

/// An argument or a result of an operator.
///
/// - `integer` holds a bool or an int, a device's index, or the number of elements of a list.
/// - `number` holds a double.
/// - `pointer` holds a tensor reference, a string, a device's type ("cpu", "cuda"), or a list's elements:
///   tensor references, int64_t or double.
typedef struct {
    ctorch_kind kind;
    int64_t integer;
    double number;
    const void *pointer;
} ctorch_value;

// Operators

/// The operator of this name ("aten::add") and overload ("Tensor", or ""). Free with `ctorch_operator_free`.
ctorch_operator_ref ctorch_operator_find(const char *name, const char *overload, char **error);
void ctorch_operator_free(ctorch_operator_ref op);
/// The operator's schema, for messages. Free with `ctorch_free`.
char *ctorch_operator_schema(ctorch_operator_ref op);
/// Calls the operator. Arguments left out at the end, and those of kind CTORCH_DEFAULT, take the
/// schema's default. On success `results[0..<*result_count]` hold values whose tensors and lists belong
/// to the caller (lists: free the array with `ctorch_free`).
bool ctorch_operator_call(
    ctorch_operator_ref op, const ctorch_value *arguments, int32_t argument_count,
    ctorch_value *results, int32_t result_capacity, int32_t *result_count, char **error);

// Tensors

/// A new tensor with a copy of as many bytes as it takes, or uninitialised where `bytes` is NULL, on the CPU; in
/// page-locked memory, which takes a CUDA device, where `pinned`.
ctorch_tensor_ref ctorch_tensor_make(
    const void *bytes, const int64_t *shape, int32_t rank, int32_t dtype, bool pinned, char **error);
/// Keeps the first `count` positions of a contiguous tensor's first axis.
bool ctorch_tensor_shorten(ctorch_tensor_ref tensor, int64_t count, char **error);
/// A tensor on memory that somebody else owns; `release(context)` is called when the last use ends.
ctorch_tensor_ref ctorch_tensor_borrow(
    void *bytes, const int64_t *shape, int32_t rank, int32_t dtype,
    void (*release)(void *), void *context, char **error);
void ctorch_tensor_retain(ctorch_tensor_ref tensor);
void ctorch_tensor_release(ctorch_tensor_ref tensor);
int32_t ctorch_tensor_rank(ctorch_tensor_ref tensor);
const int64_t *ctorch_tensor_shape(ctorch_tensor_ref tensor);
const int64_t *ctorch_tensor_strides(ctorch_tensor_ref tensor);
int64_t ctorch_tensor_count(ctorch_tensor_ref tensor);
int32_t ctorch_tensor_dtype(ctorch_tensor_ref tensor);
bool ctorch_tensor_is_contiguous(ctorch_tensor_ref tensor);
/// "cpu" or "cuda", and the index through `index` (-1 where it has none).
const char *ctorch_tensor_device(ctorch_tensor_ref tensor, int32_t *index);
/// The address of the first element; NULL for a tensor that is not on the CPU.
void *ctorch_tensor_data(ctorch_tensor_ref tensor);
/// The address of the first element in the memory of the tensor's device.
void *ctorch_tensor_address(ctorch_tensor_ref tensor);

// Gradients

bool ctorch_tensor_requires_grad(ctorch_tensor_ref tensor);
bool ctorch_tensor_set_requires_grad(ctorch_tensor_ref tensor, bool value, char **error);
bool ctorch_tensor_is_leaf(ctorch_tensor_ref tensor);
/// The gradient accumulated so far (a new reference), or NULL.
ctorch_tensor_ref ctorch_tensor_grad(ctorch_tensor_ref tensor);
/// Replaces the gradient; NULL drops it.
bool ctorch_tensor_set_grad(ctorch_tensor_ref tensor, ctorch_tensor_ref grad, char **error);
/// Replaces the tensor's storage, type and device by another's, keeping its identity.
bool ctorch_tensor_set_data(ctorch_tensor_ref tensor, ctorch_tensor_ref data, char **error);
bool ctorch_tensor_backward(ctorch_tensor_ref tensor, ctorch_tensor_ref grad, char **error);
/// Has `body(context)` called whenever backward has added to a leaf's gradient, on the thread that does so; NULL ends it.
bool ctorch_tensor_after_gradient(ctorch_tensor_ref tensor, void (*body)(void *), void *context, char **error);
/// Whether operations on this thread are recorded for backward.
bool ctorch_grad_enabled(void);
void ctorch_set_grad_enabled(bool enabled);

/// Has the operators of this thread that gain from it, and lose little, compute in `dtype` on devices of this type.
bool ctorch_autocast_begin(const char *device, int32_t dtype, char **error);
void ctorch_autocast_end(const char *device);
/// Interrupts autocast, or goes on with it; returns whether it was on.
bool ctorch_autocast_set_enabled(const char *device, bool enabled);

// Numbers in plain memory, on the calling thread alone

/// Converts `count` numbers of half precision (2 bytes each, aligned) to single precision.
void ctorch_widen(const void *halves, float *floats, int64_t count);
/// Converts `count` numbers to half precision, to the nearest one; those beyond its range become infinite.
void ctorch_narrow(const float *floats, void *halves, int64_t count);
/// The largest magnitude among `count` numbers, 0 where there are none; NaN where one is NaN.
float ctorch_largest_magnitude(const float *floats, int64_t count);
/// Writes the transpose of a row-major matrix [rows, columns] of single precision; `source` need not be aligned.
void ctorch_transpose(const void *source, int64_t rows, int64_t columns, float *result);

// Random numbers and threads

void ctorch_manual_seed(uint64_t seed);
/// The state of the device's default generator as a tensor of bytes.
ctorch_tensor_ref ctorch_generator_state(const char *device, int32_t index, char **error);
bool ctorch_set_generator_state(
    const char *device, int32_t index, ctorch_tensor_ref state, char **error);
int32_t ctorch_thread_count(void);
/// No more than OpenMP starts.
void ctorch_set_thread_count(int32_t count);
/// How many threads the operators that one thread calls may use: those of libtorch and OpenMP, and those of the math
/// library, for which 0 is as many as the others.
typedef struct {
    int32_t operators;
    int32_t products;
} ctorch_thread_counts;
/// Changes them for the calling thread alone, and gives what they were.
ctorch_thread_counts ctorch_exchange_thread_counts(ctorch_thread_counts counts);
/// Lets the C library keep freed memory for the process instead of handing it back to the system.
void ctorch_keep_freed_memory(void);
/// Whether the processor multiplies whole numbers of 8 bits faster than single precision, and exactly.
bool ctorch_has_int8_products(void);
/// Whether the processor has what products with packed weights are written for: AVX-512.
bool ctorch_has_packed_products(void);
/// Has linear layers in float32 that this thread computes make their products with our own kernels, where the processor has AVX-512,
/// or with the math library's; returns what they did before. Else they do so on AMD's processors from Zen 5 on.
bool ctorch_set_own_products(bool are_own);

// The processor, and libtorch itself

/// The instructions that the processor has, as libtorch names them ("avx512_vnni"), one a line. Free with `ctorch_free`.
char *ctorch_processor_features(char **error);
/// Which kind of our kernels runs: 4 for x86-64-v4, 3 for x86-64-v3, 0 for any processor.
int32_t ctorch_kernel_level(void);
/// The version of the libtorch that this was compiled for, "2.11.0".
const char *ctorch_header_version(void);
/// What the libtorch that is loaded says of how it was built, in lines: "TORCH_VERSION=2.11.0, " and others. Free with
/// `ctorch_free`.
char *ctorch_build_settings(char **error);

// CUDA devices

/// Work on a CUDA device that was recorded once.
typedef void *ctorch_graph_ref;

/// How many CUDA devices can be used; 0 with a reason in `*error` where there are none.
int32_t ctorch_cuda_device_count(char **error);
/// For which CUDA the NVIDIA driver is, 13000 for 13.0; 0 where there is no driver, -1 where it does not say.
int32_t ctorch_cuda_driver_version(void);
/// The device's compute capability before the point; 0 where that cannot be found out.
int32_t ctorch_cuda_capability(int32_t index);
bool ctorch_cuda_synchronize(int32_t index, char **error);
/// How many bytes of the device's memory nobody has taken; -1 with a reason in `*error` on failure.
int64_t ctorch_cuda_free_memory(int32_t index, char **error);
/// From here on the calling thread gives its work to a stream that is not the device's default one.
bool ctorch_cuda_use_own_stream(int32_t index, char **error);
/// A copy of a tensor on a CUDA device that is made while the device computes, where the tensor lies in page-locked
/// memory; what the calling thread gives to the device next waits for it.
ctorch_tensor_ref ctorch_tensor_upload(ctorch_tensor_ref tensor, int32_t index, char **error);
/// Makes a CUDA device the one that the calling thread's calls of CUDA's own functions are for.
bool ctorch_cuda_select(int32_t index, char **error);
/// What tells a GPU from all others, of any machine: 16 bytes.
bool ctorch_cuda_identity(int32_t index, uint8_t *identity, char **error);

/// A moment in what a stream is given.
typedef struct ctorch_event *ctorch_event_ref;

/// A stream of a CUDA device: what is given to it is done in order, beside what other streams are given.
typedef struct {
    int64_t identifier;
    int32_t device;
} ctorch_stream;
/// The stream that the calling thread gives its work to.
bool ctorch_stream_current(int32_t index, ctorch_stream *stream, char **error);
/// A stream whose work is preferred where the device is short of room.
bool ctorch_stream_beside(int32_t index, ctorch_stream *stream, char **error);
/// Has what is given to `stream` from here on wait for what `other` was given.
bool ctorch_stream_follow(ctorch_stream stream, ctorch_stream other, char **error);
/// Remembers what the stream was given so far. Free with `ctorch_event_free`.
ctorch_event_ref ctorch_event_record(ctorch_stream stream, char **error);
/// Whether all of that is done.
bool ctorch_event_is_done(ctorch_event_ref event, bool *is_done, char **error);
void ctorch_event_free(ctorch_event_ref event);
/// The `cudaStream_t`; NULL with a reason in `*error` on failure, and for a device's default stream.
void *ctorch_stream_handle(ctorch_stream stream, char **error);

/// Begins to record what the calling thread gives to the device, on a stream of its own, instead of running it.
/// `shared` is a graph whose memory this one may use as well, or NULL: safe where the results of neither are
/// needed once the other has run.
ctorch_graph_ref ctorch_graph_begin(int32_t index, ctorch_graph_ref shared, char **error);
/// Ends the recording, also one that has failed.
bool ctorch_graph_end(ctorch_graph_ref graph, char **error);
bool ctorch_graph_replay(ctorch_graph_ref graph, char **error);
void ctorch_graph_free(ctorch_graph_ref graph);

// Profiling

/// A stretch of time with a name, in the trace.
typedef struct ctorch_scope *ctorch_scope_ref;
/// Starts recording the operators of the calling thread and their backward, and kernels on CUDA devices.
bool ctorch_profiler_start(bool with_cuda, char **error);
/// Ends recording, and writes the trace in Chrome's form where `path` is not NULL.
bool ctorch_profiler_stop(const char *path, char **error);
/// Begins a stretch of time; NULL, which `ctorch_scope_end` takes, where nothing is recorded.
ctorch_scope_ref ctorch_scope_begin(const char *name);
void ctorch_scope_end(ctorch_scope_ref scope);

void ctorch_free(void *memory);

#ifdef __cplusplus
}
#endif
