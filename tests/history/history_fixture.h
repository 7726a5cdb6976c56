/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A random history: several books, orders that come and go, a ledger, algorithms, quarantine,
 * counters, commit ids; and what the live state was after each commit, as a digest of all rows.
 */
#ifndef TJ_TESTS_HISTORY_FIXTURE_H
#define TJ_TESTS_HISTORY_FIXTURE_H

#include "journal/journal_fixture.h"

#include "base/random.h"
#include <tesser/history.h>

#include "commit/plan.h"
#include "history/base_chain.h"
#include "history/digest.h"
#include "history/keys.h"
#include "history/past.h"
#include "history/seek.h"
#include "store/store.h"

#define HISTORY_COMMITS_MAX 20000
#define HISTORY_ORDERS 25
#define HISTORY_ALGOS 12

typedef struct history {
    char log_path[PATH_TEXT_SIZE + 16];
    char history_path[PATH_TEXT_SIZE + 16];
    tj__past_source source; /* of its log and bases */
    tj__base_place place;
    uint64_t last;                        /* newest commit */
    tj__digest live[HISTORY_COMMITS_MAX]; /* by sequence */
    tj_time times[HISTORY_COMMITS_MAX];
} history;

static inline void history_begin(fixture *f, history *h)
{
    tj_store_info info = TJ_STORE_INFO_INIT;
    memset(h, 0, sizeof *h);
    f->config.lmdb.segment_size_bytes = TJ_SEGMENT_SIZE_MIN;
    f->config.durability = TJ_DURABILITY_OS;
    fixture_open(f);
    assert_ok(tj_store_info_get(f->store, &info, &err));
    snprintf(h->log_path, sizeof h->log_path, "%s/log", f->path);
    snprintf(h->history_path, sizeof h->history_path, "%s/history", f->path);
    h->source = (tj__past_source){.log_path = h->log_path,
                                  .journal_id = info.journal_id,
                                  .first_segment = 1,
                                  .history_path = h->history_path};
    h->place = (tj__base_place){
        .log_path = h->log_path, .directory = h->history_path, .journal_id = info.journal_id};
}

static inline void history_put_orders(tj_txn *txn, uint64_t n)
{
    char text[900];
    for (unsigned i = 0; i <= random_below(3); i++) {
        char id[32];
        snprintf(id, sizeof id, "order-%u", random_below(HISTORY_ORDERS));
        tj_order order = plain_order(id);
        order.updated_at = (tj_time)n;
        snprintf(text, sizeof text, "{\"why\":\"%0*u\"}", (int)(1 + random_below(800)), i);
        order.extra = tj_str_of(text);
        assert_ok(random_below(4) == 0 ? tj_txn_delete_order(txn, order.id, &err)
                                       : tj_txn_put_order(txn, &order, &err));
    }
}

static inline void history_put_rest(tj_txn *txn, uint64_t n)
{
    tj_uuid id = uuid(random_below(HISTORY_ALGOS));
    tj_algo_state algo = {TJ_STR("TWAP"), TJ_STR("{\"slices\": [1, 2, 3]}")};
    tj_ledger_entry entry = plain_entry((unsigned)n, "1.50");
    unsigned what = random_below(6);
    if (what == 0) {
        assert_ok(tj_txn_delete_algo(txn, &id, &err));
    } else if (what < 3) {
        assert_ok(tj_txn_put_algo(txn, &id, &algo, &err));
    }
    if (random_below(3) == 0) {
        assert_ok(tj_txn_append_ledger(txn, &entry, &err));
    }
}

static inline void history_quarantine(fixture *f, uint64_t n)
{
    tj__plan *plan = tj__plan_new();
    tj__quarantined row = {.table = TJ__TABLE_ALGOS,
                           .key = tj__bytes_of(&n, sizeof n),
                           .reason = TJ_STR("not JSON"),
                           .raw = tj__bytes_of("{", 1)};
    assert_non_null(plan);
    assert_ok(tj__plan_use_book(plan, TJ_STR("default"), &err));
    assert_ok(tj__plan_put_quarantine(plan, &row, &err));
    assert_ok(tj__store_commit(f->store, plan, NULL, NULL, &err));
    tj__plan_free(plan);
}

static const char *const history_books[] = {"default", "arbitrage", "hedge"};

/* Goes back to a commit of before; false: that changes nothing, or the book was not there. */
static inline bool history_roll_back(fixture *f, uint64_t n)
{
    tj_rollback_report *report = NULL;
    tj_moment to = {.sequence = 1 + random_below((unsigned)n - 1)};
    tj_status status =
        tj_state_rollback(tj_store_state_repository(f->store, history_books[random_below(3)]), to,
                          NULL, &report, &err);
    assert_true(status == TJ_OK || status == TJ_NOT_FOUND);
    bool changed = status == TJ_OK && report->sequence > 0;
    tj_rollback_report_free(report);
    return changed;
}

static inline void history_commit(fixture *f, uint64_t n)
{
    tj_txn *txn = NULL;
    tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;
    tj_decimal equity = tj_decimal_int((int64_t)n); /* so that no commit changes nothing */
    if (n == 2 || n == 3) {
        assert_ok(tj_store_book_create(f->store, history_books[n - 1], &err));
        return;
    }
    if (n > 1 && random_below(20) == 0) {
        history_quarantine(f, n);
        return;
    }
    if (n > 3 && random_below(30) == 0 && history_roll_back(f, n)) {
        return;
    }
    assert_ok(tj_txn_begin(f->store, &txn, &err));
    assert_ok(tj_txn_use_book(txn, history_books[n == 1 ? 0 : random_below(3)], &err));
    history_put_orders(txn, n);
    history_put_rest(txn, n);
    assert_ok(tj_txn_set_portfolio_equity(txn, &equity, &err));
    if (random_below(4) == 0) {
        options.commit_id = uuid((unsigned)n);
    }
    assert_ok(tj_txn_commit(txn, &options, NULL, &err));
}

static inline tj__digest live_digest(fixture *f)
{
    tj__reading reading;
    tj__digest digest;
    assert_ok(tj__reading_begin(&reading, f->store, "default", &err));
    assert_ok(tj__digest_rows(reading.rows, &digest, &err));
    tj__reading_end(&reading);
    return digest;
}

/* Commits that are noted, up to `last`. */
static inline void history_go_on(fixture *f, history *h, uint64_t last)
{
    assert_true(last < HISTORY_COMMITS_MAX);
    while (h->last < last) {
        history_commit(f, ++h->last);
        tj_store_info info = TJ_STORE_INFO_INIT;
        assert_ok(tj_store_info_get(f->store, &info, &err));
        assert_int_equal(info.sequence, h->last);
        h->times[h->last] = info.sequence_time;
        h->live[h->last] = live_digest(f);
    }
}

/* A journal of so many commits that nobody has open. */
static inline void history_make(fixture *f, history *h, uint64_t last)
{
    random_start();
    f->config.lmdb.lag_ms = NEVER_MS;
    history_begin(f, h);
    history_go_on(f, h, last);
    fixture_close(f);
}

/* The bases that are due, of both kinds. */
static inline uint32_t build_bases(const history *h)
{
    uint32_t built = 0;
    tj__base_chain chains[TJ__BASE_KINDS] = {{0}};
    mkdir(h->history_path, 0700);
    assert_ok(tj__base_chains_extend(&h->place, h->source.first_segment, 0, chains, &built, &err));
    return built;
}

static inline uint32_t build_keys(const history *h)
{
    uint32_t built = 0;
    uint64_t known = 0;
    assert_ok(
        tj__keys_extend(&h->place, h->source.first_segment, UINT64_MAX, 0, &known, &built, &err));
    return built;
}

/* The tables that stand in bases, or all. */
static inline uint64_t based_tables(void)
{
    return tj__base_tables(TJ__BASE_STATE) | tj__base_tables(TJ__BASE_ALGOS);
}

static inline void assert_digest(const tj__digest *is, const tj__digest *live, uint64_t tables,
                                 uint64_t sequence)
{
    for (uint8_t table = 0; table <= TJ__TABLE_LAST; table++) {
        if ((tables & TJ__DIGEST_TABLES & TJ__TABLE_BIT(table)) &&
            (is->rows[table] != live->rows[table] ||
             is->checksums[table] != live->checksums[table])) {
            fail_msg("commit %" PRIu64 ": %s has %" PRIu64 " rows, it had %" PRIu64, sequence,
                     tj__table_name(table), is->rows[table], live->rows[table]);
        }
    }
}

static inline void assert_past(const history *h, uint64_t sequence, uint64_t tables)
{
    tj__row_source *rows = NULL;
    tj__digest digest;
    assert_ok(tj__past_begin(&h->source, sequence, tables, &rows, &err));
    assert_ok(tj__digest_rows(rows, &digest, &err));
    assert_digest(&digest, &h->live[sequence], tables, sequence);
    tj__past_end(rows);
}

#endif
