/// What Collectives expects of the library CMPI: the few functions of MPI that it stands on.
///
/// `scripts/setup --mpi` compiles the library against the MPI that is installed, for handles and constants differ from
/// one MPI to another; nothing else needs MPI or its header. It is loaded where a launcher has started the process.
///
/// No function is called by two threads at once. One that returns `char *` gives a line that says what went wrong, valid
/// until the next call, and null where nothing did.

#ifndef CMPI_H
#define CMPI_H

#include <stdbool.h>
#include <stdint.h>

/// Counts up whenever a function below changes.
#define CMPI_INTERFACE 1

/// Which of the processes this one is.
typedef struct {
    /// From 0 to `count - 1`, among all.
    int32_t rank;
    int32_t count;
    /// The same among those of its machine.
    int32_t local_rank;
    int32_t local_count;
    /// The machine's name, for people.
    char host[256];
} cmpi_place;

/// What one process says to another beside the work.
typedef enum {
    CMPI_ARE_YOU_THERE = 1,
    CMPI_I_AM_HERE = 2,
} cmpi_note;

/// For every process, where its bytes begin and how many there are.
typedef struct {
    const int32_t *_Nonnull counts;
    const int32_t *_Nonnull offsets;
} cmpi_layout;

/// The library's functions.
typedef struct {
    /// CMPI_INTERFACE when it was compiled.
    int32_t interface;

    /// Joins the processes that the launcher has started.
    const char *_Nullable (*_Nonnull start)(cmpi_place *_Nonnull place);

    /// Begins to give every process its bytes, and to take those of every process. Memory and layouts stay as they are
    /// until `exchange_is_done` says so; one exchange is under way at a time.
    const char *_Nullable (*_Nonnull begin_exchange)(
        const void *_Nullable sent, cmpi_layout sent_layout, void *_Nullable received, cmpi_layout received_layout);
    const char *_Nullable (*_Nonnull exchange_is_done)(bool *_Nonnull is_done);

    /// Sends a note, and does not wait.
    const char *_Nullable (*_Nonnull send_note)(int32_t rank, cmpi_note note);
    /// Takes a note that has come: from whom, or -1 where there is none.
    const char *_Nullable (*_Nonnull take_note)(int32_t *_Nonnull rank, cmpi_note *_Nonnull note);

    /// Leaves, when all processes do.
    const char *_Nullable (*_Nonnull end)(void);
    /// Ends all processes with this code.
    void (*_Nonnull abort)(int32_t code);
} cmpi_library;

/// The one name to look up: `cmpi_get_library`.
typedef const cmpi_library *_Nonnull (*cmpi_get_library_function)(void);

#endif
