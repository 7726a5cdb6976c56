/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Is what LMDB shows what was stored? The page walk finds pages that LMDB would crash on, or whose
 * rows it would pass over or show twice; the sums find the rest. Nothing reads a table before it
 * was walked:
 *   - at open the tables that every book or every writer needs, and the others while they are
 *     small;
 *   - a large one when it is first touched, or by the writer's helper thread, whichever comes
 *     first.
 * A table that is damaged is refused from then on, and what is sound goes on.
 *
 * A reading process walks beside a writer. It holds a read transaction, so that no page which the
 * newest meta page reaches is reused meanwhile; a meta page that was read while it was written
 * shows itself as damage where the meta pages have changed, and then is read again.
 */
#include <inttypes.h>
#include <unistd.h>

#include "base/error.h"
#include "table/internal.h"
#include "table/pages.h"

#define LOOKS_MAX 100
/* A larger table than this is not walked at open: 8 MiB take about 10 ms. */
#define PAGES_AT_OPEN_MAX 2048

#define ALWAYS_AT_OPEN                                                         \
    (TJ__TABLE_BIT(TJ__TABLE_BOOKS) | TJ__TABLE_BIT(TJ__TABLE_STATE) |         \
     TJ__TABLE_BIT(TJ__TABLE_COUNTERS) | TJ__TABLE_BIT(TJ__TABLE_QUARANTINE) | \
     TJ__TABLE_BIT(TJ__TABLE_COMMITS))

typedef struct verification {
    const tj__env *env;
    tj__walk *walk;
    bool has_sums;    /* since format version 2 */
    tj__sums stored;  /* of all tables */
    tj__sums counted; /* of those that were walked */
    uint8_t table;    /* under the walk */
    bool hashes;      /* rows are compared with their checksums */
    bool
        damaged_row; /* it has one: what that had counted for cannot be told, and a load names it */
} verification;

/* ---- one table --------------------------------------------------------------------------- */

static tj_status see_meta(void *context, tj__bytes key, tj__bytes value, uint64_t offset,
                          tj_error *error)
{
    (void)offset;
    verification *v = context;
    tj__superblock superblock;
    tj__sum sum;
    if (tj__sum_is_key(key)) {
        TJ_TRY(tj__sum_decode(key, value, &sum, error));
        tj__put_bytes(&v->stored.items, &sum, sizeof sum);
        return v->stored.items.failed ? tj__fail(error, TJ_NOMEM, "no memory for sums of rows")
                                      : TJ_OK;
    }
    /* One that cannot be read is told of by who opens the tables. */
    if (tj__bytes_equal(key, tj__bytes_of(TJ__SUPERBLOCK_NAME, strlen(TJ__SUPERBLOCK_NAME))) &&
        tj__superblock_decode(value, &superblock, NULL) == TJ_OK) {
        v->has_sums = superblock.format_version >= 2;
    }
    return TJ_OK;
}

static tj_status see_row(void *context, tj__bytes key, tj__bytes value, uint64_t offset,
                         tj_error *error)
{
    (void)offset;
    verification *v = context;
    uint8_t row_key[TJ__ROW_KEY_SIZE_MAX];
    row_key[0] = v->table;
    memcpy(row_key + 1, key.data, key.size);
    tj__bytes whole = tj__bytes_of(row_key, key.size + 1);
    tj__sum *sum = tj__sums_of(&v->counted, whole);
    if (!sum) {
        return tj__fail(error, TJ_NOMEM, "no memory for sums of rows");
    }
    sum->rows++;
    sum->checksums += tj__row_checksum(value);
    v->damaged_row = v->damaged_row || (v->hashes && tj__row_unwrap(whole, value).damaged);
    return TJ_OK;
}

static tj_status walk_table(verification *v, uint8_t table, tj_error *error)
{
    v->table = table;
    v->damaged_row = false;
    tj_status status = tj__walk_database(v->walk, tj__table_name(table), see_row, v, error);
    if (status == TJ_OK && v->has_sums) {
        status = tj__sums_agree(&v->stored, &v->counted, table, v->damaged_row, v->env->data_path,
                                error);
    }
    if (status != TJ_OK) {
        tj__error_context(error, "checking table \"%s\"", tj__table_name(table));
    }
    return status;
}

/* ---- one look ---------------------------------------------------------------------------- */

/* What a look found of the tables. */
typedef struct findings {
    uint64_t sound;
    uint64_t damaged;
    tj_error damage; /* of the first */
} findings;

static bool is_due(const verification *v, uint8_t table, uint64_t asked)
{
    bool small = tj__walk_size(v->walk, tj__table_name(table)) <= PAGES_AT_OPEN_MAX;
    return (asked & TJ__TABLE_BIT(table)) != 0 || small;
}

static tj_status judge_table(verification *v, uint8_t table, findings *found, tj_error *error)
{
    tj_error damage = TJ_ERROR_INIT;
    tj_status status = walk_table(v, table, &damage);
    if (status == TJ_OK) {
        found->sound |= TJ__TABLE_BIT(table);
        return TJ_OK;
    }
    if (status != TJ_CORRUPT || (ALWAYS_AT_OPEN & TJ__TABLE_BIT(table)) != 0) {
        return tj__error_pass(error, &damage);
    }
    found->damage = found->damaged == 0 ? damage : found->damage;
    found->damaged |= TJ__TABLE_BIT(table);
    return TJ_OK;
}

/* The tables that are always walked come first: what two use is then taken for damage of the
 * other. */
static tj_status walk_tables(verification *v, uint64_t asked, findings *found, tj_error *error)
{
    TJ_TRY(tj__walk_database(v->walk, tj__table_name(TJ__TABLE_META), see_meta, v, error));
    for (int rest = 0; rest < 2; rest++) {
        for (uint8_t table = TJ__TABLE_META + 1; table <= TJ__TABLE_LAST; table++) {
            bool first = (ALWAYS_AT_OPEN & TJ__TABLE_BIT(table)) != 0;
            if (first == (rest == 0) && is_due(v, table, asked)) {
                TJ_TRY(judge_table(v, table, found, error));
            }
        }
    }
    return tj__walk_free_list(v->walk, error);
}

static tj_status look_once(tj__env *env, uint64_t asked, bool hashes, findings *found, bool *moved,
                           tj_error *error)
{
    tj__pages pages;
    verification v = {.env = env, .hashes = hashes};
    *found = (findings){0};
    tj_status status =
        tj__pages_open(env->data_path, (uint32_t)sysconf(_SC_PAGESIZE), &pages, error);
    if (status == TJ_OK) {
        status = tj__walk_begin(&pages, &v.walk, error);
    }
    if (status == TJ_OK) {
        status = walk_tables(&v, asked, found, error);
    }
    *moved = (status != TJ_OK || found->damaged != 0) && tj__pages_moved(&pages);
    tj__walk_end(v.walk);
    tj__sums_dispose(&v.stored);
    tj__sums_dispose(&v.counted);
    tj__pages_close(&pages);
    return status;
}

/* Where all sums agree, no row needs to be looked into: a load does that. What a damaged one had
 * counted for is asked only where they do not. */
static tj_status look(tj__env *env, uint64_t asked, findings *found, bool *moved, tj_error *error)
{
    tj_error first = TJ_ERROR_INIT;
    tj_status status = look_once(env, asked, false, found, moved, &first);
    if (*moved || (status == TJ_OK && found->damaged == 0)) {
        return status == TJ_OK ? TJ_OK : tj__error_pass(error, &first);
    }
    return look_once(env, asked, true, found, moved, error);
}

/* ---- from outside ------------------------------------------------------------------------ */

static tj_status verify(tj__env *env, uint64_t asked, tj_error *error)
{
    findings found;
    tj_error failure = TJ_ERROR_INIT;
    MDB_txn *txn = NULL;
    bool moved = true;
    tj_status status = tj__read_begin(env, &txn, error);
    if (status != TJ_OK) {
        return status;
    }
    for (unsigned looks = 0; moved && looks < LOOKS_MAX; looks++) {
        failure = (tj_error)TJ_ERROR_INIT;
        status = look(env, asked, &found, &moved, &failure);
    }
    tj__read_end(env, txn);
    if (status == TJ_UNSUPPORTED) {
        failure.status = TJ_CORRUPT; /* another program's tree, in a file that is ours */
    }
    if (status != TJ_OK) {
        return tj__error_pass(error, &failure);
    }
    if (found.damaged != 0) {
        env->damage = found.damage;
    }
    atomic_fetch_or(&env->damaged, found.damaged);
    atomic_fetch_or(&env->sound, found.sound & ~atomic_load(&env->damaged));
    return TJ_OK;
}

tj_status tj__env_verify(tj__env *env, tj_error *error)
{
    pthread_mutex_lock(&env->verify_mutex);
    tj_status status = verify(env, ALWAYS_AT_OPEN, error);
    pthread_mutex_unlock(&env->verify_mutex);
    return status;
}

/* What was found of a table; walks it when nobody has. */
static tj_status judge(tj__env *env, uint64_t bit, tj_error *error)
{
    if (((atomic_load(&env->sound) | atomic_load(&env->damaged)) & bit) == 0) {
        TJ_TRY(verify(env, bit, error));
    }
    return (atomic_load(&env->damaged) & bit) == 0 ? TJ_OK : tj__error_pass(error, &env->damage);
}

bool tj__env_is_walked(const tj__env *env, uint8_t table)
{
    return (atomic_load_explicit(&env->sound, memory_order_acquire) & TJ__TABLE_BIT(table)) != 0;
}

tj_status tj__env_touch(tj__env *env, uint8_t table, tj_error *error)
{
    uint64_t bit = TJ__TABLE_BIT(table);
    if (tj__env_is_walked(env, table)) {
        return TJ_OK;
    }
    pthread_mutex_lock(&env->verify_mutex);
    tj_status status = judge(env, bit, error);
    pthread_mutex_unlock(&env->verify_mutex);
    return status;
}

uint64_t tj__env_damaged(const tj__env *env)
{
    return atomic_load_explicit(&env->damaged, memory_order_relaxed);
}

tj_status tj__env_verify_rest(tj__env *env, tj_error *error)
{
    tj_error failure = TJ_ERROR_INIT;
    for (uint8_t table = TJ__TABLE_META + 1; table <= TJ__TABLE_LAST; table++) {
        tj_error found = TJ_ERROR_INIT;
        if (env->tables[table] != 0 && tj__env_touch(env, table, &found) != TJ_OK &&
            failure.status == TJ_OK) {
            failure = found;
        }
    }
    return failure.status == TJ_OK ? TJ_OK : tj__error_pass(error, &failure);
}
