/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The reader slots in lock.mdb. LMDB shows them only as text, one line for each slot in use:
 * "process thread transaction", with "-" for a slot that holds no snapshot now. */
#include <errno.h>
#include <stdlib.h>

#include "base/error.h"
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
