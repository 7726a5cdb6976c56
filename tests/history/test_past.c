/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* P14: the state at every sequence against what was live then. */
#include "journal/journal_fixture.h"

#include "base/random.h"
#include "history/digest.h"
#include "history/past.h"
#include "rows/load.h"

#define COMMITS 120
#define ORDERS 20

static void commit_something(fixture *f, unsigned n)
{
    tj_txn *txn = NULL;
    char id[32];
    snprintf(id, sizeof id, "order-%u", random_below(ORDERS));
    tj_order order = plain_order(id);
    order.updated_at = n;
    tj_ledger_entry entry = plain_entry(n, "1.50");
    assert_ok(tj_txn_begin(f->store, &txn, &err));
    if (random_below(4) == 0) {
        assert_ok(tj_txn_delete_order(txn, tj_str_of(id), &err));
    } else {
        assert_ok(tj_txn_put_order(txn, &order, &err));
    }
    if (random_below(3) == 0) {
        assert_ok(tj_txn_append_ledger(txn, &entry, &err));
    }
    tj_decimal equity = tj_decimal_int(n); /* so that it is never a commit that changes nothing */
    assert_ok(tj_txn_set_portfolio_equity(txn, &equity, &err));
    assert_ok(tj_txn_commit(txn, NULL, NULL, &err));
}

static tj_text json_of(tj_live_state *state)
{
    tj_text json = {0};
    assert_ok(tj_live_state_to_json(state, &json, &err));
    tj_live_state_free(state);
    return json;
}

static tj_text live_json(fixture *f)
{
    tj_live_state *state = NULL;
    assert_ok(tj_state_load(tj_store_state_repository(f->store, NULL), &state, &err));
    return json_of(state);
}

static tj_text past_json(tj__row_source *rows)
{
    tj_live_state *state = NULL;
    uint32_t book = 0;
    assert_ok(tj__book_find(rows, TJ_STR("default"), &book, &err));
    assert_ok(tj__state_load(rows, book, &state, &err));
    return json_of(state);
}

static tj__past_source source_of(fixture *f, char log_path[PATH_TEXT_SIZE + 8])
{
    tj_store_info info = TJ_STORE_INFO_INIT;
    assert_ok(tj_store_info_get(f->store, &info, &err));
    snprintf(log_path, PATH_TEXT_SIZE + 8, "%s/log", f->path);
    return (tj__past_source){
        .log_path = log_path, .journal_id = info.journal_id, .first_segment = 1};
}

static void every_state_comes_back(void **state)
{
    fixture *f = *state;
    tj_text live[COMMITS + 1] = {{0}};
    char log_path[PATH_TEXT_SIZE + 8];
    random_start();
    fixture_open(f);
    for (unsigned n = 1; n <= COMMITS; n++) {
        commit_something(f, n);
        live[n] = live_json(f);
    }
    tj__past_source source = source_of(f, log_path);
    for (unsigned n = 1; n <= COMMITS; n++) {
        tj__row_source *rows = NULL;
        assert_ok(tj__past_begin(&source, n, TJ__TABLES_ALL, &rows, &err));
        assert_int_equal(rows->sequence, n);
        tj_text past = past_json(rows);
        assert_string_equal(past.data, live[n].data);
        tj_text_dispose(&past);
        tj__past_end(rows);
    }
    for (unsigned n = 1; n <= COMMITS; n++) {
        tj_text_dispose(&live[n]);
    }
    fixture_close(f);
}

static void a_commit_that_is_not_there_is_an_error(void **state)
{
    fixture *f = *state;
    char log_path[PATH_TEXT_SIZE + 8];
    tj__row_source *rows = NULL;
    fixture_open(f);
    commit_something(f, 1);
    tj__past_source source = source_of(f, log_path);
    assert_int_equal(tj__past_begin(&source, 2, TJ__TABLES_ALL, &rows, &err), TJ_CORRUPT);
    assert_non_null(strstr(err.message, "commit 2 was asked for"));
    assert_null(rows);
    source.first_segment = 2;
    assert_int_equal(tj__past_begin(&source, 1, TJ__TABLES_ALL, &rows, &err), TJ_NOT_FOUND);
    fixture_close(f);
}

/* Two states that differ in one row have different digests; the same rows, the same. */
static void a_digest_sees_one_row(void **state)
{
    fixture *f = *state;
    char log_path[PATH_TEXT_SIZE + 8];
    tj__digest digests[2];
    fixture_open(f);
    for (unsigned n = 1; n <= 20; n++) {
        commit_something(f, n);
    }
    tj__past_source source = source_of(f, log_path);
    for (unsigned i = 0; i < 3; i++) {
        tj__row_source *rows = NULL;
        assert_ok(tj__past_begin(&source, i < 2 ? 20 : 19, TJ__TABLES_ALL, &rows, &err));
        assert_ok(tj__digest_rows(rows, &digests[i > 0], &err));
        tj__past_end(rows);
        if (i > 0) {
            uint8_t table = tj__digest_differs(&digests[0], &digests[1]);
            assert_int_equal(table, i == 1 ? 0 : TJ__TABLE_STATE);
            assert_true((tj__digest_value(&digests[0]) == tj__digest_value(&digests[1])) ==
                        (i == 1));
        }
    }
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(every_state_comes_back),
        JOURNAL_TEST(a_commit_that_is_not_there_is_an_error),
        JOURNAL_TEST(a_digest_sees_one_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
