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
#include "base/hash.h"
#include "table/internal.h"
#include "table/pages.h"

#define LOOKS_MAX 100
/* A larger table than this is not walked at open: 8 MiB take about 10 ms. */
#define PAGES_AT_OPEN_MAX 2048

/* A larger one is worth a second thread. */
#define PAGES_BY_ONE_MAX 1024

#define ALWAYS_AT_OPEN                                                         \
    (TJ__TABLE_BIT(TJ__TABLE_BOOKS) | TJ__TABLE_BIT(TJ__TABLE_STATE) |         \
     TJ__TABLE_BIT(TJ__TABLE_COUNTERS) | TJ__TABLE_BIT(TJ__TABLE_QUARANTINE) | \
     TJ__TABLE_BIT(TJ__TABLE_COMMITS))

/* Of which tables are told how many rows they have, without another scan. Those of the state are
 * looked into as well. */
#define COUNTED (TJ__TABLE_BIT(TJ__TABLE_STATE) | TJ__TABLE_BIT(TJ__TABLE_ALGOS))

#define ROWS_AT_ONCE 64

typedef struct verification {
    const tj__env *env;
    tj__walk *walk;
    bool has_sums;   /* since format version 2 */
    tj__sums stored; /* of all tables */
    tj__sums counted[TJ__TABLE_LAST + 1];
    bool hashes;           /* rows are compared with their checksums */
    uint8_t table;         /* under the walk */
    tj__sum *sum;          /* that its last row counted for */
    unsigned class;        /* and its class */
    uint64_t head;         /* and what of its key tells both; 0: unknown */
    uint64_t damaged_rows; /* bits of the tables that have one: what it had counted for cannot be
                              told, and a load names it */
} verification;

/* ---- one table --------------------------------------------------------------------------- */

static tj_status see_meta_row(verification *v, tj__bytes key, tj__bytes value, tj_error *error)
{
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

static tj_status see_meta(void *context, const tj__walked_row *rows, size_t count, tj_error *error)
{
    for (size_t i = 0; i < count; i++) {
        TJ_TRY(see_meta_row(context, rows[i].key, rows[i].value, error));
    }
    return TJ_OK;
}

/* What of a key tells its book and its class; 0 of one that is too short. */
static uint64_t head_of(tj__bytes key)
{
    size_t rest = sizeof(uint64_t) - (TJ__ROW_CLASS_SIZE - 1);
    return key.size >= sizeof(uint64_t) ? tj__load_u64(key.data) << 8 * rest : 0;
}

/* Of the row that is added next. */
static tj_status find_sum(verification *v, tj__bytes key, const tj__bytes *row_key, tj_error *error)
{
    v->head = head_of(key);
    v->class = row_key && v->env->classify ? v->env->classify(*row_key) : 0;
    v->sum = tj__sums_in(&v->counted[v->table], v->table, key);
    return v->sum ? TJ_OK : tj__fail(error, TJ_NOMEM, "no memory for sums of rows");
}

/* Rows come in the order of their keys: nearly always book and class are those of the one before.
 * row_key is NULL where the class does not matter. */
static inline tj_status add_up(verification *v, tj__bytes key, const tj__bytes *row_key,
                               uint64_t checksum, tj_error *error)
{
    if (v->head == 0 || v->head != head_of(key)) {
        TJ_TRY(find_sum(v, key, row_key, error));
    }
    v->sum->rows++;
    v->sum->checksums += checksum;
    v->sum->classes.rows[v->class]++;
    return TJ_OK;
}

/* One whose value does not stand behind its key, or is none. */
static tj_status look_into_odd(verification *v, const tj__walked_row *row, tj_error *error)
{
    uint8_t room[TJ__ROW_KEY_SIZE_MAX];
    room[0] = v->table;
    memcpy(room + 1, row->key.data, row->key.size);
    tj__bytes row_key = tj__bytes_of(room, row->key.size + 1);
    if (tj__row_unwrap(row_key, row->value).damaged) {
        v->damaged_rows |= TJ__TABLE_BIT(v->table);
    }
    return add_up(v, row->key, &row_key, tj__row_checksum(row->value), error);
}

/* A stored row that stands right behind its key, with the key moved over the checksum, in the
 * walk's own memory: then what was hashed is one piece again. */
typedef struct joined_row {
    tj__bytes key; /* with the table byte */
    size_t size;   /* from the key to the end of the value */
    uint64_t checksum;
} joined_row;

/* False when it does not stand so. */
static inline bool join_row(uint8_t table, tj__bytes key, tj__bytes stored, joined_row *out)
{
    if (stored.data != key.data + key.size || stored.size < TJ__ROW_HEADER_SIZE) {
        return false;
    }
    uint8_t *from = (uint8_t *)key.data;
    uint8_t *whole = from + sizeof out->checksum - 1;
    out->checksum = tj__load_u64(stored.data);
    memmove(whole + 1, from, key.size);
    whole[0] = table;
    out->key = tj__bytes_of(whole, key.size + 1);
    out->size = out->key.size + stored.size - sizeof out->checksum;
    return true;
}

/* First all are joined, then hashed: a processor waits for bytes that it has just written and reads
 * in other pieces. */
static tj_status look_into_some(verification *v, const tj__walked_row *rows, size_t count,
                                tj_error *error)
{
    joined_row joined[ROWS_AT_ONCE];
    size_t joined_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (join_row(v->table, rows[i].key, rows[i].value, &joined[joined_count])) {
            joined_count++;
        } else {
            TJ_TRY(look_into_odd(v, &rows[i], error));
        }
    }
    bool damaged = false;
    for (size_t i = 0; i < joined_count; i++) {
        const joined_row *row = &joined[i];
        damaged |= tj__hash(row->key.data, row->size) != row->checksum;
        TJ_TRY(add_up(v, tj__bytes_of(row->key.data + 1, row->key.size - 1), &row->key,
                      row->checksum, error));
    }
    v->damaged_rows |= damaged ? TJ__TABLE_BIT(v->table) : 0;
    return TJ_OK;
}

static tj_status look_into(void *context, const tj__walked_row *rows, size_t count, tj_error *error)
{
    for (size_t i = 0; i < count; i += ROWS_AT_ONCE) {
        size_t some = count - i < ROWS_AT_ONCE ? count - i : ROWS_AT_ONCE;
        TJ_TRY(look_into_some(context, rows + i, some, error));
    }
    return TJ_OK;
}

static tj_status see_rows(void *context, const tj__walked_row *rows, size_t count, tj_error *error)
{
    for (size_t i = 0; i < count; i++) {
        TJ_TRY(add_up(context, rows[i].key, NULL, tj__row_checksum(rows[i].value), error));
    }
    return TJ_OK;
}

/* The rows of one half are counted apart. */
static tj_status walk_by_two(verification *v, tj__walk_visitor *visit, tj_error *error)
{
    verification other = {.env = v->env, .hashes = v->hashes, .table = v->table};
    tj__sums *counted = &other.counted[v->table];
    tj_status status = tj__walk_by_file(v->walk, tj__table_name(v->table), visit, v, &other, error);
    if (status == TJ_OK && !tj__sums_add(&v->counted[v->table], counted)) {
        status = tj__fail(error, TJ_NOMEM, "no memory for sums of rows");
    }
    v->damaged_rows |= other.damaged_rows;
    tj__sums_dispose(counted);
    return status;
}

static tj_status walk_rows(verification *v, tj__walk_visitor *visit, tj_error *error)
{
    const char *name = tj__table_name(v->table);
    return v->env->two_threads && tj__walk_size(v->walk, name) > PAGES_BY_ONE_MAX
               ? walk_by_two(v, visit, error)
               : tj__walk_by_file(v->walk, name, visit, v, NULL, error);
}

static tj_status walk_table(verification *v, uint8_t table, tj_error *error)
{
    v->table = table;
    v->head = 0;
    bool looks_into = v->hashes || (v->env->classify && table == TJ__TABLE_STATE);
    tj_status status = walk_rows(v, looks_into ? look_into : see_rows, error);
    if (status == TJ_OK && v->has_sums) {
        status =
            tj__sums_agree(&v->stored, &v->counted[table], table,
                           (v->damaged_rows & TJ__TABLE_BIT(table)) != 0, v->env->data_path, error);
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

/* What was found of tables without damage, for who asks how many rows there are. */
static void keep_counted(tj__env *env, verification *v, uint64_t transaction, uint64_t sound)
{
    for (uint8_t table = TJ__TABLE_META + 1; env->classify && table <= TJ__TABLE_LAST; table++) {
        if (sound & COUNTED & ~v->damaged_rows & TJ__TABLE_BIT(table)) {
            tj__sums_dispose(&env->counted[table].sums);
            env->counted[table] = (tj__counted){transaction, v->counted[table]};
            v->counted[table] = (tj__sums){0};
        }
    }
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
    if (status == TJ_OK && !*moved) {
        keep_counted(env, &v, pages.transaction, found->sound);
    }
    tj__sums_dispose(&v.stored);
    for (uint8_t table = 0; table <= TJ__TABLE_LAST; table++) {
        tj__sums_dispose(&v.counted[table]);
    }
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

bool tj__env_tally(tj__env *env, uint64_t transaction, uint8_t table, uint32_t book,
                   tj__row_tally *tally)
{
    pthread_mutex_lock(&env->verify_mutex);
    tj__counted *counted = &env->counted[table];
    tj__sum *sum =
        counted->transaction == transaction ? tj__sums_find(&counted->sums, table, book) : NULL;
    bool known = sum && !sum->told;
    if (known) {
        *tally = sum->classes;
        sum->told = true;
    }
    pthread_mutex_unlock(&env->verify_mutex);
    return known;
}

void tj__env_forget_counted(tj__env *env)
{
    for (uint8_t table = 0; table <= TJ__TABLE_LAST; table++) {
        tj__sums_dispose(&env->counted[table].sums);
    }
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
