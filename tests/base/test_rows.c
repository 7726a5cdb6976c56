/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A scan of a prefix meets all keys of the prefix and no other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rows.h"

static void assert_end(tj__bytes prefix, tj__bytes expected)
{
    uint8_t end[8] = {0};
    size_t size = 0;
    assert_true(tj__rows_prefix_end(prefix, end, &size));
    assert_true(tj__bytes_equal(tj__bytes_of(end, size), expected));
}

static void the_end_of_a_prefix(void **state)
{
    (void)state;
    uint8_t end[8] = {42};
    size_t size = 42;
    assert_end(tj__bytes_of("\x03", 1), tj__bytes_of("\x04", 1));
    assert_end(tj__bytes_of("\x03\x00", 2), tj__bytes_of("\x03\x01", 2));
    assert_end(tj__bytes_of("\x03\xff", 2), tj__bytes_of("\x04", 1));
    assert_end(tj__bytes_of("\x03\xfe\xff\xff", 4), tj__bytes_of("\x03\xff", 2));
    assert_false(tj__rows_prefix_end(tj__bytes_of("\xff\xff", 2), end, &size));
    assert_false(tj__rows_prefix_end(tj__bytes_of("", 0), end, &size));
    assert_int_equal(end[0], 42);
    assert_int_equal(size, 42);
}

/* A source that notes what it was asked for. */
typedef struct recorder {
    tj__row_source source;
    uint8_t first[8];
    size_t first_size;
    uint8_t end[8];
    size_t end_size;
    bool descending;
} recorder;

static tj_status record(tj__row_source *source, tj__bytes first, tj__bytes end, bool descending,
                        tj__row_visitor *visitor, void *context, tj_error *error)
{
    recorder *to = (recorder *)source;
    memcpy(to->first, first.data, first.size);
    memcpy(to->end, end.data, end.size);
    to->first_size = first.size;
    to->end_size = end.size;
    to->descending = descending;
    return visitor(context, NULL, error);
}

static tj_status answer_busy(void *context, const tj__row *row, tj_error *error)
{
    (void)row;
    (void)error;
    *(int *)context += 1;
    return TJ_BUSY;
}

static void a_prefix_is_a_range(void **state)
{
    (void)state;
    recorder source = {.source = {.scan = record}};
    int calls = 0;
    assert_int_equal(tj__rows_scan_prefix(&source.source, tj__bytes_of("\x03\xff", 2), true,
                                          answer_busy, &calls, NULL),
                     TJ_BUSY);
    assert_int_equal(calls, 1);
    assert_true(source.descending);
    assert_int_equal(source.first_size, 2);
    assert_memory_equal(source.first, "\x03\xff", 2);
    assert_int_equal(source.end_size, 1);
    assert_memory_equal(source.end, "\x04", 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_end_of_a_prefix),
        cmocka_unit_test(a_prefix_is_a_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
