/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The ledger: appended whole batches, and found by every member of a query. */
#include "contract.h"

static tj_ledger_list *find(fixture *f, const tj_ledger_query *query)
{
    tj_ledger_list *list = NULL;
    assert_ok(tj_ledger_find(f->ledger, query, &list, &err));
    assert_non_null(list);
    return list;
}

static uint64_t latest(fixture *f)
{
    uint64_t sequence = 99;
    assert_ok(tj_ledger_latest(f->ledger, &sequence, &err));
    return sequence;
}

static void test_nothing_is_stored(fixture *f)
{
    assert_int_equal(latest(f), 0);
    tj_ledger_list *list = find(f, NULL);
    assert_int_equal(list->count, 0);
    tj_ledger_list_free(list);
    uint64_t last = 99;
    assert_ok(tj_ledger_append(f->ledger, NULL, 0, &last, &err));
    assert_int_equal(last, 0);
    assert_int_equal(newest_sequence(f->store), 0);
}

static void test_entries_come_back(fixture *f)
{
    tj_ledger_entry entries[] = {plain_entry(1, "-0.10"), plain_entry(2, "1000000.000000001"),
                                 plain_entry(3, "0")};
    entries[0].reference = TJ_STR("trade-1 \xc3\xa9");
    entries[0].meta = TJ_STR("{ \"n\" : 18446744073709551616, \"n\": 1 }");
    entries[1].exchange = TJ_STR(" KRAKEN ");
    entries[1].asset = (tj_asset){TJ_STR("Kraken"), TJ_STR("xbt")};
    entries[1].type = TJ_LEDGER_TRADE_REALIZED_PNL;
    entries[1].time = INT64_MIN;
    entries[2].time = INT64_MAX;
    entries[2].meta = TJ_STR("null");
    uint64_t last = 0;
    assert_ok(tj_ledger_append(f->ledger, entries, 3, &last, &err));
    assert_int_equal(last, 3);
    entries[1].exchange = TJ_STR("kraken");
    entries[1].asset = identity("kraken:XBT");
    fixture_reopen(f);
    tj_ledger_list *list = find(f, NULL);
    assert_int_equal(list->count, 3);
    for (size_t i = 0; i < 3; i++) {
        entries[i].sequence = i + 1;
        if (i == 2) {
            entries[i].meta = list->entries[i].meta; /* null may mean none */
        }
        same_entry(&list->entries[i], &entries[i]);
    }
    tj_ledger_list_free(list);
    assert_int_equal(latest(f), 3);
}

static void test_sequences(fixture *f)
{
    tj_ledger_entry entries[] = {plain_entry(1, "1"), plain_entry(2, "2"), plain_entry(3, "3")};
    uint64_t last = 0;
    entries[1].sequence = 100;
    assert_ok(tj_ledger_append(f->ledger, entries, 3, &last, &err)); /* 1, 100, 101 */
    assert_int_equal(last, 101);
    entries[0].sequence = 101;
    assert_refused(tj_ledger_append(f->ledger, entries, 1, &last, &err), TJ_CONFLICT,
                   "ledger sequence 101 is not above the newest of book \"default\", 101");
    entries[0].sequence = 7;
    assert_refused(tj_ledger_append(f->ledger, entries, 1, &last, &err), TJ_CONFLICT,
                   "ledger sequence 7 is not above the newest of book \"default\", 101");
    assert_int_equal(last, 101);
    fixture_reopen(f);
    entries[2].id = uuid(4);
    assert_ok(tj_ledger_append(f->ledger, &entries[2], 1, &last, &err));
    assert_int_equal(last, 102);
    entries[0].id = uuid(5);
    entries[0].sequence = UINT64_MAX;
    assert_ok(tj_ledger_append(f->ledger, entries, 1, &last, &err));
    assert_int_equal(last == UINT64_MAX, 1);
    entries[2].id = uuid(6);
    assert_refused(tj_ledger_append(f->ledger, &entries[2], 1, &last, &err), TJ_LIMIT,
                   "has no sequence left");
    assert_int_equal(latest(f) == UINT64_MAX, 1);
}

static void test_a_batch_is_all_or_none(fixture *f)
{
    tj_ledger_entry entries[4];
    for (unsigned i = 0; i < 4; i++) {
        entries[i] = plain_entry(i + 1, "1");
    }
    assert_ok(tj_ledger_append(f->ledger, entries, 1, NULL, &err));
    entries[0].id = uuid(5);
    uint64_t last = 55;
    entries[2].type = (tj_ledger_type)7;
    assert_refused(tj_ledger_append(f->ledger, entries, 4, &last, &err), TJ_INVALID,
                   "entry 3 of 4");
    entries[2] = plain_entry(3, "1");
    entries[1].sequence = 10;
    entries[3].sequence = 10;
    assert_refused(tj_ledger_append(f->ledger, entries, 4, &last, &err), TJ_CONFLICT,
                   "ledger sequence 10");
    assert_int_equal(last, 55);
    assert_int_equal(latest(f), 1);
    assert_int_equal(newest_sequence(f->store), 1);
}

/* A fill that is reported twice is booked once. */
static void test_an_id_is_booked_once(fixture *f)
{
    tj_ledger_entry entries[] = {plain_entry(1, "1"), plain_entry(2, "2"), plain_entry(1, "1")};
    tj_decimal one = decimal("1");
    uint64_t last = 0;
    assert_refused(tj_ledger_append(f->ledger, entries, 3, &last, &err), TJ_EXISTS,
                   "a0000000-0000-0000-0000-000000000001 is stored already, or stands twice");
    assert_int_equal(newest_sequence(f->store), 0);
    assert_ok(tj_ledger_append(f->ledger, entries, 2, &last, &err));
    for (int i = 0; i < 3; i++) { /* at once, when LMDB has it, and after opening */
        tj_txn *txn = begin(f);
        assert_ok(tj_txn_set_portfolio_equity(txn, &one, &err));
        assert_ok(tj_txn_append_ledger(txn, &entries[2], &err));
        assert_refused(tj_txn_commit(txn, NULL, NULL, &err), TJ_EXISTS, "an entry is booked once");
        assert_int_equal(newest_sequence(f->store), 1); /* nor anything else of the commit */
        if (i == 0) {
            assert_ok(tj_store_work(f->store, &err));
        } else {
            fixture_reopen(f);
        }
    }
    assert_int_equal(latest(f), 2);
}

/* What was refused or not appended leaves its id free. */
static void test_an_id_of_a_refused_commit_is_free(fixture *f)
{
    tj_ledger_entry entry = plain_entry(1, "1");
    tj_position position = plain_position("ABC");
    tj_txn *txn = begin(f);
    assert_ok(tj_txn_append_ledger(txn, &entry, &err));
    assert_ok(tj_txn_put_position(txn, (tj_str){0}, &position, &err));
    assert_refused(tj_txn_commit(txn, NULL, NULL, &err), TJ_INVALID, "needs a portfolio");
    assert_ok(tj_ledger_append(f->ledger, &entry, 1, NULL, &err));
}

/* Far more ids than are kept in memory. */
static void test_many_ids(fixture *f)
{
    tj_ledger_entry entries[700];
    for (unsigned batch = 0; batch < 5; batch++) {
        for (unsigned i = 0; i < 700; i++) {
            entries[i] = plain_entry(1 + batch * 700 + i, "1");
        }
        assert_ok(tj_ledger_append(f->ledger, entries, 700, NULL, &err));
        assert_ok(tj_store_work(f->store, &err));
    }
    for (unsigned number = 1; number <= 3500; number += 499) {
        entries[0] = plain_entry(number, "1");
        assert_refused(tj_ledger_append(f->ledger, entries, 1, NULL, &err), TJ_EXISTS, "booked");
    }
    assert_int_equal(latest(f), 3500);
}

static void refuse(fixture *f, tj_ledger_entry entry, tj_status status, const char *text)
{
    assert_refused(tj_ledger_append(f->ledger, &entry, 1, NULL, &err), status, text);
}

static void test_what_is_not_valid_is_refused(fixture *f)
{
    char longest[TJ_REFERENCE_SIZE_MAX + 1];
    memset(longest, 'r', sizeof longest);
    tj_ledger_entry entry = plain_entry(1, "1");
    entry.type = (tj_ledger_type)0;
    refuse(f, entry, TJ_INVALID, "type");
    entry = plain_entry(1, "1");
    entry.exchange = TJ_STR("");
    refuse(f, entry, TJ_INVALID, "exchange");
    entry = plain_entry(1, "1");
    entry.asset.code = TJ_STR("");
    refuse(f, entry, TJ_INVALID, "asset");
    entry = plain_entry(1, "1");
    entry.amount = (tj_decimal){{UINT64_MAX, UINT64_MAX}};
    refuse(f, entry, TJ_INVALID, "amount");
    entry = plain_entry(1, "1");
    entry.meta = TJ_STR("{");
    refuse(f, entry, TJ_INVALID, "meta");
    entry.meta = (tj_str){0};
    entry.reference = (tj_str){longest, sizeof longest};
    refuse(f, entry, TJ_LIMIT, "reference");
    entry.reference.size--;
    assert_ok(tj_ledger_append(f->ledger, &entry, 1, NULL, &err));
    tj_ledger_list *list = find(f, NULL);
    same_text("reference", list->entries[0].reference, entry.reference);
    tj_ledger_list_free(list);
}

/* ---- queries ------------------------------------------------------------------------------- */

#define ENTRY_COUNT 120

/* Entries with few different values in each member, and with equal times. */
static void fill(fixture *f, tj_ledger_entry *entries)
{
    static const char *const exchanges[] = {"binance_perp", "kraken"};
    static const char *const assets[] = {"USDT", "kraken:USDT", "BTC"};
    uint64_t sequence = 0;
    for (unsigned i = 0; i < ENTRY_COUNT; i++) {
        entries[i] = plain_entry(i, i % 2 ? "1.5" : "-2");
        entries[i].exchange = tj_str_of(exchanges[random_below(2)]);
        entries[i].asset = identity(assets[random_below(3)]);
        entries[i].type = (tj_ledger_type)(1 + random_below(6));
        entries[i].time = (tj_time)random_below(20) - 10;
        sequence += 1 + random_below(3);
        entries[i].sequence = sequence;
    }
    size_t half = ENTRY_COUNT / 2;
    assert_ok(tj_ledger_append(f->ledger, entries, half, NULL, &err));
    assert_ok(tj_ledger_append(f->ledger, entries + half, half, NULL, &err));
}

static bool matches(const tj_ledger_query *query, const tj_ledger_entry *entry)
{
    return (query->exchange.size == 0 || tj_str_equal(query->exchange, entry->exchange)) &&
           (query->asset.code.size == 0 || tj_identity_compare(query->asset, entry->asset) == 0) &&
           (query->type == 0 || query->type == entry->type) &&
           entry->sequence >= query->sequence_first &&
           (query->sequence_last == 0 || entry->sequence <= query->sequence_last) &&
           (!query->has_time_first || entry->time >= query->time_first) &&
           (!query->has_time_last || entry->time <= query->time_last);
}

static bool by_time;

static int compare_entries(const void *left, const void *right)
{
    const tj_ledger_entry *a = left;
    const tj_ledger_entry *b = right;
    if (by_time && a->time != b->time) {
        return a->time < b->time ? -1 : 1;
    }
    return a->sequence < b->sequence ? -1 : 1;
}

/* The same query, answered the slow way. */
static void check_query(fixture *f, const tj_ledger_entry *entries, const tj_ledger_query *query)
{
    tj_ledger_entry expected[ENTRY_COUNT];
    size_t count = 0;
    for (size_t i = 0; i < ENTRY_COUNT; i++) {
        if (matches(query, &entries[i])) {
            expected[count++] = entries[i];
        }
    }
    by_time = query->by_time;
    qsort(expected, count, sizeof *expected, compare_entries);
    tj_ledger_list *list = find(f, query);
    size_t limited = query->limit != 0 && query->limit < count ? query->limit : count;
    assert_int_equal(list->count, limited);
    for (size_t i = 0; i < limited; i++) {
        same_entry(&list->entries[i], &expected[query->descending ? count - 1 - i : i]);
    }
    tj_ledger_list_free(list);
}

static tj_ledger_query random_query(void)
{
    tj_ledger_query query = TJ_LEDGER_QUERY_INIT;
    if (random_below(4) == 0) {
        query.exchange = random_bool() ? TJ_STR("kraken") : TJ_STR("bybit");
    }
    if (random_below(4) == 0) {
        query.asset = random_bool() ? identity("kraken:USDT") : identity("USDT");
    }
    query.type = random_below(4) == 0 ? (tj_ledger_type)(1 + random_below(6)) : (tj_ledger_type)0;
    query.sequence_first = random_bool() ? random_below(250) : 0;
    query.sequence_last = random_bool() ? random_below(250) : 0;
    query.has_time_first = random_bool();
    query.time_first = (tj_time)random_below(24) - 12;
    query.has_time_last = random_bool();
    query.time_last = (tj_time)random_below(24) - 12;
    query.limit = random_bool() ? random_below(10) : 0;
    query.descending = random_bool();
    query.by_time = random_bool();
    return query;
}

static void test_queries(fixture *f)
{
    tj_ledger_entry entries[ENTRY_COUNT];
    fill(f, entries);
    for (int round = 0; round < 300; round++) {
        tj_ledger_query query = random_query();
        check_query(f, entries, &query);
    }
    fixture_reopen(f);
    for (int round = 0; round < 100; round++) {
        tj_ledger_query query = random_query();
        check_query(f, entries, &query);
    }
}

static void test_each_filter_alone(fixture *f)
{
    tj_ledger_entry entries[ENTRY_COUNT];
    fill(f, entries);
    check_query(f, entries, &(tj_ledger_query)TJ_LEDGER_QUERY_INIT);
    tj_ledger_query queries[12];
    for (size_t i = 0; i < 12; i++) {
        queries[i] = (tj_ledger_query)TJ_LEDGER_QUERY_INIT;
    }
    queries[0].exchange = TJ_STR("kraken");
    queries[1].asset = identity("kraken:USDT");
    queries[2].asset = identity("USDT"); /* without an exchange is another asset */
    queries[3].type = TJ_LEDGER_FUNDING;
    queries[4].sequence_first = entries[10].sequence;
    queries[5].sequence_last = entries[10].sequence;
    queries[6].has_time_first = true;
    queries[7].has_time_last = true;
    queries[8].limit = 1;
    queries[9].descending = true;
    queries[10].by_time = true;
    queries[11].by_time = queries[11].descending = true;
    queries[11].limit = 5;
    for (size_t i = 0; i < 12; i++) {
        check_query(f, entries, &queries[i]);
    }
    assert_int_equal(latest(f), entries[ENTRY_COUNT - 1].sequence);
}

static void test_a_query_knows_names_in_any_case(fixture *f)
{
    tj_ledger_entry entry = plain_entry(1, "1");
    assert_ok(tj_ledger_append(f->ledger, &entry, 1, NULL, &err));
    tj_ledger_query query = TJ_LEDGER_QUERY_INIT;
    query.exchange = TJ_STR(" Binance_Perp ");
    query.asset.code = TJ_STR("usdt");
    tj_ledger_list *list = find(f, &query);
    assert_int_equal(list->count, 1);
    tj_ledger_list_free(list);
}

static const contract_case cases[] = {
    CASE(test_nothing_is_stored),
    CASE(test_entries_come_back),
    CASE(test_sequences),
    CASE(test_a_batch_is_all_or_none),
    CASE(test_an_id_is_booked_once),
    CASE(test_an_id_of_a_refused_commit_is_free),
    CASE(test_many_ids),
    CASE(test_what_is_not_valid_is_refused),
    CASE(test_queries),
    CASE(test_each_filter_alone),
    CASE(test_a_query_knows_names_in_any_case),
};

CONTRACT_MAIN("ledger", cases)
