/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Ledger entries: numbers, and queries against a plain filter over all of them. */
#include "commit/fixture.h"

#include "support/random_state.h"

static tj_ledger_entry booked_entry(uint64_t sequence)
{
    return (tj_ledger_entry){.id = {{1}},
                             .sequence = sequence,
                             .time = 5,
                             .exchange = TJ_STR("Kraken"),
                             .asset = identity("kraken:usdt"),
                             .amount = decimal("-1.50"),
                             .type = TJ_LEDGER_FUNDING,
                             .reference = TJ_STR("r"),
                             .meta = TJ_STR("{ \"a\" : 1 }")};
}

static void append(journal *j, uint64_t sequence)
{
    tj_ledger_entry entry = booked_entry(sequence);
    assert_ok(tj__plan_append_ledger(j->plan, &entry, &err));
}

static void append_new(journal *j, uint64_t sequence)
{
    tj_ledger_entry entry = booked_entry(sequence);
    entry.id = tj_uuid_generate();
    assert_ok(tj__plan_append_ledger(j->plan, &entry, &err));
}

static void test_numbers(void **context)
{
    (void)context;
    journal j;
    journal_open(&j);
    append_new(&j, 0);
    append_new(&j, 0);
    assert_int_equal(journal_commit(&j), 1 + 4);
    assert_int_equal(j.resolved.ledger_last, 2);
    append_new(&j, 10);
    append_new(&j, 0);
    assert_int_equal(journal_commit(&j), 4);
    assert_int_equal(j.resolved.ledger_last, 11);
    append_new(&j, 0);
    append_new(&j, 12);
    journal_refuse(&j, NULL, TJ_CONFLICT,
                   "ledger sequence 12 is not above the newest of book \"default\", 12");
    append_new(&j, 11);
    journal_refuse(&j, NULL, TJ_CONFLICT,
                   "ledger sequence 11 is not above the newest of book \"default\", 11");
    append_new(&j, UINT64_MAX);
    journal_commit(&j);
    append_new(&j, 0);
    journal_refuse(&j, NULL, TJ_LIMIT, "the ledger of book \"default\" has no sequence left");
    rowmap_source source = journal_source(&j);
    uint64_t last = 0;
    assert_ok(tj__ledger_latest(&source.source, 1, &last, &err));
    assert_true(last == UINT64_MAX);
    assert_ok(tj__ledger_latest(&source.source, 2, &last, &err));
    assert_int_equal(last, 0);
    journal_close(&j);
}

static void test_an_entry_comes_back(void **context)
{
    (void)context;
    journal j;
    journal_open(&j);
    append(&j, 3);
    journal_commit(&j);
    rowmap_source source = journal_source(&j);
    tj_ledger_list *list = NULL;
    assert_ok(tj__ledger_find(&source.source, 1, NULL, &list, &err));
    assert_int_equal(list->count, 1);
    tj_ledger_entry expected = booked_entry(3);
    expected.exchange = TJ_STR("kraken");
    expected.asset = identity("kraken:USDT");
    tj_text a = {0};
    tj_text b = {0};
    assert_ok(tj_ledger_entry_to_json(&list->entries[0], &a, &err));
    assert_ok(tj_ledger_entry_to_json(&expected, &b, &err));
    assert_string_equal(a.data, b.data);
    tj_text_dispose(&a);
    tj_text_dispose(&b);
    tj_ledger_list_free(list);
    journal_close(&j);
}

/* ---- queries --------------------------------------------------------------------------------- */

#define ENTRY_COUNT 700

typedef struct filled {
    journal j;
    tj_ledger_entry entries[ENTRY_COUNT]; /* by sequence: i + 1 */
} filled;

static tj__arena *arena;

static void fill(filled *f)
{
    for (size_t i = 0; i < ENTRY_COUNT; i++) {
        f->entries[i] = random_ledger_entry(arena);
        f->entries[i].time = (tj_time)random_below(100) - 50;
        assert_ok(tj__plan_append_ledger(f->j.plan, &f->entries[i], &err));
        f->entries[i].sequence = i + 1;
    }
    journal_commit(&f->j);
}

static bool asked_for(const tj_ledger_query *q, const tj_ledger_entry *e)
{
    return e->sequence >= q->sequence_first &&
           (q->sequence_last == 0 || e->sequence <= q->sequence_last) &&
           (!q->has_time_first || e->time >= q->time_first) &&
           (!q->has_time_last || e->time <= q->time_last) && (q->type == 0 || e->type == q->type) &&
           (!q->exchange.data || tj_str_equal(q->exchange, e->exchange)) &&
           (!q->asset.code.data || tj_identity_compare(q->asset, e->asset) == 0);
}

static int by_time(const void *a, const void *b)
{
    const tj_ledger_entry *left = a;
    const tj_ledger_entry *right = b;
    if (left->time != right->time) {
        return left->time < right->time ? -1 : 1;
    }
    return left->sequence < right->sequence ? -1 : 1;
}

/* Sequences that a query must give, in order; returns how many. */
static size_t filter(const filled *f, const tj_ledger_query *q, uint64_t *sequences)
{
    static tj_ledger_entry found[ENTRY_COUNT];
    size_t count = 0;
    for (size_t i = 0; i < ENTRY_COUNT; i++) {
        if (asked_for(q, &f->entries[i])) {
            found[count++] = f->entries[i];
        }
    }
    if (q->by_time) {
        qsort(found, count, sizeof *found, by_time);
    }
    for (size_t i = 0; i < count; i++) {
        sequences[i] = found[q->descending ? count - 1 - i : i].sequence;
    }
    return q->limit > 0 && count > q->limit ? q->limit : count;
}

static tj_ledger_query random_query(void)
{
    tj_ledger_query q = TJ_LEDGER_QUERY_INIT;
    q.exchange = random_below(3) == 0 ? TJ_STR("kraken") : (tj_str){0};
    if (random_below(4) == 0) {
        q.asset = random_identity(arena, random_below(4));
    }
    q.type = random_below(4) == 0 ? (tj_ledger_type)(1 + random_below(6)) : (tj_ledger_type)0;
    q.sequence_first = random_below(3) == 0 ? random_below(ENTRY_COUNT) : 0;
    q.sequence_last = random_below(3) == 0 ? random_below(ENTRY_COUNT) : 0;
    q.has_time_first = random_below(3) == 0;
    q.time_first = (tj_time)random_below(100) - 50;
    q.has_time_last = random_below(3) == 0;
    q.time_last = (tj_time)random_below(100) - 50;
    q.limit = random_below(2) == 0 ? random_below(20) : 0;
    q.descending = random_bool();
    q.by_time = random_bool();
    return q;
}

static void test_random_queries(void **context)
{
    (void)context;
    static filled f;
    static uint64_t expected[ENTRY_COUNT];
    void *object = NULL;
    arena = tj__arena_new(1, &object);
    random_start();
    journal_open(&f.j);
    fill(&f);
    rowmap_source source = journal_source(&f.j);
    for (int round = 0; round < 500; round++) {
        tj_ledger_query query = random_query();
        tj_ledger_list *list = NULL;
        size_t count = filter(&f, &query, expected);
        assert_ok(tj__ledger_find(&source.source, 1, &query, &list, &err));
        assert_int_equal(list->count, count);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(list->entries[i].sequence, expected[i]);
        }
        tj_ledger_list_free(list);
    }
    journal_close(&f.j);
    tj__arena_free_object(object);
}

static void test_a_limit_ends_the_scan(void **context)
{
    (void)context;
    static filled f;
    void *object = NULL;
    arena = tj__arena_new(1, &object);
    random_start();
    journal_open(&f.j);
    fill(&f);
    rowmap_source source = journal_source(&f.j);
    tj_ledger_query query = TJ_LEDGER_QUERY_INIT;
    tj_ledger_list *list = NULL;
    query.limit = 5;
    query.descending = true;
    assert_ok(tj__ledger_find(&source.source, 1, &query, &list, &err));
    assert_int_equal(list->entries[0].sequence, ENTRY_COUNT);
    assert_int_equal(source.visit_count, 5);
    tj_ledger_list_free(list);
    query.by_time = true;
    source.visit_count = 0;
    assert_ok(tj__ledger_find(&source.source, 1, &query, &list, &err));
    assert_int_equal(list->count, 5);
    assert_true(source.visit_count <= 256);
    tj_ledger_list_free(list);
    query.exchange = TJ_STR("a:b");
    assert_int_equal(tj__ledger_find(&source.source, 1, &query, &list, &err), TJ_INVALID);
    assert_null(list);
    journal_close(&f.j);
    tj__arena_free_object(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_an_entry_comes_back),
        cmocka_unit_test(test_random_queries),
        cmocka_unit_test(test_a_limit_ends_the_scan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
