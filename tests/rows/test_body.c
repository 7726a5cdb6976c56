/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Changes in a record's body come back; malformed and random bytes are refused. */
#include "commit/fixture.h"

#include "base/random.h"

static tj__bytes text(const char *bytes)
{
    return tj__bytes_of(bytes, strlen(bytes));
}

static void put(tj__buffer *body, tj__change_op op, const char *key, const char *value)
{
    tj__change change = {op, text(key), text(value)};
    tj__body_put(body, &change);
}

static void test_changes_come_back(void **context)
{
    (void)context;
    tj__buffer body = {0};
    put(&body, TJ__CHANGE_PUT, "\3key", "value");
    put(&body, TJ__CHANGE_DELETE, "\4k", "");
    tj__bytes rest = tj__buffer_bytes(&body);
    tj__change change;
    assert_ok(tj__body_next(&rest, &change, &err));
    assert_int_equal(change.op, TJ__CHANGE_PUT);
    assert_true(tj__bytes_equal(change.key, text("\3key")));
    assert_true(tj__bytes_equal(change.value, text("value")));
    assert_ok(tj__body_next(&rest, &change, &err));
    assert_int_equal(change.op, TJ__CHANGE_DELETE);
    assert_true(tj__bytes_equal(change.key, text("\4k")));
    assert_int_equal(change.value.size, 0);
    assert_int_equal(rest.size, 0);
    tj__buffer_dispose(&body);
}

static void test_apply(void **context)
{
    (void)context;
    tj__buffer body = {0};
    tj__rowmap *map = tj__rowmap_new();
    tj_uuid id = {{9}};
    put(&body, TJ__CHANGE_PUT, "\3a", "1");
    put(&body, TJ__CHANGE_DELETE, "\3b", "");
    assert_ok(tj__body_apply(map, TJ__TABLES_ALL, tj__buffer_bytes(&body), 2, 77, &id, &err));
    assert_int_equal(tj__rowmap_count(map), 3);
    assert_int_equal(tj__rowmap_find(map, text("\3a"))->sequence, 77);
    assert_true(tj__rowmap_find(map, text("\3b"))->deleted);
    tj__key key = tj__key_commit(&id);
    const tj__rowmap_entry *entry = tj__rowmap_find(map, tj__key_bytes(&key));
    assert_non_null(entry);
    uint64_t sequence = 0;
    assert_ok(tj__commit_value_get(tj__rowmap_value(entry), &sequence, &err));
    assert_int_equal(sequence, 77);
    tj_error error = TJ_ERROR_INIT;
    assert_int_equal(
        tj__body_apply(map, TJ__TABLES_ALL, tj__buffer_bytes(&body), 1, 78, NULL, &error),
        TJ_CORRUPT);
    assert_string_equal(error.message, "10 bytes follow the last of 1 changes");
    assert_int_equal(
        tj__body_apply(map, TJ__TABLES_ALL, tj__buffer_bytes(&body), 3, 78, NULL, &error),
        TJ_CORRUPT);
    assert_string_equal(error.message, "a change has no valid head 0 bytes before the end");
    tj__rowmap_free(map);
    tj__buffer_dispose(&body);
}

static void assert_malformed(const char *bytes, size_t size, const char *message)
{
    tj__bytes rest = tj__bytes_of(bytes, size);
    tj__change change;
    tj_error error = TJ_ERROR_INIT;
    assert_int_equal(tj__body_next(&rest, &change, &error), TJ_CORRUPT);
    assert_string_equal(error.message, message);
    assert_int_equal(rest.size, size);
}

static void test_malformed(void **context)
{
    (void)context;
    const char *head = "a change has no valid head 10 bytes before the end";
    assert_malformed("\1\0\1\0\0\0", 6, "a change has no valid head 6 bytes before the end");
    assert_malformed("\0\0\1\0\1\0\0\0\3x", 10, head); /* no operation */
    assert_malformed("\1\0\0\0\1\0\0\0\3x", 10, head); /* no key */
    assert_malformed("\1\0\1\2\1\0\0\0\3x", 10, head); /* a key of 513 bytes */
    assert_malformed("\2\0\1\0\1\0\0\0\3x", 10, head); /* a delete with a value */
    assert_malformed("\1\0\1\0\0\0\0\2\3x", 10, head); /* a value of 32 MiB */
    assert_malformed("\1\0\1\0\2\0\0\0\3x", 10, "a change is cut 10 bytes before the end");
    assert_malformed("\1\0\1\0\1\0\0\0\1x", 10, "a change names table 1, which takes no changes");
}

static void test_random_bytes(void **context)
{
    (void)context;
    random_start();
    for (int round = 0; round < 20000; round++) {
        uint8_t bytes[64];
        size_t size = random_below(sizeof bytes);
        for (size_t i = 0; i < size; i++) {
            bytes[i] = (uint8_t)(random_below(3) == 0 ? random_u64() : random_below(4));
        }
        tj__bytes rest = tj__bytes_of(bytes, size);
        tj__change change;
        while (rest.size > 0 && tj__body_next(&rest, &change, NULL) == TJ_OK) {
            assert_true(change.key.size > 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changes_come_back),
        cmocka_unit_test(test_apply),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_random_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
