/// What CTorch expects of the library CTorchCUDA: CUDA graphs, work on a GPU that is recorded once and started again.
///
/// It is a library of its own, for it refers to libtorch_cuda.so, which a run on the CPU does not load. CTorch loads it
/// behind that and finds these functions by name. As in CTorch.h, no C++ exception leaves them, and messages are freed
/// with `ctorch_free`.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Begins to record what is given to the current stream of a device, which must not be its default one.
///
/// - `shared`: a graph whose memory this one may use as well, or NULL. Safe where the results of neither are needed
///   once the other has run.
void *ctorch_cuda_graph_begin(int32_t device, void *shared, char **error);
/// Ends the recording, also one that has failed.
bool ctorch_cuda_graph_end(void *graph, char **error);
/// Gives all of it to the current stream of the device.
bool ctorch_cuda_graph_replay(void *graph, char **error);
void ctorch_cuda_graph_free(void *graph);

#ifdef __cplusplus
}
#endif
