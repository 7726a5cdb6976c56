/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The bytes of headers and records: pinned, and judged in the order that the format says. */
#include "built_log.h"

#include "base/hash.h"

static const tj__segment_header pinned_header = {
    .journal_id = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}},
    .ordinal = 7,
    .first_sequence = 1234,
    .chain_hash = 0x0123456789abcdef,
    .created_at = 1700000000000000000,
    .segment_size = 16 << 20};

/* Computed by a program that shares nothing with this library but XXH3. */
static const char pinned_header_hex[] =
    "544a4c4f4753454701000000001000000102030405060708090a0b0c0d0e0f10"
    "0700000000000000d204000000000000efcdab896745230100002a36fe9c9717"
    "00000001000000000000000000000000";
static const char pinned_header_hash_hex[] = "fb009a9a6e5b8751";
static const char pinned_commit_hex[] =
    "544a524301010000ed107e61ac2a445eefcdab8967452301d204000000000000"
    "01002a36fe9c97170300000000000000b004000000000000a0a1a2a3a4a5a6a7"
    "a8a9aaabacadaeaf050000000100000068656c6c6f0000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000000000000";
static const char pinned_seal_hex[] =
    "544a52430102000068fa73566a965d0bed107e61ac2a445ed204000000000000"
    "01002a36fe9c97170300000000000000d2040000000000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000000000000";

static const char pinned_noted_hex[] =
    "544a524301010100288e55d2f7bc7138efcdab8967452301d204000000000000"
    "01002a36fe9c97170300000000000000b004000000000000a0a1a2a3a4a5a6a7"
    "a8a9aaabacadaeaf0f000000010000000800726f6c6c6261636b68656c6c6f00"
    "0000000000000000000000000000000000000000000000000000000000000000";

static tj__record pinned_commit(void)
{
    return (tj__record){.type = TJ__RECORD_COMMIT,
                        .previous_hash = 0x0123456789abcdef,
                        .sequence = 1234,
                        .time = 1700000000000000001,
                        .epoch = 3,
                        .durable_sequence = 1200,
                        .commit_id = {{0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9,
                                       0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf}},
                        .change_count = 1,
                        .body = tj__bytes_of("hello", 5)};
}

static void check_hex(const uint8_t *bytes, size_t size, const char *hex)
{
    char text[2 * 256 + 1] = "";
    assert_true(size <= 256);
    for (size_t i = 0; i < size; i++) {
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    }
    assert_string_equal(text, hex);
}

static void header_bytes_are_pinned(void **unused)
{
    (void)unused;
    uint8_t block[TJ__SEGMENT_HEADER_SIZE];
    tj__segment_header_encode(&pinned_header, block);
    check_hex(block, 80, pinned_header_hex);
    assert_true(tj__bytes_all_zero(tj__bytes_of(block + 80, 4088 - 80)));
    check_hex(block + 4088, 8, pinned_header_hash_hex);
}

static void record_bytes_are_pinned(void **unused)
{
    (void)unused;
    tj__buffer bytes = {0};
    tj__record commit = pinned_commit();
    assert_true(tj__buffer_reserve(&bytes, 256));
    tj__record_encode(&commit, &built_id, 7, 4096, &bytes);
    tj__record seal = {.type = TJ__RECORD_SEAL,
                       .previous_hash = commit.hash,
                       .sequence = commit.sequence,
                       .time = commit.time,
                       .epoch = 3,
                       .durable_sequence = 1234};
    tj__record_encode(&seal, &built_id, 7, 4096 + 128, &bytes);
    assert_int_equal(commit.hash, 0x5e442aac617e10ed);
    assert_int_equal(bytes.size, 256);
    check_hex(bytes.data, 128, pinned_commit_hex);
    check_hex(bytes.data + 128, TJ__SEAL_SIZE, pinned_seal_hex);
    tj__buffer_dispose(&bytes);
}

static void a_commit_may_have_a_note(void **unused)
{
    (void)unused;
    tj__buffer bytes = {0};
    tj__record commit = pinned_commit();
    tj__record found;
    uint64_t size = 0;
    commit.note = tj__bytes_of("rollback", 8);
    assert_true(tj__buffer_reserve(&bytes, 128));
    tj__record_encode(&commit, &built_id, 7, 4096, &bytes);
    assert_int_equal(bytes.size, tj__record_size_noted(5, 8));
    check_hex(bytes.data, 128, pinned_noted_hex);
    assert_int_equal(tj__record_decode(tj__buffer_bytes(&bytes), &built_id, 7, 4096, &found, &size),
                     TJ__FRAME_VALID);
    assert_true(tj__bytes_equal(found.note, commit.note));
    assert_true(tj__bytes_equal(found.body, commit.body));
    static const uint16_t lengths[] = {0, 14, UINT16_MAX}; /* none, and beyond the body */
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        memcpy(bytes.data + 80, &lengths[i], 2);
        rehash_record(bytes.data, 128, &built_id, 7, 4096);
        assert_int_equal(
            tj__record_decode(tj__buffer_bytes(&bytes), &built_id, 7, 4096, &found, &size),
            TJ__FRAME_BAD_HEADER);
    }
    tj__buffer_dispose(&bytes);
}

static void a_record_comes_back(void **unused)
{
    (void)unused;
    tj__buffer bytes = {0};
    tj__record commit = pinned_commit();
    tj__record found;
    uint64_t size = 0;
    assert_true(tj__buffer_reserve(&bytes, 128));
    tj__record_encode(&commit, &built_id, 7, 4096, &bytes);
    assert_int_equal(tj__record_decode(tj__buffer_bytes(&bytes), &built_id, 7, 4096, &found, &size),
                     TJ__FRAME_VALID);
    assert_int_equal(size, 128);
    assert_int_equal(found.type, commit.type);
    assert_int_equal(found.previous_hash, commit.previous_hash);
    assert_int_equal(found.sequence, commit.sequence);
    assert_int_equal(found.time, commit.time);
    assert_int_equal(found.epoch, commit.epoch);
    assert_int_equal(found.durable_sequence, commit.durable_sequence);
    assert_memory_equal(&found.commit_id, &commit.commit_id, 16);
    assert_int_equal(found.change_count, 1);
    assert_true(tj__bytes_equal(found.body, commit.body));
    assert_int_equal(found.note.size, 0);
    assert_int_equal(found.hash, commit.hash);
    tj__buffer_dispose(&bytes);
}

static void sizes_are_padded(void **unused)
{
    (void)unused;
    assert_int_equal(tj__record_size(0), TJ__SEAL_SIZE);
    assert_int_equal(tj__record_size(48), 128);
    assert_int_equal(tj__record_size(49), 192);
    assert_int_equal(tj__record_size(TJ__RECORD_BODY_SIZE_MAX), ((uint64_t)64 << 20) + 128);
}

static void a_record_is_valid_in_its_place_only(void **unused)
{
    (void)unused;
    tj__buffer bytes = {0};
    tj__record commit = pinned_commit();
    tj__record found;
    uint64_t size = 0;
    tj_uuid other = built_id;
    other.bytes[15]++;
    assert_true(tj__buffer_reserve(&bytes, 128));
    tj__record_encode(&commit, &built_id, 7, 4096, &bytes);
    tj__bytes view = tj__buffer_bytes(&bytes);
    assert_int_equal(tj__record_decode(view, &other, 7, 4096, &found, &size), TJ__FRAME_BAD_HASH);
    assert_int_equal(tj__record_decode(view, &built_id, 8, 4096, &found, &size),
                     TJ__FRAME_BAD_HASH);
    assert_int_equal(tj__record_decode(view, &built_id, 7, 4160, &found, &size),
                     TJ__FRAME_BAD_HASH);
    tj__buffer_dispose(&bytes);
}

static tj__frame_state judge_changed(size_t at, uint8_t value, size_t view_size, uint64_t *size)
{
    tj__buffer bytes = {0};
    tj__record commit = pinned_commit();
    tj__record found;
    assert_true(tj__buffer_reserve(&bytes, 128));
    tj__record_encode(&commit, &built_id, 7, 4096, &bytes);
    bytes.data[at] = value;
    tj__frame_state state =
        tj__record_decode(tj__bytes_of(bytes.data, view_size), &built_id, 7, 4096, &found, size);
    tj__buffer_dispose(&bytes);
    return state;
}

static void what_is_no_record_is_named(void **unused)
{
    (void)unused;
    uint64_t size = 0;
    assert_int_equal(judge_changed(0, 'T', 128, &size), TJ__FRAME_VALID);
    assert_int_equal(judge_changed(0, 't', 128, &size), TJ__FRAME_NO_MAGIC);
    assert_int_equal(judge_changed(4, 3, 128, &size), TJ__FRAME_NEWER);
    assert_int_equal(judge_changed(4, 0, 128, &size), TJ__FRAME_BAD_HEADER);
    assert_int_equal(judge_changed(5, 0, 128, &size), TJ__FRAME_BAD_HEADER);
    assert_int_equal(judge_changed(5, 2, 128, &size), TJ__FRAME_BAD_HEADER);
    assert_int_equal(judge_changed(5, 3, 128, &size), TJ__FRAME_BAD_HEADER);
    assert_int_equal(judge_changed(7, 1, 128, &size), TJ__FRAME_BAD_HEADER);
    assert_int_equal(judge_changed(75, 5, 128, &size), TJ__FRAME_BAD_HEADER);
    assert_int_equal(judge_changed(127, 1, 128, &size), TJ__FRAME_BAD_HASH);
    assert_int_equal(judge_changed(73, 1, 128, &size), TJ__FRAME_SHORT);
    assert_int_equal(size, 384);
    assert_int_equal(judge_changed(0, 'T', 127, &size), TJ__FRAME_SHORT);
    assert_int_equal(size, 128);
    assert_int_equal(judge_changed(0, 'T', 63, &size), TJ__FRAME_SHORT);
    uint8_t zeros[64] = {0};
    tj__record found;
    assert_int_equal(tj__record_decode(tj__bytes_of(zeros, 64), &built_id, 7, 4096, &found, &size),
                     TJ__FRAME_ZERO);
    assert_string_equal(tj__frame_state_text(TJ__FRAME_BAD_HASH), "checksum does not match");
}

/* Writes the pinned commit with another byte in its type or flags, as a newer library would: its
 * hash is right. */
static tj__frame_state judge_unknown(size_t at, uint8_t value)
{
    tj__buffer bytes = {0};
    tj__record commit = pinned_commit();
    tj__record found;
    uint64_t size = 0;
    assert_true(tj__buffer_reserve(&bytes, 128));
    tj__record_encode(&commit, &built_id, 7, 4096, &bytes);
    bytes.data[at] = value;
    rehash_record(bytes.data, 128, &built_id, 7, 4096);
    assert_false(tj__record_plausible(bytes.data));
    assert_true(tj__record_plausibly_unknown(bytes.data));
    tj__frame_state state =
        tj__record_decode(tj__buffer_bytes(&bytes), &built_id, 7, 4096, &found, &size);
    tj__buffer_dispose(&bytes);
    return state;
}

static void an_unknown_type_or_flag_is_newer_when_its_hash_is_right(void **unused)
{
    (void)unused;
    assert_int_equal(judge_unknown(5, 0), TJ__FRAME_UNKNOWN);
    assert_int_equal(judge_unknown(5, 3), TJ__FRAME_UNKNOWN);
    assert_int_equal(judge_unknown(6, 2), TJ__FRAME_UNKNOWN);
    assert_int_equal(judge_unknown(7, 0x80), TJ__FRAME_UNKNOWN);
}

static void plausible_is_what_could_have_been_written(void **unused)
{
    (void)unused;
    tj__buffer bytes = {0};
    tj__record commit = pinned_commit();
    assert_true(tj__buffer_reserve(&bytes, 128));
    tj__record_encode(&commit, &built_id, 7, 4096, &bytes);
    static const struct {
        size_t at;
        uint8_t value;
        bool plausible;
    } changes[] = {{8, 0, true},  {0, 0, false},  {4, 2, false},  {5, 9, false},
                   {6, 2, false}, {40, 0, false}, {55, 1, false}, {75, 9, false}};
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        uint8_t before = bytes.data[changes[i].at];
        bytes.data[changes[i].at] = changes[i].value;
        assert_int_equal(tj__record_plausible(bytes.data), changes[i].plausible);
        bytes.data[changes[i].at] = before;
    }
    tj__buffer_dispose(&bytes);
}

/* Decodes the pinned header with one byte changed, and the hash made to match again on demand. */
static tj_status decode_changed(size_t at, uint8_t value, bool rehash, tj_error *error)
{
    uint8_t block[TJ__SEGMENT_HEADER_SIZE];
    tj__segment_header found = {.ordinal = 99};
    tj__segment_header_encode(&pinned_header, block);
    block[at] = value;
    if (rehash) {
        tj__store_u64(block + 4088, tj__hash(block, 4088));
    }
    tj_status status =
        tj__segment_header_decode(block, &built_id, 7, &found, "log/0000000007.log", error);
    if (status != TJ_OK) {
        assert_int_equal(found.ordinal, 99);
        assert_string_equal(error->place, "log/0000000007.log");
    }
    return status;
}

static void a_header_comes_back(void **unused)
{
    (void)unused;
    uint8_t block[TJ__SEGMENT_HEADER_SIZE];
    tj__segment_header found;
    tj_error error = TJ_ERROR_INIT;
    tj__segment_header_encode(&pinned_header, block);
    must(tj__segment_header_decode(block, &built_id, 7, &found, "x", &error), &error);
    assert_memory_equal(&found.journal_id, &built_id, 16);
    assert_int_equal(found.ordinal, 7);
    assert_int_equal(found.first_sequence, 1234);
    assert_int_equal(found.chain_hash, 0x0123456789abcdef);
    assert_int_equal(found.created_at, 1700000000000000000);
    assert_int_equal(found.segment_size, 16 << 20);
}

static void a_wrong_header_is_named(void **unused)
{
    (void)unused;
    static const struct {
        size_t at;
        uint8_t value;
        bool rehash;
        tj_status status;
        const char *reason;
    } cases[] = {
        {0, 'x', false, TJ_CORRUPT, "no segment magic"},
        {8, 2, false, TJ_FORMAT_NEWER,
         "format version 2 is newer than 1, the newest this library reads"},
        {8, 0, true, TJ_CORRUPT, "format version 0 does not exist"},
        {3000, 1, false, TJ_CORRUPT, "checksum does not match"},
        {4088, 1, false, TJ_CORRUPT, "checksum does not match"},
        {16, 9, true, TJ_CONFLICT,
         "it belongs to journal 09020304-0506-0708-090a-0b0c0d0e0f10, "
         "this is journal 01020304-0506-0708-090a-0b0c0d0e0f10"},
        {32, 8, true, TJ_CONFLICT, "it is that of segment 8, the file is named as segment 7"},
        {12, 1, true, TJ_CONFLICT, "impossible sizes, header 4097 and segment 16777216 bytes"},
        {64, 1, true, TJ_CONFLICT, "impossible sizes, header 4096 and segment 16777217 bytes"},
        {67, 0, true, TJ_CONFLICT, "impossible sizes, header 4096 and segment 0 bytes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tj_error error = TJ_ERROR_INIT;
        char message[400];
        snprintf(message, sizeof message, "segment header: %s: log/0000000007.log",
                 cases[i].reason);
        assert_int_equal(decode_changed(cases[i].at, cases[i].value, cases[i].rehash, &error),
                         cases[i].status);
        assert_string_equal(error.message, message);
    }
}

static void an_empty_header_is_not_begun(void **unused)
{
    (void)unused;
    uint8_t block[TJ__SEGMENT_HEADER_SIZE] = {0};
    tj__segment_header found;
    tj_error error = TJ_ERROR_INIT;
    assert_int_equal(tj__segment_header_decode(block, &built_id, 7, &found, "x", &error),
                     TJ_NOT_FOUND);
    assert_string_equal(error.message, "segment header: all zero, the segment was never begun: x");
    assert_int_equal(tj__segment_header_decode(block, &built_id, 7, &found, "x", NULL),
                     TJ_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_bytes_are_pinned),
        cmocka_unit_test(record_bytes_are_pinned),
        cmocka_unit_test(a_commit_may_have_a_note),
        cmocka_unit_test(a_record_comes_back),
        cmocka_unit_test(sizes_are_padded),
        cmocka_unit_test(a_record_is_valid_in_its_place_only),
        cmocka_unit_test(what_is_no_record_is_named),
        cmocka_unit_test(an_unknown_type_or_flag_is_newer_when_its_hash_is_right),
        cmocka_unit_test(plausible_is_what_could_have_been_written),
        cmocka_unit_test(a_header_comes_back),
        cmocka_unit_test(a_wrong_header_is_named),
        cmocka_unit_test(an_empty_header_is_not_begun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
