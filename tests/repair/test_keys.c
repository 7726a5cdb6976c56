/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * P17: one bit of a key in data.mdb, so that the keys of its table stay in their order: the row
 * then bears the name of another one. For every table, on a journal with all of its log, on one
 * with a hole in it, and on one that was pruned, with and without the bases: verify and check find
 * it, and a repair loses nothing where another source has the row, or tells what it loses. With the
 * tests one key each; TJ_LONG=1 turns ten.
 */
#include "history/history_fixture.h"

#include "base/error.h"
#include "table/inspect.h"

#include <tesser/counter.h>
#include <tesser/maintain.h>
#include <tesser/verify.h>

#define COMMITS 700
#define KEYS_MAX 4096
#define ROUNDS 1
#define ROUNDS_LONG 10

static history h;
static char kept[PATH_TEXT_SIZE + 16];
static char repaired[PATH_TEXT_SIZE + 16];

/* ---- journals -------------------------------------------------------------------------------- */

typedef struct source {
    const char *name;
    bool pruned;
    const char *removed; /* by the shell's patterns */
    uint64_t lost;       /* tables whose rows then may be in data.mdb alone */
} source;

#define BIT(table) TJ__TABLE_BIT(TJ__TABLE_##table)
#define STATE_TABLES (BIT(BOOKS) | BIT(STATE) | BIT(COUNTERS))
#define ALGOS_TABLES (BIT(ALGOS) | BIT(QUARANTINE))
#define BASED_TABLES (STATE_TABLES | ALGOS_TABLES)
#define REST_TABLES (BIT(LEDGER) | BIT(COMMITS))

static const source sources[] = {
    {"all of the log", false, "history/*", 0},
    {"all of the log, and bases", false, "none", 0},
    {"a log with a hole", false, "history/* log/*02.log",
     STATE_TABLES | ALGOS_TABLES | REST_TABLES},
    {"a log with a hole, and bases", false, "log/*02.log", REST_TABLES},
    {"a pruned log", true, "none", 0},
    {"a pruned log without .algos", true, "history/*.algos", ALGOS_TABLES},
    {"a pruned log without .state", true, "history/*.state", STATE_TABLES},
    {"a pruned log without .rest", true, "history/*.rest", REST_TABLES},
    {"a pruned log without bases", true, "history/*", BASED_TABLES | REST_TABLES},
};

static void note(fixture *f)
{
    h.live[++h.last] = live_digest(f);
}

static void count(fixture *f, const char *name)
{
    uint64_t first = 0;
    assert_ok(tj_counter_reserve(f->store, NULL, name, 10, &first, &err));
    note(f);
}

/* A book that is used once: its entry of the ledger is the last of the table, and of long ago. */
static void use_once(fixture *f)
{
    tj_txn *txn = NULL;
    tj_ledger_entry entry = plain_entry(1, "1.50");
    assert_ok(tj_store_book_create(f->store, "once", &err));
    note(f);
    assert_ok(tj_txn_begin(f->store, &txn, &err));
    assert_ok(tj_txn_use_book(txn, "once", &err));
    assert_ok(tj_txn_append_ledger(txn, &entry, &err));
    assert_ok(tj_txn_commit(txn, NULL, NULL, &err));
    note(f);
}

static void begin(fixture *f, bool pruned)
{
    random_start();
    history_begin(f, &h);
    count(f, "client-order-id");
    history_go_on(f, &h, 20);
    use_once(f);
    history_go_on(f, &h, COMMITS - 1);
    count(f, "venue-order-id");
    fixture_close(f);
    build_bases(&h);
    if (pruned) {
        tj_prune_options options = TJ_PRUNE_OPTIONS_INIT;
        tj_prune_report report = TJ_PRUNE_REPORT_INIT;
        options.history_size_bytes = 5 * TJ_SEGMENT_SIZE_MIN;
        fixture_open(f);
        assert_ok(tj_prune(f->store, &options, &report, &err));
        fixture_close(f);
        assert_true(report.first_segment > 1);
    }
    snprintf(kept, sizeof kept, "%s-kept", f->path);
    snprintf(repaired, sizeof repaired, "%s-repaired", f->path);
    shell("rm -rf %s && mv %s %s", kept, f->path, kept);
}

/* ---- damage ---------------------------------------------------------------------------------- */

typedef struct place {
    uint64_t at; /* of the key's first byte, without that of its table */
    uint8_t bytes[TJ__ROW_KEY_SIZE_MAX];
    size_t size;
} place;

typedef struct keys {
    uint8_t table;
    size_t count;
    place places[KEYS_MAX];
    unsigned damaged; /* rows */
    bool faulty;
} keys;

static tj_status see_key(void *context, const tj__row *row, tj_error *error)
{
    keys *k = context;
    (void)error;
    k->damaged += row->damaged;
    if (row->key.data[0] == k->table) {
        assert_true(k->count < KEYS_MAX);
        place *p = &k->places[k->count++];
        p->size = row->key.size - 1;
        p->at = row->offset - p->size; /* a large row does not stand beside its key */
        memcpy(p->bytes, row->key.data + 1, p->size);
    }
    return TJ_OK;
}

static tj_status see_fault(void *context, uint8_t table, const tj_error *fault, tj_error *error)
{
    (void)table;
    (void)fault;
    (void)error;
    ((keys *)context)->faulty = true;
    return TJ_OK;
}

static keys *look(fixture *f, uint8_t table)
{
    static keys found;
    tj__inspection seen;
    tj__inspector inspector = {.row = see_key, .fault = see_fault, .context = &found};
    found = (keys){.table = table};
    assert_ok(tj__data_inspect(f->path, &inspector, &seen, &err));
    return &found;
}

static int compare(const place *a, const place *b)
{
    return tj__bytes_compare(tj__bytes_of(a->bytes, a->size), tj__bytes_of(b->bytes, b->size));
}

/* Of key i one bit that leaves it between those beside it; 0: this one would not. */
static bool fits(const keys *k, size_t i, size_t byte, uint8_t bit)
{
    place changed = k->places[i];
    changed.bytes[byte] ^= bit;
    return (i == 0 || compare(&k->places[i - 1], &changed) < 0) &&
           (i + 1 == k->count || compare(&changed, &k->places[i + 1]) < 0);
}

static bool stands_there(const char *path, const place *p)
{
    uint8_t bytes[TJ__ROW_KEY_SIZE_MAX];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool there = fd >= 0 && pread(fd, bytes, p->size, (off_t)p->at) == (ssize_t)p->size &&
                 memcmp(bytes, p->bytes, p->size) == 0;
    close(fd);
    return there;
}

/* Turns one at random, of the table's last row or of another, so that the pages stay as they
 * were. */
static void damage(fixture *f, uint8_t table, bool last)
{
    char path[PATH_TEXT_SIZE + 32];
    const keys *k = look(f, table);
    snprintf(path, sizeof path, "%s/data.mdb", f->path);
    for (;;) {
        assert_true(k->count > 1);
        size_t i = last ? k->count - 1 : random_below((uint32_t)k->count - 1);
        const place p = k->places[i];
        size_t byte = random_below((uint32_t)p.size);
        uint8_t bit = (uint8_t)(1 << random_below(8));
        if (fits(k, i, byte, bit) && stands_there(path, &p)) {
            turn_bits(path, p.at + byte, bit);
            k = look(f, table);
            if (k->damaged == 1 && !k->faulty) {
                return;
            }
            turn_bits(path, p.at + byte, bit); /* a page above has it, too */
            k = look(f, table);
        }
    }
}

/* ---- what is done about it ------------------------------------------------------------------- */

static void assert_found(const fixture *f)
{
    tj_verify_report *report = NULL;
    bool named = false;
    assert_int_equal(tj_verify_rows(f->path, 0, NULL, &err), TJ_CORRUPT);
    assert_ok(tj_verify(f->path, NULL, &report, &err));
    assert_int_equal(report->verdict, TJ_VERDICT_DAMAGED);
    for (size_t i = 0; i < report->finding_count; i++) {
        named = named || report->findings[i].key.data;
    }
    assert_true(named);
    tj_verify_report_free(report);
}

static tj__digest digest_of(fixture *f, const char *path)
{
    f->config.path = path;
    fixture_open(f);
    tj__digest digest = live_digest(f);
    fixture_close(f);
    f->config.path = f->path;
    return digest;
}

static size_t count_lost(const tj_repair_report *report)
{
    size_t lost = 0;
    for (size_t i = 0; i < report->part_count; i++) {
        lost += report->parts[i].lost && report->parts[i].key.data;
    }
    return lost;
}

/* The row is named, at most that one is missing, and the other tables are as they were; counters
 * go on behind those that were handed out. */
static void assert_lost_one(const tj_repair_report *report, const tj__digest *digest, uint8_t table)
{
    const tj__digest *live = &h.live[h.last];
    uint64_t others = TJ__TABLES_ALL & ~(TJ__TABLE_BIT(table) | BIT(COUNTERS));
    assert_true(report->loses);
    assert_int_equal(count_lost(report), 1);
    assert_in_range(digest->rows[table], live->rows[table] - 1, live->rows[table]);
    if (table == TJ__TABLE_LEDGER) {
        assert_int_equal(digest->rows[TJ__TABLE_LEDGER_TIME], digest->rows[table]);
        others &= ~BIT(LEDGER_TIME);
    }
    assert_digest(digest, live, others, h.last);
}

static void assert_lost_nothing(const tj_repair_report *report, const tj__digest *digest)
{
    assert_false(report->loses);
    assert_int_equal(count_lost(report), 0);
    assert_memory_equal(&report->journal_id, &h.source.journal_id, sizeof report->journal_id);
    assert_digest(digest, &h.live[h.last], TJ__TABLES_ALL, h.last);
}

/* Also the indexes of the ledger are compared, by the repair itself. */
static void try_table(fixture *f, const source *from, uint8_t table, bool last)
{
    tj_repair_report *report = NULL;
    tj_repair_options options = TJ_REPAIR_OPTIONS_INIT;
    bool told = from->lost & TJ__TABLE_BIT(table);
    options.accept_loss = true;
    shell("rm -rf %s %s && cp -a %s %s && cd %s && rm -f %s", f->path, repaired, kept, f->path,
          f->path, from->removed);
    damage(f, table, last);
    assert_found(f);
    if (told && table == TJ__TABLE_BOOKS) {
        assert_refused(tj_repair(f->path, repaired, &options, &report, &err), TJ_CORRUPT,
                       "cannot be repaired out of itself: the name of a book is damaged");
        return;
    }
    tj_status status = tj_repair(f->path, repaired, &options, &report, &err);
    if (status != TJ_OK || !report->written) {
        fail_msg("%s, %s: %s", from->name, tj__table_name(table), err.message);
    }
    tj__digest digest = digest_of(f, repaired);
    if (told) {
        assert_lost_one(report, &digest, table);
    } else {
        assert_lost_nothing(report, &digest);
    }
    tj_repair_report_free(report);
}

static void every_table(fixture *f, bool pruned)
{
    unsigned rounds = getenv("TJ_LONG") ? ROUNDS_LONG : ROUNDS;
    begin(f, pruned);
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        for (unsigned n = 0; n < rounds && sources[i].pruned == pruned; n++) {
            for (uint8_t table = TJ__TABLE_FIRST + 1; table <= TJ__TABLE_LAST; table++) {
                try_table(f, &sources[i], table, (i + n) % 2 == 0);
            }
        }
    }
    shell("rm -rf %s %s %s", f->path, repaired, kept);
}

static void with_all_of_the_log(void **state)
{
    every_table(*state, false);
}

static void with_a_pruned_log(void **state)
{
    every_table(*state, true);
}

int main(void)
{
    directory_in_memory();
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(with_all_of_the_log),
        JOURNAL_TEST(with_a_pruned_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
