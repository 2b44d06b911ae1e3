// See NCCLDouble.h.

#define _GNU_SOURCE
#include "NCCLDouble.h"

#include <fcntl.h>
#include <math.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    success = 0,
    system_error = 2,
    invalid_argument = 4,
    invalid_usage = 5,
    most_ends = 16,
    most_bytes = 1 << 28,
};

enum kind { adding_up, collecting, handing_out };

/// What an end asks for.
struct request {
    enum kind kind;
    float *numbers;
    size_t count;
    struct cnccl_communicator *end;
    struct request *next;
};

/// What the ends of several processes share.
struct meeting {
    _Atomic int arrived, round;
    struct request requests[most_ends];
    char numbers[];
};

/// Ends that belong together.
struct world {
    int count, open;
    struct meeting *meeting;  // null for ends of one process
    struct cnccl_communicator *ends[most_ends];
};

struct cnccl_communicator {
    struct world *world;
    int rank;
};

static _Thread_local int depth;
static _Thread_local struct request *first, **last;

static float *slot(struct meeting *meeting, int rank) { return (float *)(meeting->numbers + (size_t)rank * most_bytes); }

static void wait_for_all(struct world *world) {
    struct meeting *meeting = world->meeting;
    int round = meeting->round;
    if (atomic_fetch_add(&meeting->arrived, 1) == world->count - 1) {
        meeting->arrived = 0;
        meeting->round++;
    } else {
        while (meeting->round == round) sched_yield();
    }
}

/// Fills every end's result, where `sent` and `received` are those of all ends.
static void compute(enum kind kind, int count, float *const sent[], float *const received[], size_t length) {
    for (size_t place = 0; place < length; place++) {
        float result = sent[0][place];
        for (int rank = 1; kind != handing_out && rank < count; rank++) result += sent[rank][place];
        for (int rank = 0; rank < count; rank++) {
            if (received[rank]) received[rank][place] = kind == collecting && rank > 0 ? NAN : result;
        }
    }
}

static int is_alike(const struct request *one, const struct request *other) {
    return one->kind == other->kind && one->count == other->count;
}

static int meet(struct request *request) {
    struct world *world = request->end->world;
    struct meeting *meeting = world->meeting;
    int rank = request->end->rank, result = success;
    if (request->count * sizeof(float) > most_bytes) return invalid_argument;
    memcpy(slot(meeting, rank), request->numbers, request->count * sizeof(float));
    meeting->requests[rank] = *request;
    wait_for_all(world);
    float *sent[most_ends], *received[most_ends] = {0};
    for (int other = 0; other < world->count; other++) {
        if (!is_alike(&meeting->requests[other], request)) result = invalid_usage;
        sent[other] = slot(meeting, other);
    }
    received[rank] = request->numbers;
    if (result == success) compute(request->kind, world->count, sent, received, request->count);
    wait_for_all(world);
    return result;
}

/// Does what ends of one process have asked for in a group: the first requests of all ends, then the second ones.
static int do_together(struct world *world) {
    for (;;) {
        struct request *requests[most_ends] = {0};
        int found = 0;
        for (int rank = 0; rank < world->count; rank++) {
            for (struct request **place = &first; *place; place = &(*place)->next) {
                if ((*place)->end != world->ends[rank]) continue;
                requests[rank] = *place;
                *place = (*place)->next;
                found++;
                break;
            }
        }
        if (found == 0) return success;
        float *numbers[most_ends];
        int result = found == world->count ? success : invalid_usage;
        for (int rank = 0; result == success && rank < world->count; rank++) {
            if (!is_alike(requests[rank], requests[0])) result = invalid_usage;
            numbers[rank] = requests[rank]->numbers;
        }
        if (result == success) {
            size_t length = requests[0]->count;
            float *copies[most_ends];
            for (int rank = 0; rank < world->count; rank++) {
                copies[rank] = malloc(length * sizeof(float) + 1);
                memcpy(copies[rank], numbers[rank], length * sizeof(float));
            }
            compute(requests[0]->kind, world->count, copies, numbers, length);
            for (int rank = 0; rank < world->count; rank++) free(copies[rank]);
        }
        for (int rank = 0; rank < world->count; rank++) free(requests[rank]);
        if (result != success) return result;
    }
}

static int ask(enum kind kind, const void *sent, void *received, size_t count, int type, struct cnccl_communicator *end) {
    if (sent != received || type != CNCCL_FLOAT32) return invalid_argument;
    struct request request = {kind, received, count, end, NULL};
    if (end->world->meeting) return meet(&request);
    if (depth == 0 && end->world->count > 1) return invalid_usage;
    if (!first) last = &first;
    while (*last) last = &(*last)->next;
    *last = malloc(sizeof request);
    **last = request;
    return success;
}

static int get_id(cnccl_id *id) {
    static _Atomic int count;
    memset(id, 0, sizeof *id);
    snprintf(id->bytes, sizeof id->bytes, "/nccl-double-%d-%d", getpid(), atomic_fetch_add(&count, 1));
    return success;
}

static struct cnccl_communicator *new_end(struct world *world, int rank) {
    struct cnccl_communicator *end = malloc(sizeof *end);
    *end = (struct cnccl_communicator){world, rank};
    world->ends[rank] = end;
    world->open++;
    return end;
}

static int join(cnccl_communicator_ref *end, int count, cnccl_id id, int rank) {
    if (count < 1 || count > most_ends || rank < 0 || rank >= count) return invalid_argument;
    size_t size = sizeof(struct meeting) + (size_t)count * most_bytes;
    int file = shm_open(id.bytes, O_RDWR | O_CREAT, 0600);
    if (file < 0 || ftruncate(file, (off_t)size) != 0) return system_error;
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file, 0);
    close(file);
    if (memory == MAP_FAILED) return system_error;
    struct world *world = calloc(1, sizeof *world);
    *world = (struct world){.count = count, .meeting = memory};
    *end = new_end(world, rank);
    wait_for_all(world);
    shm_unlink(id.bytes);
    return success;
}

static int join_all(cnccl_communicator_ref *ends, int count, const int *devices) {
    (void)devices;
    if (count < 1 || count > most_ends) return invalid_argument;
    struct world *world = calloc(1, sizeof *world);
    world->count = count;
    for (int rank = 0; rank < count; rank++) ends[rank] = new_end(world, rank);
    return success;
}

static int add_up(
    const void *sent, void *received, size_t count, int type, int operation, cnccl_communicator_ref end, void *stream) {
    (void)stream;
    return operation == CNCCL_SUM ? ask(adding_up, sent, received, count, type, end) : invalid_argument;
}

static int collect(
    const void *sent, void *received, size_t count, int type, int operation, int root, cnccl_communicator_ref end,
    void *stream) {
    (void)stream;
    return operation == CNCCL_SUM && root == 0 ? ask(collecting, sent, received, count, type, end) : invalid_argument;
}

static int hand_out(
    const void *sent, void *received, size_t count, int type, int root, cnccl_communicator_ref end, void *stream) {
    (void)stream;
    return root == 0 ? ask(handing_out, sent, received, count, type, end) : invalid_argument;
}

static int begin_group(void) {
    depth++;
    return success;
}

static int end_group(void) {
    if (--depth > 0) return success;
    int result = success;
    while (first && result == success) result = do_together(first->end->world);
    return result;
}

static int find_error(cnccl_communicator_ref end, int *error) {
    (void)end;
    *error = success;
    return success;
}

static int end(cnccl_communicator_ref end) {
    struct world *world = end->world;
    free(end);
    if (!world->meeting && --world->open > 0) return success;
    if (world->meeting) munmap(world->meeting, sizeof(struct meeting) + (size_t)world->count * most_bytes);
    free(world);
    return success;
}

static const char *error_text(int error) {
    return error == invalid_usage ? "invalid usage" : error == invalid_argument ? "invalid argument" : "system error";
}

static const char *last_error(cnccl_communicator_ref end) {
    (void)end;
    return "";
}

cnccl_library nccl_double(void) {
    return (cnccl_library){get_id,    join,        join_all,  add_up,     collect, hand_out,
                           begin_group, end_group, find_error, end, error_text, last_error};
}
