/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Rows in quarantine: their bytes, and what loads make of them. */
#include "commit/fixture.h"

#include "commit/plan.h"
#include "rows/quarantine.h"

static const uint8_t algo_id[16] = {0xaa, 0xbb, [15] = 0x01};

static void put(journal *j, tj__table table, tj__bytes key, const char *reason, const char *raw)
{
    tj__quarantined row = {.table = table,
                           .key = key,
                           .reason = tj_str_of(reason),
                           .raw = tj__bytes_of(raw, strlen(raw))};
    assert_ok(tj__plan_put_quarantine(j->plan, &row, &err));
}

/* The row of one key as it is stored, byte for byte. */
static void bytes_are_pinned(void **state)
{
    (void)state;
    static const uint8_t key[] = {9, 0, 0, 0, 1, 4, 0xaa, 0xbb, 0, 0, 0,
                                  0, 0, 0, 0, 0, 0, 0,    0,    0, 0, 1};
    static const uint8_t value[] = {1, 3, 0, 'w', 'h', 'y', '{', '"', 'x'};
    journal j;
    journal_open(&j);
    put(&j, TJ__TABLE_ALGOS, tj__bytes_of(algo_id, 16), "why", "{\"x");
    journal_commit(&j);
    const tj__rowmap_entry *entry = tj__rowmap_find(j.rows, tj__bytes_of(key, sizeof key));
    assert_non_null(entry);
    assert_int_equal(entry->value_size, sizeof value);
    assert_memory_equal(tj__rowmap_value(entry).data, value, sizeof value);
    journal_close(&j);
}

typedef struct seen {
    size_t count;
    tj__table tables[8];
} seen;

static tj_status see(void *context, const tj__quarantined *row, tj_error *error)
{
    (void)error;
    seen *s = context;
    s->tables[s->count++] = row->table;
    return TJ_OK;
}

static seen scan(const journal *j, unsigned table)
{
    seen s = {0};
    rowmap_source source = journal_source(j);
    assert_ok(tj__quarantine_scan(&source.source, 1, table, see, &s, &err));
    return s;
}

static void rows_are_visited_and_deleted(void **state)
{
    (void)state;
    journal j;
    journal_open(&j);
    tj__bytes none = {NULL, 0};
    put(&j, TJ__TABLE_STATE, none, "r", "s");
    put(&j, TJ__TABLE_ALGOS, tj__bytes_of(algo_id, 16), "r", "a");
    put(&j, TJ__TABLE_ALGOS, tj__bytes_of("no uuid", 7), "r", "");
    journal_commit(&j);
    assert_int_equal(scan(&j, 0).count, 3);
    assert_int_equal(scan(&j, 0).tables[0], TJ__TABLE_STATE);
    assert_int_equal(scan(&j, TJ__TABLE_ALGOS).count, 2);
    assert_int_equal(scan(&j, TJ__TABLE_LEDGER).count, 0);
    assert_ok(tj__plan_delete_quarantine(j.plan, TJ__TABLE_STATE, none, &err));
    journal_commit(&j);
    assert_int_equal(scan(&j, 0).count, 2);
    journal_close(&j);
}

/* A book of which only the bytes of its state came is not an empty one; a saved state is one. */
static void a_state_in_quarantine_fails_the_load(void **state)
{
    (void)state;
    journal j;
    journal_open(&j);
    tj_live_state *loaded = NULL;
    put(&j, TJ__TABLE_STATE, (tj__bytes){NULL, 0}, "it is cut", "{");
    journal_commit(&j);
    rowmap_source source = journal_source(&j);
    assert_int_equal(tj__state_load(&source.source, 1, &loaded, &err), TJ_CORRUPT);
    assert_null(loaded);
    assert_string_equal(err.message,
                        "the live state was imported undecoded and is in quarantine: it is cut; "
                        "`tesser-journal quarantine list` tells more: book \"default\"");
    tj_time time = 5;
    assert_ok(tj__plan_set_candle(j.plan, &time, &err));
    journal_commit(&j);
    source = journal_source(&j);
    assert_ok(tj__state_load(&source.source, 1, &loaded, &err));
    assert_int_equal(loaded->last_candle_ts, 5);
    tj_live_state_free(loaded);
    journal_close(&j);
}

static void algorithms_are_listed_apart(void **state)
{
    (void)state;
    journal j;
    journal_open(&j);
    tj_algo_list *list = NULL;
    tj_algo_record *record = NULL;
    tj_uuid id;
    memcpy(id.bytes, algo_id, sizeof id.bytes);
    put(&j, TJ__TABLE_ALGOS, tj__bytes_of(algo_id, 16), "it is cut", "{\"al");
    journal_commit(&j);
    rowmap_source source = journal_source(&j);
    assert_ok(tj__algo_load_all(&source.source, 1, &list, &err));
    assert_int_equal(list->count, 0);
    assert_int_equal(list->quarantined_count, 1);
    assert_memory_equal(list->quarantined[0].id.bytes, algo_id, 16);
    assert_int_equal(list->quarantined[0].raw.size, 4);
    assert_string_equal(list->quarantined[0].reason.data, "it is cut");
    tj_algo_list_free(list);
    assert_int_equal(tj__algo_load(&source.source, 1, &id, &record, &err), TJ_CORRUPT);
    id.bytes[0] = 0;
    assert_int_equal(tj__algo_load(&source.source, 1, &id, &record, &err), TJ_NOT_FOUND);
    journal_close(&j);
}

static void keys_have_a_limit(void **state)
{
    (void)state;
    journal j;
    char key[TJ__QUARANTINE_KEY_SIZE_MAX + 1];
    char reason[2000];
    journal_open(&j);
    memset(key, 'k', sizeof key);
    memset(reason, 'r', sizeof reason);
    tj__quarantined row = {.table = TJ__TABLE_ALGOS,
                           .key = tj__bytes_of(key, sizeof key),
                           .reason = {reason, sizeof reason}};
    assert_int_equal(tj__plan_put_quarantine(j.plan, &row, &err), TJ_LIMIT);
    assert_string_equal(err.message, "a key of 507 bytes cannot be kept in quarantine; the "
                                     "longest has 506");
    row.key.size--;
    assert_ok(tj__plan_put_quarantine(j.plan, &row, &err));
    journal_commit(&j);
    assert_int_equal(scan(&j, 0).count, 1);
    journal_close(&j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_pinned),
        cmocka_unit_test(rows_are_visited_and_deleted),
        cmocka_unit_test(a_state_in_quarantine_fails_the_load),
        cmocka_unit_test(algorithms_are_listed_apart),
        cmocka_unit_test(keys_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
