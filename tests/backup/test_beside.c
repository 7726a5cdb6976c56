/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Backups of a journal whose writer commits as fast as it can: each is proven and restored, and
 * what was restored is what a model, which is kept beside the writer, had after the commit that the
 * backup names. With the tests a share runs; TJ_LONG=1 makes 200 backups.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "backup/fixture.h"

#define BACKUPS 20 /* of one journal */
#define ORDERS 40
#define COMMITS_MAX 1000000

/* What the journal should hold. */
typedef struct model {
    uint64_t equity;
    tj_time orders[ORDERS]; /* when each was updated; 0: there is none */
    uint64_t ledger_count;
    uint64_t counter; /* the next number */
} model;

typedef struct writer {
    tj_store *store;
    pthread_t thread;
    _Atomic bool stop;
    _Atomic bool pause; /* so that the log stays small enough for a test */
    model model;
    uint64_t *after; /* hash of the model, by sequence */
} writer;

static uint64_t model_hash(const model *m)
{
    return tj__hash(m, sizeof *m);
}

/* Before it can be seen that commit n is there. */
static void note(writer *w, uint64_t n)
{
    w->after[n] = model_hash(&w->model);
}

static tj_status commit_one(writer *w, uint64_t n, uint32_t chance, tj_error *error)
{
    tj_txn *txn = NULL;
    model *m = &w->model;
    char id[32];
    unsigned which = chance % ORDERS;
    snprintf(id, sizeof id, "order-%u", which);
    tj_order order = plain_order(id);
    tj_decimal equity = tj_decimal_int((int64_t)n);
    tj_ledger_entry entry = plain_entry((unsigned)n, "1.50");
    order.updated_at = (tj_time)n;
    tj_status status = tj_txn_begin(w->store, &txn, error);
    if (status == TJ_OK && chance / ORDERS % 3 == 0) {
        status = tj_txn_delete_order(txn, tj_str_of(id), error);
        m->orders[which] = 0;
    } else if (status == TJ_OK) {
        status = tj_txn_put_order(txn, &order, error);
        m->orders[which] = (tj_time)n;
    }
    if (status == TJ_OK && chance / ORDERS % 5 == 0) {
        status = tj_txn_append_ledger(txn, &entry, error);
        m->ledger_count++;
    }
    status = status == TJ_OK ? tj_txn_set_portfolio_equity(txn, &equity, error) : status;
    m->equity = n;
    note(w, n);
    return status == TJ_OK ? tj_txn_commit(txn, NULL, NULL, error) : status;
}

static void *write_on(void *context)
{
    writer *w = context;
    uint32_t chance = 1;
    for (uint64_t n = 1; !atomic_load(&w->stop) && n < COMMITS_MAX; n++) {
        tj_error error = TJ_ERROR_INIT;
        while (atomic_load(&w->pause)) {
            usleep(1000);
        }
        chance = chance * 1664525 + 1013904223;
        tj_status status = TJ_OK;
        if (n % 50 == 0) {
            uint64_t first = 0;
            w->model.counter += 10;
            note(w, n);
            status = tj_counter_reserve(w->store, NULL, "orders", 10, &first, &error);
        } else {
            status = commit_one(w, n, chance >> 8, &error);
        }
        if (status != TJ_OK) {
            fprintf(stderr, "commit %" PRIu64 ": %s\n", n, error.message);
            return NULL;
        }
    }
    return w;
}

/* What a journal holds, as a model. */
static model model_of(tj_store *store)
{
    model m = {0};
    tj_live_state *state = NULL;
    tj_ledger_list *ledger = NULL;
    tj_ledger_query query = TJ_LEDGER_QUERY_INIT;
    tj_status status = tj_state_load(tj_store_state_repository(store, NULL), &state, &err);
    if (status == TJ_NOT_FOUND) {
        return m;
    }
    assert_int_equal(status, TJ_OK);
    for (size_t i = 0; i < state->open_order_count; i++) {
        const tj_order *order = &state->open_orders[i];
        unsigned long which = strtoul(order->id.data + strlen("order-"), NULL, 10);
        assert_true(which < ORDERS);
        m.orders[which] = order->updated_at;
    }
    for (uint64_t n = state->sequence; m.equity == 0 && n > 0; n--) {
        m.equity =
            tj_decimal_compare(state->portfolio_equity, tj_decimal_int((int64_t)n)) == 0 ? n : 0;
    }
    tj_live_state_free(state);
    assert_ok(tj_ledger_find(tj_store_ledger_repository(store, NULL), &query, &ledger, &err));
    m.ledger_count = ledger->count;
    tj_ledger_list_free(ledger);
    assert_ok(tj_counter_next(store, NULL, "orders", &m.counter, &err));
    return m;
}

static void assert_restored(const fixture *f, const writer *w, const tj_backup_point *point)
{
    char path[PATH_TEXT_SIZE + 16];
    tj_store *store = NULL;
    tj_restore_report *report = NULL;
    tj_config config = TJ_CONFIG_INIT;
    snprintf(path, sizeof path, "%s/restored", f->directory);
    assert_ok(tj_restore(backup_path, path, NULL, &report, &err));
    assert_int_equal(report->sequence, point->sequence);
    assert_true(report->proven && report->digest == point->digest);
    tj_restore_report_free(report);
    config.path = path;
    config.must_exist = true;
    assert_ok(tj_store_open(&config, &store, &err));
    model restored = model_of(store);
    assert_ok(tj_store_close(store, &err));
    if (point->sequence > 0 && model_hash(&restored) != w->after[point->sequence]) {
        fail_msg("restored up to commit %" PRIu64 " it is another state: equity %" PRIu64
                 ", %" PRIu64 " ledger entries, counter %" PRIu64,
                 point->sequence, restored.equity, restored.ledger_count, restored.counter);
    }
    directory_remove(path);
}

/* Backups of one journal; its log grows until each takes long to restore. */
static uint64_t back_up_beside(fixture *f, unsigned rounds)
{
    void *done = NULL;
    writer w = {.model = {.counter = 1}, .after = calloc(COMMITS_MAX, sizeof(uint64_t))};
    tj_backup_point point = {0};
    assert_non_null(w.after);
    small_segments_open(f);
    w.store = f->store;
    assert_int_equal(pthread_create(&w.thread, NULL, write_on, &w), 0);
    for (unsigned i = 0; i < rounds; i++) {
        atomic_store(&w.pause, false);
        usleep(2000);
        backup_compression = i % 3 == 2 ? 1 : 0;
        point = back_up(f->store);
        atomic_store(&w.pause, true);
        assert_ok(tj_backup_verify(backup_path, NULL, NULL, &err));
        assert_restored(f, &w, &point);
    }
    backup_compression = 0;
    atomic_store(&w.stop, true);
    atomic_store(&w.pause, false);
    assert_int_equal(pthread_join(w.thread, &done), 0);
    assert_non_null(done);
    fixture_close(f);
    free(w.after);
    return point.sequence;
}

static void each_is_proven_and_equals_the_model(void **state)
{
    fixture *f = *state;
    unsigned journals = getenv("TJ_LONG") ? 10 : 1;
    uint64_t commits = 0;
    f->config.durability = TJ_DURABILITY_OS;
    for (unsigned i = 0; i < journals; i++) {
        commits += back_up_beside(f, BACKUPS);
        directory_remove(f->path);
        directory_remove(backup_path);
    }
    f->damaged = true; /* nothing is left */
    printf("%u of %u backups beside a writer at full speed are proven and equal the model, in "
           "%" PRIu64 " commits\n",
           journals * BACKUPS, journals * BACKUPS, commits);
}

int main(void)
{
    directory_in_memory();
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(each_is_proven_and_equals_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
