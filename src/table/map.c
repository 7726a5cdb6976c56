/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Changing the size of the map. LMDB takes it with a live transaction too, and breaks that one;
 * so it happens behind the gate. */
#include <inttypes.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"
#include "table/internal.h"

#define MAP_SIZE_MAX ((uint64_t)1 << 46) /* half the address space of a process */

uint64_t tj__map_round(uint64_t size)
{
    uint64_t page_size = (uint64_t)sysconf(_SC_PAGESIZE);
    return (size + page_size - 1) / page_size * page_size;
}

static uint64_t map_size(tj__env *env)
{
    MDB_envinfo info = {0};
    (void)mdb_env_info(env->lmdb, &info);
    return info.me_mapsize;
}

/* What LMDB allocates beside the map: the lists of an environment and of a transaction. */
#define BESIDE_THE_MAP ((uint64_t)16 << 20)

bool tj__map_fits(uint64_t size)
{
    size += BESIDE_THE_MAP;
    void *probe = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return probe != MAP_FAILED && munmap(probe, size) == 0;
}

static tj_status set_size(tj__env *env, uint64_t size, tj_error *error)
{
    int code = mdb_env_set_mapsize(env->lmdb, size);
    if (code == 0) {
        return TJ_OK;
    }
    tj_error lost = TJ_ERROR_INIT;
    tj__fail_lmdb(&lost, code, "mapping %s anew", env->data_path);
    tj__env_refuse(env, lost.message);
    return tj__env_usable(env, error);
}

static tj_status change(tj__env *env, uint64_t size, tj_error *error)
{
    TJ_TRY(tj__slotless_let_go(env, error));
    if (!tj__gate_close(&env->gate)) {
        return tj__fail(error, TJ_BUSY,
                        "the map of %s must change, but a view of it has been open in this process "
                        "for over %d s: close it, then try again",
                        env->data_path, TJ__GATE_CHANGE_MS / 1000);
    }
    tj_status status = tj__env_usable(env, error);
    if (status == TJ_OK) {
        status = set_size(env, size, error);
    }
    tj__gate_open(&env->gate);
    return status;
}

/* The code tells a full map from a full disk. */
static tj_status full(tj_error *error)
{
    if (error) {
        error->engine_code = MDB_MAP_FULL;
    }
    return TJ_FULL;
}

tj_status tj__map_grow(tj__env *env, tj_error *error)
{
    uint64_t now = map_size(env);
    uint64_t size = tj__map_round(now * 2 < env->map_size_max ? now * 2 : env->map_size_max);
    if (size <= now) {
        tj__fail(error, TJ_FULL,
                 "the map of %s is full and has the size that the setting map_size_max allows, "
                 "%" PRIu64 " KiB: raise it, or delete what is no longer needed",
                 env->data_path, now >> 10);
        return full(error);
    }
    /* LMDB unmaps before it maps, and is lost when the second fails; so ask first. */
    if (size > MAP_SIZE_MAX || !tj__map_fits(size - now)) {
        tj__fail(error, TJ_FULL,
                 "the map of %s is full, and the address space (ulimit -v) has no room to "
                 "grow it from %" PRIu64 " to %" PRIu64 " MiB",
                 env->data_path, now >> 20, size >> 20);
        return full(error);
    }
    return change(env, size, error);
}

tj_status tj__map_adopt(tj__env *env, tj_error *error)
{
    return change(env, 0, error);
}
