/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Algorithms: their payloads come back byte for byte. */
#include "contract.h"

static void save(fixture *f, unsigned number, const char *plugin, const char *payload)
{
    tj_uuid id = uuid(number);
    tj_algo_state state = {tj_str_of(plugin), tj_str_of(payload)};
    assert_ok(tj_algo_save(f->algos, &id, &state, &err));
}

static void assert_algo(fixture *f, unsigned number, const char *plugin, const char *payload)
{
    tj_uuid id = uuid(number);
    tj_algo_record *record = NULL;
    assert_ok(tj_algo_load(f->algos, &id, &record, &err));
    assert_int_equal(tj_uuid_compare(record->id, id), 0);
    same_text("plugin", record->state.plugin, tj_str_of(plugin));
    same_text("payload", record->state.payload, tj_str_of(payload));
    tj_algo_record_free(record);
}

static void assert_missing(fixture *f, unsigned number)
{
    tj_uuid id = uuid(number);
    char text[TJ_UUID_TEXT_SIZE];
    tj_uuid_format(id, text);
    tj_algo_record *record = (tj_algo_record *)&id;
    assert_refused(tj_algo_load(f->algos, &id, &record, &err), TJ_NOT_FOUND, text);
    assert_null(record);
}

static void test_nothing_is_stored(fixture *f)
{
    tj_algo_list *list = NULL;
    assert_missing(f, 1);
    assert_ok(tj_algo_load_all(f->algos, &list, &err));
    assert_int_equal(list->count, 0);
    assert_int_equal(list->quarantined_count, 0);
    tj_algo_list_free(list);
}

static void test_payloads_come_back_byte_for_byte(fixture *f)
{
    static const char *const payloads[] = {
        "{}",
        "null",
        "true",
        "\"text\"",
        "-0.0e-0",
        "18446744073709551616",
        "{\"id\":18446744073709551616,\"big\":123456789012345678901234567890.10}",
        " \n\t{ \"a\" : [ 1 , 2.50 ] }\r\n ",
        "{\"BTCUSDT\":\"1.10\",\"BTCUSDT\":\"2.20\"}",
        "[\"\\u00e9\",\"\xc3\xa9\",\"\\/\",\"/\"]",
        "[[[[[[[[[[{\"deep\":[]}]]]]]]]]]]",
    };
    size_t count = sizeof payloads / sizeof payloads[0];
    for (unsigned i = 0; i < count; i++) {
        save(f, i, "TWAP", payloads[i]);
        assert_algo(f, i, "TWAP", payloads[i]);
    }
    fixture_reopen(f);
    for (unsigned i = 0; i < count; i++) {
        assert_algo(f, i, "TWAP", payloads[i]);
    }
}

static void test_a_save_replaces(fixture *f)
{
    save(f, 1, "twap", "1");
    save(f, 1, "iceberg \xc3\xa9", "{\"n\":2}");
    assert_algo(f, 1, "iceberg \xc3\xa9", "{\"n\":2}");
    assert_int_equal(newest_sequence(f->store), 2);
}

static void test_all_are_sorted_by_id(fixture *f)
{
    unsigned numbers[50];
    for (unsigned i = 0; i < 50; i++) {
        numbers[i] = i * 37 % 50;
        save(f, numbers[i], "twap", i % 2 ? "1" : "[2]");
    }
    tj_algo_list *list = NULL;
    assert_ok(tj_algo_load_all(f->algos, &list, &err));
    assert_int_equal(list->count, 50);
    assert_int_equal(list->quarantined_count, 0);
    for (unsigned i = 0; i < 50; i++) {
        tj_uuid id = uuid(i);
        assert_int_equal(tj_uuid_compare(list->records[i].id, id), 0);
    }
    tj_algo_list_free(list);
}

static void test_deleting(fixture *f)
{
    save(f, 1, "twap", "1");
    save(f, 2, "twap", "2");
    tj_uuid id = uuid(1);
    assert_ok(tj_algo_delete(f->algos, &id, &err));
    assert_missing(f, 1);
    assert_algo(f, 2, "twap", "2");
    assert_ok(tj_algo_delete(f->algos, &id, &err)); /* again, as in Tesser's stores */
    assert_missing(f, 1);
    fixture_reopen(f);
    assert_missing(f, 1);
    save(f, 1, "twap", "3");
    assert_algo(f, 1, "twap", "3");
}

static void test_any_uuid_is_a_key(fixture *f)
{
    tj_uuid ids[] = {{{0}}, {{0}}};
    memset(ids[1].bytes, 0xff, sizeof ids[1].bytes);
    tj_algo_state state = {TJ_STR("twap"), TJ_STR("1")};
    for (int i = 0; i < 2; i++) {
        assert_ok(tj_algo_save(f->algos, &ids[i], &state, &err));
        tj_algo_record *record = NULL;
        assert_ok(tj_algo_load(f->algos, &ids[i], &record, &err));
        tj_algo_record_free(record);
    }
    tj_algo_list *list = NULL;
    assert_ok(tj_algo_load_all(f->algos, &list, &err));
    assert_int_equal(list->count, 2);
    assert_int_equal(tj_uuid_compare(list->records[1].id, ids[1]), 0);
    tj_algo_list_free(list);
}

static void refuse(fixture *f, tj_algo_state state, tj_status status, const char *text)
{
    tj_uuid id = uuid(1);
    assert_refused(tj_algo_save(f->algos, &id, &state, &err), status, text);
    tj_txn *txn = begin(f);
    assert_refused(tj_txn_put_algo(txn, &id, &state, &err), status, text);
    tj_txn_abort(txn);
}

static void test_what_is_not_valid_is_refused(fixture *f)
{
    char longest[TJ_PLUGIN_SIZE_MAX + 1];
    memset(longest, 'p', sizeof longest);
    tj_algo_state state = {TJ_STR("twap"), TJ_STR("{\"a\":1")};
    save(f, 1, "twap", "{\"kept\":1}");
    refuse(f, state, TJ_INVALID, "payload");
    static const char *const payloads[] = {"",    "{",   "{'a':1}",  "[1,]",     "nul",
                                           "01",  "1 2", "\"\x01\"", "\"\xff\"", "{\"a\"}",
                                           "NaN", "+1",  "1.",       ".5",       "\"\\ud800\""};
    for (size_t i = 0; i < sizeof payloads / sizeof payloads[0]; i++) {
        state.payload = tj_str_of(payloads[i]);
        refuse(f, state, TJ_INVALID, "payload");
    }
    state.payload = (tj_str){0};
    refuse(f, state, TJ_INVALID, "payload");
    state = (tj_algo_state){TJ_STR(""), TJ_STR("1")};
    refuse(f, state, TJ_INVALID, "plugin");
    state.plugin = (tj_str){0};
    refuse(f, state, TJ_INVALID, "plugin");
    state.plugin = TJ_STR("\xff");
    refuse(f, state, TJ_INVALID, "plugin");
    state.plugin = (tj_str){longest, sizeof longest};
    refuse(f, state, TJ_LIMIT, "has 257 bytes, 256 are allowed");
    assert_algo(f, 1, "twap", "{\"kept\":1}");
    assert_int_equal(newest_sequence(f->store), 1);
    longest[TJ_PLUGIN_SIZE_MAX] = '\0';
    save(f, 1, longest, "1");
    assert_algo(f, 1, longest, "1");
}

static void test_the_largest_payload(fixture *f)
{
    char *payload = malloc(TJ_JSON_SIZE_MAX + 2);
    assert_non_null(payload);
    memset(payload, ' ', TJ_JSON_SIZE_MAX + 1);
    payload[0] = '7';
    payload[TJ_JSON_SIZE_MAX + 1] = '\0';
    tj_algo_state state = {TJ_STR("twap"), tj_str_of(payload)};
    refuse(f, state, TJ_LIMIT, "the JSON text has 16777217 bytes; at most 16777216 are allowed");
    payload[TJ_JSON_SIZE_MAX] = '\0';
    save(f, 1, "twap", payload);
    assert_algo(f, 1, "twap", payload);
    fixture_reopen(f);
    assert_algo(f, 1, "twap", payload);
    tj_uuid id = uuid(1);
    assert_ok(tj_algo_delete(f->algos, &id, &err));
    free(payload);
}

static const contract_case cases[] = {
    CASE(test_nothing_is_stored),
    CASE(test_payloads_come_back_byte_for_byte),
    CASE(test_a_save_replaces),
    CASE(test_all_are_sorted_by_id),
    CASE(test_deleting),
    CASE(test_any_uuid_is_a_key),
    CASE(test_what_is_not_valid_is_refused),
    CASE(test_the_largest_payload),
};

CONTRACT_MAIN("algorithms", cases)
