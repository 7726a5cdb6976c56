/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The reader slots in lock.mdb. LMDB shows them only as text, one line for each slot in use:
 * "process thread transaction", with "-" for a slot that holds no snapshot now. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/file.h"
#include "table/internal.h"

typedef struct slot_summary {
    unsigned count;
    int64_t sought_pid;
    bool found_pid;
    int64_t oldest_pid;
    uint64_t oldest_transaction; /* when oldest_pid is not 0 */
} slot_summary;

static int see_line(const char *line, void *context)
{
    slot_summary *slots = context;
    char *end = NULL;
    int64_t pid = strtoll(line, &end, 10);
    if (end == line || pid <= 0) {
        return 0; /* the heading, or that there are none */
    }
    (void)strtoull(end, &end, 16);
    slots->count++;
    slots->found_pid = slots->found_pid || pid == slots->sought_pid;
    const char *number = end;
    uint64_t transaction = strtoull(number, &end, 10);
    if (end != number && (slots->oldest_pid == 0 || transaction < slots->oldest_transaction)) {
        slots->oldest_pid = pid;
        slots->oldest_transaction = transaction;
    }
    return 0;
}

bool tj__readers_has_pid(MDB_env *lmdb, pid_t pid)
{
    slot_summary slots = {.sought_pid = pid};
    (void)mdb_reader_list(lmdb, see_line, &slots);
    return slots.found_pid;
}

int tj__readers_reap(MDB_env *lmdb)
{
    int dead = 0;
    return mdb_reader_check(lmdb, &dead) == 0 ? dead : 0;
}

void tj__env_reap_readers(tj__env *env)
{
    if (tj__env_usable(env, NULL) == TJ_OK && tj__slots_ready(env, NULL) == TJ_OK) {
        (void)tj__readers_reap(env->lmdb);
    }
}

tj_status tj__env_info_get(tj__env *env, tj__env_info *info, tj_error *error)
{
    TJ_TRY(tj__env_usable(env, error));
    struct stat file;
    if (fstat(tj__lmdb_fd(env->lmdb), &file) != 0) {
        return tj__fail_errno(error, errno, "looking at the size of %s", env->data_path);
    }
    slot_summary slots = {0};
    tj__gate_enter(&env->gate);
    MDB_envinfo lmdb;
    (void)mdb_env_info(env->lmdb, &lmdb);
    (void)mdb_reader_list(env->lmdb, see_line, &slots);
    tj__gate_leave(&env->gate);
    bool behind = slots.oldest_pid != 0 && slots.oldest_transaction < lmdb.me_last_txnid;
    *info = (tj__env_info){.data_bytes = (uint64_t)file.st_size,
                           .map_size = lmdb.me_mapsize,
                           .reader_count = slots.count,
                           .oldest_reader_pid = slots.oldest_pid,
                           .oldest_reader_lag =
                               behind ? lmdb.me_last_txnid - slots.oldest_transaction : 0};
    return TJ_OK;
}

/* "LMDB 0.9.24: (July 24, 2019)" */
const char *tj__lmdb_version(void)
{
    return mdb_version(NULL, NULL, NULL);
}

/* ---- without LMDB ---------------------------------------------------------------------------- */

/* The head, then for each slot: transaction (8 bytes), process (4), thread. */
#define LOCK_HEADER_SIZE 128
#define LOCK_SLOT_SIZE 64
#define SLOT_PID_AT 8
/* What another LMDB program may have made is looked at as far as this. */
#define SLOTS_MAX 65536

typedef struct slot_look {
    char path[TJ__PATH_SIZE]; /* of lock.mdb */
    tj__reader_slots *out;
} slot_look;

static tj_status look_at_slots(void *context, tj_error *error)
{
    const slot_look *look = context;
    tj__buffer file = {0};
    *look->out = (tj__reader_slots){0};
    TJ_TRY(
        tj__file_read_own(look->path, LOCK_HEADER_SIZE + SLOTS_MAX * LOCK_SLOT_SIZE, &file, error));
    for (size_t at = LOCK_HEADER_SIZE; at + LOCK_SLOT_SIZE <= file.size; at += LOCK_SLOT_SIZE) {
        pid_t pid = (pid_t)tj__load_u32(file.data + at + SLOT_PID_AT);
        look->out->count++;
        look->out->used += pid > 0;
        look->out->dead += pid > 0 && kill(pid, 0) != 0 && errno == ESRCH;
    }
    tj__buffer_dispose(&file);
    return TJ_OK;
}

tj_status tj__reader_slots_look(const char *directory, tj__reader_slots *out, tj_error *error)
{
    char data[TJ__PATH_SIZE];
    slot_look look = {.out = out};
    bool there = false;
    struct stat found;
    TJ_TRY(tj__path_join(data, sizeof data, directory, TJ__DATA_NAME, error));
    TJ_TRY(tj__path_join(look.path, sizeof look.path, directory, TJ__LMDB_LOCK_NAME, error));
    TJ_TRY(tj__path_look(look.path, &there, &found, error));
    if (!there) {
        *out = (tj__reader_slots){0};
        return TJ_OK;
    }
    TJ_TRY(tj__path_look(data, &there, &found, error));
    return tj__registry_look(&found, directory, look_at_slots, &look, error);
}
