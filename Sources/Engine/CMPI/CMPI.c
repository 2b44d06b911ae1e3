// The library CMPI: see CMPI.h. SwiftPM does not compile this file; scripts/setup --mpi does, with the MPI's own mpicc.

#include <mpi.h>

// Attributes of clang for Swift, which the compiler behind mpicc need not know.
#ifndef __clang__
#define _Nonnull
#define _Nullable
#endif
#include "CMPI.h"

#include <stdio.h>
#include <string.h>

/// Of work, and of notes, so that neither is taken for the other.
static MPI_Comm work, notes;
static MPI_Request exchange = MPI_REQUEST_NULL;

/// A line for a code of MPI's; null for success.
static const char *reason(const char *what, int code) {
    static char line[MPI_MAX_ERROR_STRING + 64];
    if (code == MPI_SUCCESS) return NULL;
    char text[MPI_MAX_ERROR_STRING];
    int length = 0;
    if (MPI_Error_string(code, text, &length) != MPI_SUCCESS) snprintf(text, sizeof text, "error %d", code);
    snprintf(line, sizeof line, "%s: %s", what, text);
    return line;
}

/// Calls a function of MPI's, and returns with a line where it fails.
#define TRY(function, ...)                                                \
    do {                                                                  \
        const char *failure = reason(#function, function(__VA_ARGS__));   \
        if (failure) return failure;                                      \
    } while (0)

static const char *start(cmpi_place *place) {
    int level = 0, size = 0;
    TRY(MPI_Init_thread, NULL, NULL, MPI_THREAD_SERIALIZED, &level);
    // Inherited by those that are made of it.
    TRY(MPI_Comm_set_errhandler, MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    if (level < MPI_THREAD_SERIALIZED)
        return "this MPI serves one thread of a process alone: expected one that was built with threads";
    TRY(MPI_Comm_dup, MPI_COMM_WORLD, &work);
    TRY(MPI_Comm_dup, MPI_COMM_WORLD, &notes);
    int rank, count;
    TRY(MPI_Comm_rank, work, &rank);
    TRY(MPI_Comm_size, work, &count);
    MPI_Comm machine;
    TRY(MPI_Comm_split_type, work, MPI_COMM_TYPE_SHARED, rank, MPI_INFO_NULL, &machine);
    int local_rank, local_count;
    TRY(MPI_Comm_rank, machine, &local_rank);
    TRY(MPI_Comm_size, machine, &local_count);
    TRY(MPI_Comm_free, &machine);
    char host[MPI_MAX_PROCESSOR_NAME];
    TRY(MPI_Get_processor_name, host, &size);
    *place = (cmpi_place){rank, count, local_rank, local_count, {0}};
    snprintf(place->host, sizeof place->host, "%s", host);
    return NULL;
}

static const char *begin_exchange(
    const void *sent, cmpi_layout sent_layout, void *received, cmpi_layout received_layout) {
    TRY(MPI_Ialltoallv, sent, sent_layout.counts, sent_layout.offsets, MPI_BYTE, received, received_layout.counts,
        received_layout.offsets, MPI_BYTE, work, &exchange);
    return NULL;
}

static const char *exchange_is_done(bool *is_done) {
    int flag = 0;
    TRY(MPI_Test, &exchange, &flag, MPI_STATUS_IGNORE);
    *is_done = flag != 0;
    return NULL;
}

static const char *send_note(int32_t rank, cmpi_note note) {
    // The note is the tag.
    MPI_Request request;
    TRY(MPI_Isend, NULL, 0, MPI_BYTE, rank, note, notes, &request);
    TRY(MPI_Request_free, &request);
    return NULL;
}

static const char *take_note(int32_t *rank, cmpi_note *note) {
    int has_come = 0;
    MPI_Status status;
    *rank = -1;
    TRY(MPI_Iprobe, MPI_ANY_SOURCE, MPI_ANY_TAG, notes, &has_come, &status);
    if (!has_come) return NULL;
    TRY(MPI_Recv, NULL, 0, MPI_BYTE, status.MPI_SOURCE, status.MPI_TAG, notes, MPI_STATUS_IGNORE);
    *rank = status.MPI_SOURCE;
    *note = status.MPI_TAG;
    return NULL;
}

static const char *end(void) {
    return reason("MPI_Finalize", MPI_Finalize());
    return NULL;
}

static void abort_all(int32_t code) { MPI_Abort(MPI_COMM_WORLD, code); }

const cmpi_library *cmpi_get_library(void) {
    static const cmpi_library library = {
        CMPI_INTERFACE, start, begin_exchange, exchange_is_done, send_note, take_note, end, abort_all,
    };
    return &library;
}
