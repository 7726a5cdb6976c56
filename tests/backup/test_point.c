/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The bytes of a point, and what is said of one that is damaged. */
#include "journal/journal_fixture.h"

#include "backup/point.h"

static tj__point_file files[] = {{TJ__POINT_FILE_STATE, 0, 4096, 0x55},
                                 {TJ__POINT_FILE_ALGOS, 0, 512, 0x66},
                                 {TJ__POINT_FILE_REST, 0, 256, 0x77},
                                 {TJ__POINT_FILE_SEGMENT, 1, 4544, 0x1122334455667788},
                                 {TJ__POINT_FILE_SEGMENT, 2, 5000, 0x0102030405060708}};

static tj__point some_point(void)
{
    tj__point point = {.journal_id = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}},
                       .position = {4711, 1000, 0xabcdef, 3, 2, 5000},
                       .made_at = 2000,
                       .verified_at = 3000,
                       .place = {0x1234, 0x5678},
                       .journal_made_at = 0x9abc,
                       .files = files,
                       .file_count = sizeof files / sizeof *files};
    point.digest.rows[TJ__TABLE_STATE] = 5;
    point.digest.checksums[TJ__TABLE_STATE] = 0x99;
    return point;
}

/* Written by hand after FORMAT.md. */
static const char pinned[] = "544a504f494e5431" /* magic */
                             "01000000"
                             "01000000" /* the place is there */
                             "0102030405060708090a0b0c0d0e0f10"
                             "6712000000000000"
                             "e803000000000000"
                             "efcdab0000000000"
                             "0300000000000000"
                             "0200000000000000"
                             "8813000000000000"
                             "d007000000000000"
                             "b80b000000000000"
                             "fc03000000000000" /* tables 2 to 9 */
                             "0500000000000000"
                             "00000000000000000000000000000000"
                             "05000000000000009900000000000000"
                             "00000000000000000000000000000000"
                             "00000000000000000000000000000000"
                             "00000000000000000000000000000000"
                             "00000000000000000000000000000000"
                             "00000000000000000000000000000000"
                             "00000000000000000000000000000000"
                             "0200000000000000" /* .state */
                             "0000000000000000"
                             "0010000000000000"
                             "5500000000000000"
                             "0300000000000000" /* .algos */
                             "0000000000000000"
                             "0002000000000000"
                             "6600000000000000"
                             "0400000000000000" /* .rest */
                             "0000000000000000"
                             "0001000000000000"
                             "7700000000000000"
                             "0100000000000000" /* a segment */
                             "0100000000000000"
                             "c011000000000000"
                             "8877665544332211"
                             "0100000000000000"
                             "0200000000000000"
                             "8813000000000000"
                             "0807060504030201"
                             "3412000000000000" /* the place */
                             "7856000000000000"
                             "bc9a000000000000";

static void a_point_has_these_bytes(void **state)
{
    fixture *f = *state;
    tj__buffer bytes = {0};
    tj__point point = some_point();
    tj__point_encode(&point, &bytes);
    assert_false(bytes.failed);
    assert_int_equal(bytes.size, (sizeof pinned - 1) / 2 + 8);
    for (size_t i = 0; i < bytes.size - 8; i++) {
        char hex[3];
        snprintf(hex, sizeof hex, "%02x", bytes.data[i]);
        if (memcmp(hex, pinned + 2 * i, 2) != 0) {
            fail_msg("byte %zu is %s, not %.2s", i, hex, pinned + 2 * i);
        }
    }
    assert_true(tj__load_u64(bytes.data + bytes.size - 8) == tj__hash(bytes.data, bytes.size - 8));
    tj__point back;
    assert_ok(tj__point_decode(tj__buffer_bytes(&bytes), &back, "here", &err));
    assert_memory_equal(&back.journal_id, &point.journal_id, sizeof back.journal_id);
    assert_memory_equal(&back.position, &point.position, sizeof back.position);
    assert_memory_equal(&back.digest, &point.digest, sizeof back.digest);
    assert_int_equal(back.file_count, point.file_count);
    assert_int_equal(tj__point_first_segment(&back), 1);
    assert_memory_equal(back.files, files, sizeof files);
    assert_memory_equal(&back.place, &point.place, sizeof back.place);
    assert_int_equal(back.journal_made_at, point.journal_made_at);
    tj__point_dispose(&back);
    tj__buffer_dispose(&bytes);
    (void)f;
}

/* As points were written before they told the place. */
static void a_point_without_the_place_is_one(void **state)
{
    (void)state;
    tj__buffer bytes = {0};
    tj__point point = some_point();
    tj__point back;
    point.place.inode = 0;
    tj__point_encode(&point, &bytes);
    assert_int_equal(bytes.size, (sizeof pinned - 1) / 2 + 8 - 24);
    assert_int_equal(tj__load_u32(bytes.data + 12), 0);
    assert_ok(tj__point_decode(tj__buffer_bytes(&bytes), &back, "here", &err));
    assert_int_equal(back.place.inode, 0);
    assert_memory_equal(back.files, files, sizeof files);
    tj__point_dispose(&back);
    tj__buffer_dispose(&bytes);
}

static void what_is_unknown_of_a_point_is_newer(void **state)
{
    (void)state;
    tj__buffer bytes = {0};
    tj__point point = some_point();
    tj__point back;
    tj__point_encode(&point, &bytes);
    bytes.data[12] |= 2;
    tj__store_u64(bytes.data + bytes.size - 8, tj__hash(bytes.data, bytes.size - 8));
    assert_refused(tj__point_decode(tj__buffer_bytes(&bytes), &back, "here", &err), TJ_FORMAT_NEWER,
                   "newer version");
    bytes.data[12] = 0; /* and what it says is not there must not be */
    tj__store_u64(bytes.data + bytes.size - 8, tj__hash(bytes.data, bytes.size - 8));
    assert_refused(tj__point_decode(tj__buffer_bytes(&bytes), &back, "here", &err), TJ_CORRUPT,
                   "here is damaged");
    tj__buffer_dispose(&bytes);
}

/* Every bit, and every length. */
static void a_damaged_point_is_told(void **state)
{
    (void)state;
    tj__buffer bytes = {0};
    tj__point point = some_point();
    tj__point back;
    tj__point_encode(&point, &bytes);
    for (size_t i = 0; i < bytes.size * 8; i++) {
        bytes.data[i / 8] ^= (uint8_t)(1 << i % 8);
        tj_status status = tj__point_decode(tj__buffer_bytes(&bytes), &back, "here", &err);
        assert_int_equal(status, i / 8 >= 8 && i / 8 < 12 ? err.status : TJ_CORRUPT);
        assert_int_not_equal(status, TJ_OK);
        bytes.data[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    for (size_t size = 0; size < bytes.size; size++) {
        assert_refused(tj__point_decode(tj__bytes_of(bytes.data, size), &back, "here", &err),
                       TJ_CORRUPT, "here is damaged");
    }
    bytes.data[8] = 2;
    assert_refused(tj__point_decode(tj__buffer_bytes(&bytes), &back, "here", &err), TJ_FORMAT_NEWER,
                   "newer version");
    tj__buffer_dispose(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(a_point_has_these_bytes),
        JOURNAL_TEST(a_point_without_the_place_is_one),
        JOURNAL_TEST(what_is_unknown_of_a_point_is_newer),
        JOURNAL_TEST(a_damaged_point_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
