/// The few functions of NCCL that Collectives stands on: numbers of several GPUs, added up over NVLink and networks.
///
/// They are declared here, for NCCL's own header comes with its library in a wheel of 200 MB that only a GPU needs
/// (`scripts/setup --cuda`). They are the same in all versions since 2.14. The library is loaded when several GPUs compute
/// together. A function that returns `int` returns 0 where all went well.

#ifndef CNCCL_H
#define CNCCL_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/// What processes that are to be connected have in common: `ncclUniqueId`.
typedef struct {
    char bytes[128];
} cnccl_id;

/// A GPU's end of the connection: `ncclComm_t`.
typedef struct cnccl_communicator *cnccl_communicator_ref;

enum {
    /// `ncclInProgress`, which is no error.
    CNCCL_IN_PROGRESS = 7,
    /// `ncclFloat32`.
    CNCCL_FLOAT32 = 7,
    /// `ncclSum`.
    CNCCL_SUM = 0,
};

/// NCCL's functions, by the names that it has for them. Streams are `cudaStream_t`.
typedef struct {
    /// ncclGetUniqueId
    int (*_Nonnull get_id)(cnccl_id *_Nonnull id);
    /// ncclCommInitRank: for the calling thread's current device. Waits for all others.
    int (*_Nonnull join)(cnccl_communicator_ref _Nullable *_Nonnull communicator, int count, cnccl_id id, int rank);
    /// ncclCommInitAll: of several devices of this process.
    int (*_Nonnull join_all)(cnccl_communicator_ref _Nullable *_Nonnull communicators, int count, const int *_Nonnull devices);
    /// ncclAllReduce
    int (*_Nonnull add_up)(
        const void *_Nonnull sent, void *_Nonnull received, size_t count, int type, int operation,
        cnccl_communicator_ref _Nonnull communicator, void *_Nullable stream);
    /// ncclReduce
    int (*_Nonnull collect)(
        const void *_Nonnull sent, void *_Nonnull received, size_t count, int type, int operation, int root,
        cnccl_communicator_ref _Nonnull communicator, void *_Nullable stream);
    /// ncclBroadcast
    int (*_Nonnull hand_out)(
        const void *_Nonnull sent, void *_Nonnull received, size_t count, int type, int root,
        cnccl_communicator_ref _Nonnull communicator, void *_Nullable stream);
    /// ncclGroupStart, ncclGroupEnd: what one thread asks for between them begins together.
    int (*_Nonnull begin_group)(void);
    int (*_Nonnull end_group)(void);
    /// ncclCommGetAsyncError
    int (*_Nonnull find_error)(cnccl_communicator_ref _Nonnull communicator, int *_Nonnull error);
    /// ncclCommAbort: ends what is under way, and frees the communicator.
    int (*_Nonnull abort)(cnccl_communicator_ref _Nonnull communicator);
    /// ncclGetErrorString, ncclGetLastError
    const char *_Nullable (*_Nonnull error_text)(int error);
    const char *_Nullable (*_Nonnull last_error)(cnccl_communicator_ref _Nullable communicator);
} cnccl_library;

/// Loads NCCL's functions from the library of this name, and leaves `library` alone where that fails.
///
/// Returns a line that says what is wrong, which stays valid until the thread's next call, and NULL where nothing is.
const char *_Nullable cnccl_load(const char *_Nonnull name, cnccl_library *_Nonnull library);

#ifdef __cplusplus
}
#endif

#endif
