/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Every allocation of a call fails once, in turn, also those inside LMDB and SQLite: the call
 * says NOMEM, or works nevertheless; what is stored is as before, and the store works on.
 */
#include "strength/fixture.h"

#include <errno.h>
#include <limits.h>

#include <tesser/migrate.h>

#include "commit/plan.h"
#include "store/store.h"
#include "support/stand_in.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

#ifdef SANITIZED

int main(void)
{
    printf("SKIP: a sanitizer has its own allocator\n");
    return 77;
}

#else

/* glibc's own names of the functions that are replaced below. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

/* Only of this thread: it makes the call under test. */
static _Thread_local bool armed;
static _Thread_local long fail_at;
static _Thread_local long allocations;

static bool refused(void)
{
    if (!armed || ++allocations != fail_at) {
        return false;
    }
    errno = ENOMEM;
    return true;
}

STAND_IN void *malloc(size_t size)
{
    return refused() ? NULL : __libc_malloc(size);
}

STAND_IN void *calloc(size_t count, size_t size)
{
    return refused() ? NULL : __libc_calloc(count, size);
}

STAND_IN void *realloc(void *old, size_t size)
{
    return refused() ? NULL : __libc_realloc(old, size);
}

STAND_IN int posix_memalign(void **out, size_t alignment, size_t size)
{
    void *block = refused() ? NULL : __libc_memalign(alignment, size);
    *out = block ? block : *out;
    return block ? 0 : ENOMEM;
}

STAND_IN void *aligned_alloc(size_t alignment, size_t size)
{
    return refused() ? NULL : __libc_memalign(alignment, size);
}

/* ---- one call -------------------------------------------------------------------------------- */

typedef struct scene {
    fixture f;
    unsigned next; /* number of the next commit */
    unsigned number;
} scene;

typedef tj_status act(scene *s, tj_error *error);

static tj_status perform(scene *s, act *run, long at)
{
    err = (tj_error)TJ_ERROR_INIT;
    allocations = 0;
    fail_at = at;
    armed = true;
    tj_status status = run(s, &err);
    armed = false;
    return status;
}

static void expect_nomem(const char *name, tj_status status, long at)
{
    if (status != TJ_NOMEM || err.message[0] == '\0') {
        fail_msg("%s, allocation %ld: %s: %s", name, at, tj_status_name(status), err.message);
    }
}

/* A write whose every allocation fails: nothing of it is there, and then it works. */
static void for_each_allocation_of_a_write(scene *s, const char *name, act *run)
{
    long at = 1;
    for (bool reached = true; reached; at++) {
        s->number = s->next++;
        tj_status status = perform(s, run, at);
        reached = allocations >= at;
        if (status != TJ_OK) {
            expect_nomem(name, status, at);
            assert_true(reached);
        }
        assert_int_equal(holds_number(s->f.store, s->number), status == TJ_OK);
        commit_number(s->f.store, s->next++);
    }
    assert_in_range(at, 4, 5000);
}

static void for_each_allocation_of_a_read(scene *s, const char *name, act *run)
{
    long at = 1;
    for (bool reached = true; reached; at++) {
        tj_status status = perform(s, run, at);
        reached = allocations >= at;
        if (status != TJ_OK) {
            expect_nomem(name, status, at);
            assert_true(reached);
        }
    }
    assert_in_range(at, 3, 5000);
    commit_number(s->f.store, s->next++);
}

/* ---- the calls ------------------------------------------------------------------------------- */

/* A transaction that puts the scene's number; there is none unless this succeeds. */
static tj_status begin_numbered(scene *s, tj_txn **txn, tj_error *error)
{
    tj_status status = tj_txn_begin(s->f.store, txn, error);
    if (status == TJ_OK) {
        status = note_number(*txn, s->number, error);
        if (status != TJ_OK) {
            tj_txn_abort(*txn);
        }
    }
    return status;
}

static tj_status do_commit(scene *s, tj_error *error)
{
    tj_txn *txn = NULL;
    tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;
    options.commit_id = uuid(100000 + s->number);
    tj_status status = begin_numbered(s, &txn, error);
    return status == TJ_OK ? tj_txn_commit(txn, &options, NULL, error) : status;
}

static tj_status do_submit(scene *s, tj_error *error)
{
    tj_txn *txn = NULL;
    tj_status status = begin_numbered(s, &txn, error);
    if (status != TJ_OK) {
        return status;
    }
    status = tj_txn_submit(txn, NULL, NULL, NULL, NULL, error);
    return status == TJ_OK ? tj_store_complete(s->f.store, 10000, NULL, error) : status;
}

static tj_status do_within(scene *s, tj_error *error)
{
    tj_txn *txn = NULL;
    tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;
    options.deadline_ms = 60000;
    tj_status status = begin_numbered(s, &txn, error);
    return status == TJ_OK ? tj_txn_commit(txn, &options, NULL, error) : status;
}

static tj_status do_line(scene *s, tj_error *error)
{
    char line[256];
    tj_txn *txn = NULL;
    tj_uuid id = uuid(s->number);
    char text[TJ_UUID_TEXT_SIZE];
    tj_uuid_format(id, text);
    snprintf(line, sizeof line,
             "{\"algos\":{\"%s\":{\"plugin\":\"twap\",\"payload\":{\"n\":%u}}},"
             "\"extra\":{\"a\":[1,2]}}",
             text, s->number);
    tj_status status = tj_txn_begin(s->f.store, &txn, error);
    if (status == TJ_OK) {
        status = tj_txn_apply_json(txn, tj_str_of(line), NULL, error);
    }
    if (status != TJ_OK) {
        tj_txn_abort(txn);
        return status;
    }
    return tj_txn_commit(txn, NULL, NULL, error);
}

static tj_status do_load_state(scene *s, tj_error *error)
{
    tj_live_state *state = NULL;
    tj_status status = tj_state_load(tj_store_state_repository(s->f.store, NULL), &state, error);
    assert_true((status == TJ_OK) == (state != NULL));
    tj_live_state_free(state);
    return status;
}

static tj_status do_load_algos(scene *s, tj_error *error)
{
    tj_algo_list *list = NULL;
    tj_status status = tj_algo_load_all(tj_store_algo_repository(s->f.store, NULL), &list, error);
    assert_true((status == TJ_OK) == (list != NULL));
    assert_true(!list || list->quarantined_count == 0);
    tj_algo_list_free(list);
    return status;
}

static tj_status do_load_past(scene *s, tj_error *error)
{
    tj_algo_list *list = NULL;
    tj_status status = tj_algo_load_all_at(tj_store_algo_repository(s->f.store, NULL),
                                           (tj_moment){20, false, 0}, &list, error);
    assert_true((status == TJ_OK) == (list != NULL));
    assert_true(!list || list->count == 20);
    tj_algo_list_free(list);
    return status;
}

static tj_status read_history(scene *s, bool descending, tj_error *error)
{
    tj_history_query query = TJ_HISTORY_QUERY_INIT;
    tj_history *history = NULL;
    const tj_history_commit *commit = NULL;
    query.kinds = 1u << TJ_ENTITY_ALGO;
    query.book = "default";
    query.old_values = true;
    query.descending = descending;
    query.sequence_last = 30;
    tj_status status = tj_history_open(s->f.store, &query, &history, error);
    assert_true((status == TJ_OK) == (history != NULL));
    do {
        status = status == TJ_OK ? tj_history_next(history, &commit, error) : status;
    } while (status == TJ_OK && commit);
    tj_history_close(history);
    return status;
}

static tj_status do_forwards(scene *s, tj_error *error)
{
    return read_history(s, false, error);
}

static tj_status do_backwards(scene *s, tj_error *error)
{
    return read_history(s, true, error);
}

static tj_status do_diff(scene *s, tj_error *error)
{
    tj_history_diff *diff = NULL;
    tj_status status = tj_history_diff_load(s->f.store, (tj_moment){10, false, 0},
                                            (tj_moment){20, false, 0}, NULL, &diff, error);
    assert_true((status == TJ_OK) == (diff != NULL));
    tj_history_diff_free(diff);
    return status;
}

static tj_status do_curve(scene *s, tj_error *error)
{
    tj_equity_curve *curve = NULL;
    tj_status status =
        tj_equity_curve_load(tj_store_state_repository(s->f.store, NULL), (tj_moment)TJ_MOMENT_INIT,
                             (tj_moment)TJ_MOMENT_INIT, &curve, error);
    assert_true((status == TJ_OK) == (curve != NULL));
    tj_equity_curve_free(curve);
    return status;
}

/* To the commit that the scene's number names. */
static tj_status roll_back(scene *s, bool dry_run, tj_error *error)
{
    tj_rollback_report *report = NULL;
    tj_rollback_options options = TJ_ROLLBACK_OPTIONS_INIT;
    options.dry_run = dry_run;
    tj_status status =
        tj_state_rollback(tj_store_state_repository(s->f.store, NULL),
                          (tj_moment){s->number, false, 0}, &options, &report, error);
    assert_true((status == TJ_OK) == (report != NULL));
    tj_rollback_report_free(report);
    return status;
}

static tj_status do_compare(scene *s, tj_error *error)
{
    return roll_back(s, true, error);
}

static tj_status do_rollback(scene *s, tj_error *error)
{
    return roll_back(s, false, error);
}

static tj_status do_books(scene *s, tj_error *error)
{
    tj_book_list *list = NULL;
    tj_status status = tj_store_books(s->f.store, &list, error);
    tj_book_list_free(list);
    return status;
}

static tj_status do_info(scene *s, tj_error *error)
{
    tj_store_info info = TJ_STORE_INFO_INIT;
    return tj_store_info_get(s->f.store, &info, error);
}

static tj_status do_work(scene *s, tj_error *error)
{
    return tj_store_work(s->f.store, error);
}

static tj_status do_open(scene *s, tj_error *error)
{
    return tj_store_open(&s->f.config, &s->f.store, error);
}

static tj_status do_close(scene *s, tj_error *error)
{
    tj_store *store = s->f.store;
    s->f.store = NULL;
    return tj_store_close(store, error);
}

/* Handles are made before: without memory they are NULL, which no call takes. */
static void make_handles(tj_store *store)
{
    bool before = armed;
    armed = false;
    assert_non_null(tj_store_ledger_repository(store, NULL));
    assert_non_null(tj_store_algo_repository(store, NULL));
    armed = before;
}

static tj_ledger_repository *ledger_of(scene *s)
{
    return tj_store_ledger_repository(s->f.store, NULL);
}

static tj_status do_append(scene *s, tj_error *error)
{
    tj_ledger_entry entry = plain_entry(s->number, "1.5");
    uint64_t last = 0;
    return tj_ledger_append(ledger_of(s), &entry, 1, &last, error);
}

static tj_status do_find(scene *s, tj_error *error)
{
    tj_ledger_list *list = NULL;
    tj_ledger_query query = TJ_LEDGER_QUERY_INIT;
    query.by_time = true;
    tj_status status = tj_ledger_find(ledger_of(s), &query, &list, error);
    tj_ledger_list_free(list);
    return status;
}

static tj_status do_reserve(scene *s, tj_error *error)
{
    uint64_t first = 0;
    return tj_counter_reserve(s->f.store, NULL, "orders", 1, &first, error);
}

static tj_status do_look_on(scene *s, tj_error *error)
{
    tj_store *view = NULL;
    tj_status status = tj_store_open(&s->f.config, &view, error);
    assert_true((status == TJ_OK) == (view != NULL));
    s->f.store = view;
    if (status == TJ_OK) {
        make_handles(view);
        status = do_load_algos(s, error);
    }
    if (status == TJ_OK) {
        status = do_info(s, error);
    }
    s->f.store = NULL;
    (void)tj_store_close(view, NULL);
    return status;
}

#define SOURCES TJ_TESTDATA_COPY "/tesser/0.9.3/small/"

static tj_status do_import(scene *s, tj_error *error)
{
    static const char *const sources[] = {SOURCES "state.db", SOURCES "algos.db",
                                          SOURCES "ledger.db"};
    tj_import_options options = TJ_IMPORT_OPTIONS_INIT;
    options.sources = sources;
    options.source_count = 3;
    options.exchange = "binance_perp";
    tj_import_report *report = NULL;
    tj_status status = tj_import(&s->f.config, &options, &report, error);
    assert_true((status == TJ_OK) == (report != NULL));
    tj_import_report_free(report);
    return status;
}

static tj_status do_export(scene *s, tj_error *error)
{
    char directory[DIRECTORY_SIZE + 16];
    tj_export_options options = TJ_EXPORT_OPTIONS_INIT;
    tj_export_report *report = NULL;
    options.force = true;
    snprintf(directory, sizeof directory, "%s/exported", s->f.directory);
    tj_status status = tj_export_tesser(s->f.store, directory, &options, &report, error);
    tj_export_report_free(report);
    return status;
}

/* ---- the tests ------------------------------------------------------------------------------- */

static void commits(void **state)
{
    scene *s = *state;
    fixture_open(&s->f);
    for_each_allocation_of_a_write(s, "commit", do_commit);
    for_each_allocation_of_a_write(s, "submit", do_submit);
    for_each_allocation_of_a_write(s, "record", do_line);
    size_t count = count_numbers(s->f.store);
    fixture_reopen(&s->f);
    assert_int_equal(count_numbers(s->f.store), count);
}

static void commits_with_a_deadline(void **state)
{
    scene *s = *state;
    s->f.config.no_threads = false;
    fixture_open(&s->f);
    for_each_allocation_of_a_write(s, "deadline", do_within);
}

static void commits_in_memory(void **state)
{
    scene *s = *state;
    s->f.config.type = TJ_ENGINE_MEMORY;
    fixture_open(&s->f);
    for_each_allocation_of_a_write(s, "commit", do_commit);
    for_each_allocation_of_a_write(s, "submit", do_submit);
    for_each_allocation_of_a_read(s, "load", do_load_algos);
}

/* A failed save leaves the one before. */
static void saves(void **state)
{
    scene *s = *state;
    fixture_open(&s->f);
    tj_state_repository *states = tj_store_state_repository(s->f.store, NULL);
    tj_decimal equity = decimal("1");
    tj_order orders[3] = {plain_order("a"), plain_order("b"), plain_order("c")};
    tj_live_state saved = {.has_portfolio_equity = true,
                           .portfolio_equity = equity,
                           .has_portfolio = true,
                           .portfolio = plain_portfolio(),
                           .open_orders = orders,
                           .open_order_count = 1,
                           .strategy_state = TJ_STR("{\"deep\":[1,{\"x\":null}]}"),
                           .extra = TJ_STR("{\"unknow\\u006e\":[1]}")};
    assert_ok(tj_state_save(states, &saved, &err));
    long at = 1;
    for (bool reached = true; reached; at++) {
        tj_live_state *before = NULL;
        tj_live_state *after = NULL;
        assert_ok(tj_state_load(states, &before, &err));
        tj_order swapped = orders[0]; /* some keep their place, some get another rank */
        orders[0] = orders[2];
        orders[2] = swapped;
        saved.open_order_count = 1 + (size_t)at % 3;
        saved.portfolio_equity = tj_decimal_int(at);
        allocations = 0;
        fail_at = at;
        armed = true;
        err = (tj_error)TJ_ERROR_INIT;
        tj_status status = tj_state_save(states, &saved, &err);
        armed = false;
        reached = allocations >= at;
        if (status != TJ_OK) {
            expect_nomem("save", status, at);
        }
        assert_ok(tj_state_load(states, &after, &err));
        bool same = after->sequence == before->sequence;
        assert_int_equal(same, status != TJ_OK);
        assert_int_equal(after->open_order_count,
                         status == TJ_OK ? saved.open_order_count : before->open_order_count);
        tj_live_state_free(before);
        tj_live_state_free(after);
    }
    assert_in_range(at, 5, 5000);
    for_each_allocation_of_a_read(s, "load", do_load_state);
}

static void loads(void **state)
{
    scene *s = *state;
    fixture_open(&s->f);
    for (; s->next < 40; s->next++) {
        commit_number(s->f.store, s->next);
    }
    assert_int_equal(count_numbers(s->f.store),
                     39); /* makes the handle, which is NULL without memory */
    for_each_allocation_of_a_read(s, "load", do_load_algos);
    for_each_allocation_of_a_read(s, "books", do_books);
    for_each_allocation_of_a_read(s, "info", do_info);
}

#define ROLLBACKS 30

/* Each commit takes memory to be read again, so not every allocation has its turn, but some up to
 * the last. A rollback that fails has changed nothing. */
static void rollbacks(scene *s)
{
    long count = 0;
    s->number = 30;
    for_each_allocation_of_a_read(s, "compare for a rollback", do_compare);
    for (long i = ROLLBACKS; i >= 0; i--) {
        uint64_t newest = info_of(s->f.store).sequence;
        tj_status status =
            perform(s, do_rollback, count > 0 ? 1 + count * i / ROLLBACKS : LONG_MAX);
        count = count > 0 ? count : allocations;
        if (status != TJ_OK) {
            expect_nomem("rollback", status, i);
        }
        assert_int_equal(info_of(s->f.store).sequence, status == TJ_OK ? newest + 1 : newest);
        commit_number(s->f.store, s->next++);
    }
    assert_in_range(count, 20, 5000);
}

static void the_past(void **state)
{
    scene *s = *state;
    fixture_open(&s->f);
    for (; s->next < 40; s->next++) {
        commit_number(s->f.store, s->next);
    }
    make_handles(s->f.store);
    for_each_allocation_of_a_read(s, "load the past", do_load_past);
    for_each_allocation_of_a_read(s, "read forwards", do_forwards);
    for_each_allocation_of_a_read(s, "read backwards", do_backwards);
    for_each_allocation_of_a_read(s, "diff", do_diff);
    for_each_allocation_of_a_read(s, "curve", do_curve);
    rollbacks(s);
}

/* Bringing LMDB up to date fails, and is done the next time. */
static void applies(void **state)
{
    scene *s = *state;
    fixture_open(&s->f);
    long at = 1;
    for (bool reached = true; reached; at++) {
        commit_number(s->f.store, s->next++);
        tj_status status = perform(s, do_work, at);
        reached = allocations >= at;
        if (status != TJ_OK) {
            expect_nomem("work", status, at);
        }
        assert_ok(tj_store_work(s->f.store, &err));
        tj_store_info info = info_of(s->f.store);
        assert_int_equal(info.lmdb.applied_sequence, info.sequence);
    }
    assert_int_equal(count_numbers(s->f.store), s->next - 1);
}

/* Opening anew, with commits that LMDB does not have, and closing with more of them. */
static void opening_and_closing(void **state)
{
    scene *s = *state;
    long opened = 1;
    for (bool reached = true; reached; opened++) {
        tj_status status = perform(s, do_open, opened);
        reached = allocations >= opened;
        if (status != TJ_OK) {
            expect_nomem("open", status, opened);
            assert_null(s->f.store);
            fixture_open(&s->f);
        }
        commit_number(s->f.store, s->next++);
        status = perform(s, do_close, opened);
        reached = reached || allocations >= opened;
        if (status != TJ_OK) {
            expect_nomem("close", status, opened);
        }
    }
    fixture_open(&s->f);
    assert_int_equal(count_numbers(s->f.store), s->next - 1);
}

static void creating(void **state)
{
    scene *s = *state;
    long at = 1;
    for (bool reached = true; reached; at++) {
        directory_remove(s->f.path);
        tj_status status = perform(s, do_open, at);
        reached = allocations >= at;
        if (status != TJ_OK) {
            expect_nomem("create", status, at);
            assert_null(s->f.store);
            fixture_open(&s->f);
        }
        commit_number(s->f.store, 1);
        fixture_reopen(&s->f);
        assert_int_equal(count_numbers(s->f.store), 1);
        fixture_close(&s->f);
    }
}

static void ledgers_and_counters(void **state)
{
    scene *s = *state;
    uint64_t latest = 0;
    uint64_t next = 0;
    long at = 1;
    fixture_open(&s->f);
    make_handles(s->f.store);
    for (bool reached = true; reached; at++) {
        s->number = (unsigned)at;
        uint64_t entries = latest;
        uint64_t numbers = next;
        tj_status appended = perform(s, do_append, at);
        reached = allocations >= at;
        if (appended != TJ_OK) {
            expect_nomem("append", appended, at);
        }
        tj_status reserved = perform(s, do_reserve, at);
        reached = reached || allocations >= at;
        if (reserved != TJ_OK) {
            expect_nomem("reserve", reserved, at);
        }
        assert_ok(tj_ledger_latest(ledger_of(s), &latest, &err));
        assert_int_equal(latest, entries + (appended == TJ_OK));
        assert_ok(tj_counter_next(s->f.store, NULL, "orders", &next, &err));
        assert_int_equal(next, numbers + (numbers == 0) + (reserved == TJ_OK));
    }
    assert_in_range(at, 4, 5000);
    for_each_allocation_of_a_read(s, "find", do_find);
}

/* Beside no writer, with commits that LMDB does not have. */
static void looking_on(void **state)
{
    scene *s = *state;
    fixture_open(&s->f);
    commit_number(s->f.store, s->next++);
    fixture_close(&s->f);
    s->f.config.read_only = true;
    long at = 1;
    for (bool reached = true; reached; at++) {
        tj_status status = perform(s, do_look_on, at);
        reached = allocations >= at;
        if (status != TJ_OK) {
            expect_nomem("look on", status, at);
        }
    }
    assert_in_range(at, 10, 5000);
}

/* Every third allocation: there are many, and they are alike. */
static void imports(void **state)
{
    scene *s = *state;
    long at = 1;
    for (bool reached = true; reached; at += 3) {
        directory_remove(s->f.path);
        tj_status status = perform(s, do_import, at);
        reached = allocations >= at;
        if (status != TJ_OK) {
            expect_nomem("import", status, at);
        }
    }
    assert_in_range(at, 100, 20000);
}

static void exports(void **state)
{
    scene *s = *state;
    char directory[DIRECTORY_SIZE + 16];
    long at = 1;
    assert_ok(do_import(s, &err));
    fixture_open(&s->f);
    snprintf(directory, sizeof directory, "%s/exported", s->f.directory);
    for (bool reached = true; reached; at += 3) {
        tj_status status = perform(s, do_export, at);
        reached = allocations >= at;
        if (status != TJ_OK) {
            expect_nomem("export", status, at);
        }
        directory_remove(directory);
    }
    assert_in_range(at, 100, 20000);
}

/* ---- looking after it ------------------------------------------------------------------------ */

static void set_aside(tj_store *store, unsigned number)
{
    uint8_t id[16] = {0xaa, [15] = (uint8_t)number};
    tj__quarantined row = {.table = TJ__TABLE_ALGOS,
                           .key = tj__bytes_of(id, sizeof id),
                           .reason = TJ_STR("of before")};
    static const char raw[] = "{\"algo_type\":\"TWAP\",\"state\":1}";
    row.raw = tj__bytes_of(raw, sizeof raw - 1);
    tj__plan *plan = tj__plan_new();
    assert_non_null(plan);
    assert_ok(tj__plan_use_book(plan, TJ_STR("default"), &err));
    assert_ok(tj__plan_put_quarantine(plan, &row, &err));
    assert_ok(tj__store_commit(store, plan, NULL, NULL, &err));
    tj__plan_free(plan);
}

static size_t count_aside(tj_store *store)
{
    tj_quarantine_list *list = NULL;
    assert_ok(tj_quarantine_load(store, NULL, &list, &err));
    size_t count = list->count;
    tj_quarantine_list_free(list);
    return count;
}

static tj_status do_retry(scene *s, tj_error *error)
{
    tj_quarantine_options options = TJ_QUARANTINE_OPTIONS_INIT;
    options.all = true;
    return tj_quarantine_retry(s->f.store, &options, NULL, error);
}

static tj_status do_drop(scene *s, tj_error *error)
{
    tj_quarantine_options options = TJ_QUARANTINE_OPTIONS_INIT;
    options.all = true;
    return tj_quarantine_drop(s->f.store, &options, TJ_STR("why"), NULL, error);
}

static void quarantine(void **state)
{
    static act *const decisions[] = {do_retry, do_drop};
    scene *s = *state;
    unsigned number = 1;
    fixture_open(&s->f);
    for (size_t i = 0; i < 2; i++) {
        long at = 1;
        for (bool reached = true; reached; at++) {
            if (count_aside(s->f.store) == 0) {
                set_aside(s->f.store, number++);
            }
            tj_status status = perform(s, decisions[i], at);
            reached = allocations >= at;
            if (status != TJ_OK) {
                expect_nomem("quarantine", status, at);
            }
            assert_int_equal(count_aside(s->f.store), status == TJ_OK ? 0 : 1);
        }
        assert_in_range(at, 8, 5000);
    }
    fixture_close(&s->f);
}

static tj_status do_compact(scene *s, tj_error *error)
{
    tj_compact_report report = TJ_COMPACT_REPORT_INIT;
    return tj_compact(&s->f.config, NULL, &report, error);
}

static tj_status do_doctor(scene *s, tj_error *error)
{
    tj_checkup *checkup = NULL;
    tj_status status = tj_doctor(&s->f.config, NULL, &checkup, error);
    tj_checkup_free(checkup);
    return status;
}

static void looking_after_it(void **state)
{
    static act *const calls[] = {do_doctor, do_compact};
    scene *s = *state;
    fixture_open(&s->f);
    commit_number(s->f.store, s->next++);
    fixture_close(&s->f);
    for (size_t i = 0; i < 2; i++) {
        long at = 1;
        for (bool reached = true; reached; at++) {
            tj_status status = perform(s, calls[i], at);
            reached = allocations >= at;
            if (status != TJ_OK) {
                expect_nomem(i == 0 ? "doctor" : "compact", status, at);
            }
        }
        assert_in_range(at, 10, 5000);
        fixture_open(&s->f);
        assert_true(holds_number(s->f.store, 1));
        fixture_close(&s->f);
    }
}

static int set_up(void **state)
{
    static scene s;
    s = (scene){.next = 1};
    fixture_make(&s.f);
    s.f.config.no_threads = true;
    s.f.config.lmdb.segment_size_bytes = TJ_SEGMENT_SIZE_MIN;
    *state = &s;
    return 0;
}

static int tear_down(void **state)
{
    armed = false;
    scene *s = *state;
    fixture_remove(&s->f);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(commits),
        TEST(commits_with_a_deadline),
        TEST(commits_in_memory),
        TEST(saves),
        TEST(loads),
        TEST(the_past),
        TEST(applies),
        TEST(opening_and_closing),
        TEST(creating),
        TEST(ledgers_and_counters),
        TEST(looking_on),
        TEST(imports),
        TEST(exports),
        TEST(quarantine),
        TEST(looking_after_it),
    };
    directory_in_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
