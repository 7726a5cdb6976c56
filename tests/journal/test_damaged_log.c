/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Damage in the log is refused with file, offset and sequence (P5), and stays as it was to the
 * byte. Only a write that was never acknowledged is cut, and that is told.
 */
#include "damage.h"

#include "log/frame.h"

/* ---- damage in the log --------------------------------------------------------------------- */

/* Where the n-th record of the first segment begins, from 1; one behind the last: its end. */
static size_t record_at(const fixture *f, unsigned number)
{
    char path[PATH_TEXT_SIZE];
    size_t size = 0;
    file_path(f, "log/0000000001.log", path);
    uint8_t *bytes = read_whole(path, &size);
    size_t at = TJ__SEGMENT_HEADER_SIZE;
    for (unsigned i = 1; i < number; i++) {
        assert_memory_equal(bytes + at, "TJRC", 4);
        at += tj__record_size(tj__load_u32(bytes + at + 72));
    }
    free(bytes);
    return at;
}

static void flip_in_record(const fixture *f, unsigned number, size_t offset)
{
    char path[PATH_TEXT_SIZE];
    file_path(f, "log/0000000001.log", path);
    flip_byte(path, record_at(f, number) + offset);
}

/* Offsets into a record: magic, own hash, sequence, body. */
static const size_t places[] = {0, 8, 24, 90};

static void test_a_flipped_byte_in_what_was_applied(void **state)
{
    fixture *f = *state;
    make_closed(f);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        flip_in_record(f, 7, places[i]);
        refuse_open_as_is(f, TJ_CORRUPT, "commit 7 is damaged or missing at offset ");
        assert_non_null(strstr(err.message, "data.mdb shows that commits up to 20 were durable"));
        assert_non_null(strstr(err.place, "0000000001.log:"));
        flip_in_record(f, 7, places[i]);
    }
    assert_opens_at(f, APPLIED);
}

static void test_a_flipped_byte_beyond_what_was_applied(void **state)
{
    fixture *f = *state;
    make_crashed(f);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        flip_in_record(f, 30, places[i]);
        refuse_open(f, TJ_CORRUPT, "commit 30 is damaged or missing at offset ");
        assert_non_null(strstr(err.message, "writer.lock shows that commits up to 40"));
        flip_in_record(f, 30, places[i]);
        flip_in_record(f, WRITTEN, places[i]); /* the last one was acknowledged, too */
        refuse_open(f, TJ_CORRUPT, "commit 40 is damaged or missing at offset ");
        flip_in_record(f, WRITTEN, places[i]);
    }
    assert_opens_at(f, WRITTEN);
}

/* Without a mark, the records behind the damage say that it was durable. */
static void test_a_flipped_byte_in_a_copy(void **state)
{
    fixture *f = *state;
    make_crashed(f);
    move_to_a_copy(f);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        flip_in_record(f, 30, places[i]);
        refuse_open(f, TJ_CORRUPT, "commit 30 is damaged or missing at offset ");
        assert_non_null(strstr(err.message, "shows that commits up to 39 were durable"));
        flip_in_record(f, 30, places[i]);
    }
    assert_opens_at(f, WRITTEN);
}

static void test_a_damaged_segment_header(void **state)
{
    fixture *f = *state;
    char path[PATH_TEXT_SIZE];
    make_crashed(f);
    file_path(f, "log/0000000001.log", path);
    for (size_t offset = 0; offset < 80; offset += 8) {
        flip_byte(path, offset);
        refuse_open_as_is(f, TJ_CORRUPT, "0000000001.log");
        flip_byte(path, offset);
    }
    write_at(path, 8, "\x02", 1);
    refuse_open_as_is(f, TJ_FORMAT_NEWER, "0000000001.log");
    write_at(path, 8, "\x01", 1);
    assert_opens_at(f, WRITTEN);
}

/* ---- a torn end ---------------------------------------------------------------------------- */

static char traced[TJ_ERROR_MESSAGE_SIZE];

/* That the journal is a copy is said, too. */
static void keep_trace(void *context, tj_trace_level level, const char *message)
{
    (void)context;
    if (level == TJ_TRACE_WARNING && !strstr(message, "is a copy")) {
        snprintf(traced, sizeof traced, "%s", message);
    }
}

static void assert_cut(fixture *f, uint64_t last)
{
    tj_store_info info = TJ_STORE_INFO_INIT;
    char *before = digest(f->directory);
    f->config.read_only = true; /* looking on sees the same and cuts nothing */
    fixture_open(f);
    assert_number(f->store, last);
    fixture_close(f);
    f->config.read_only = false;
    char *after = digest(f->directory);
    assert_string_equal(after, before);
    free(before);
    free(after);

    char expected[64];
    snprintf(expected, sizeof expected, "the log ends after commit %" PRIu64 ";", last);
    traced[0] = '\0';
    f->config.trace = keep_trace;
    fixture_open(f);
    assert_non_null(strstr(traced, expected));
    assert_non_null(strstr(traced, "were cut"));
    assert_ok(tj_store_info_get(f->store, &info, &err));
    assert_true(info.lmdb.recovered_bytes_cut > 0);
    assert_number(f->store, last);
    save_numbers(f->store, last + 1, last + 5);
    fixture_close(f);
    traced[0] = '\0';
    assert_opens_at(f, last + 5);
    assert_string_equal(traced, "");
    err.status = TJ_OK;
}

static void test_a_torn_record_that_was_not_acknowledged(void **state)
{
    fixture *f = *state;
    char path[PATH_TEXT_SIZE];
    size_t size = 0;
    make_crashed(f);
    file_path(f, "log/0000000001.log", path);
    uint8_t *bytes = read_whole(path, &size);
    size_t last = record_at(f, WRITTEN);
    size_t end = record_at(f, WRITTEN + 1);
    write_at(path, end, bytes + last, end - last - 64); /* without its end */
    free(bytes);
    assert_cut(f, WRITTEN);
}

static void test_a_torn_last_record_in_a_copy(void **state)
{
    fixture *f = *state;
    make_crashed(f);
    move_to_a_copy(f);
    flip_in_record(f, WRITTEN, 90);
    assert_cut(f, WRITTEN - 1);
}

static void zero_last_record(const fixture *f)
{
    char path[PATH_TEXT_SIZE];
    uint8_t zeros[512] = {0};
    size_t last = record_at(f, WRITTEN);
    size_t size = record_at(f, WRITTEN + 1) - last;
    file_path(f, "log/0000000001.log", path);
    assert_true(size <= sizeof zeros);
    write_at(path, last, zeros, size);
}

/* Without a mark a record may go again: what one view has read is not kept for the next. */
static void test_a_view_without_a_mark_is_made_anew(void **state)
{
    fixture *f = *state;
    make_crashed(f);
    move_to_a_copy(f);
    f->config.read_only = true;
    fixture_open(f);
    assert_number(f->store, WRITTEN);
    zero_last_record(f);
    assert_number(f->store, WRITTEN - 1);
    fixture_close(f);
    f->config.read_only = false;
}

/* A log that ends before the mark is no torn end. */
static void test_an_end_before_the_mark(void **state)
{
    fixture *f = *state;
    make_crashed(f);
    zero_last_record(f);
    refuse_open(f, TJ_CORRUPT, "writer.lock shows that commits up to 40 were durable");
    f->damaged = true;
}

/* ---- missing segments ---------------------------------------------------------------------- */

static void save_large(tj_store *store, unsigned first, unsigned count)
{
    char payload[20000];
    memset(payload, 'x', sizeof payload);
    payload[0] = payload[sizeof payload - 1] = '"';
    tj_algo_state algo = {TJ_STR("twap"), {payload, sizeof payload}};
    for (unsigned i = first; i < first + count; i++) {
        tj_uuid id = uuid(i);
        assert_ok(tj_algo_save(tj_store_algo_repository(store, NULL), &id, &algo, &err));
    }
}

static int child_save_large(const char *path)
{
    tj_store *store = NULL;
    tj_config config = TJ_CONFIG_INIT;
    config.path = path;
    config.lmdb.segment_size_bytes = TJ_SEGMENT_SIZE_MIN;
    config.lmdb.lag_ms = NEVER_MS;
    config.lmdb.lag_bytes = (uint64_t)64 << 20;
    child_must(tj_store_open(&config, &store, &err), &err);
    save_large(store, 100, 12);
    say("saved");
    return child_wait();
}

static void assert_large(fixture *f, size_t expected)
{
    tj_algo_list *list = NULL;
    fixture_open(f);
    assert_ok(tj_algo_load_all(tj_store_algo_repository(f->store, NULL), &list, &err));
    assert_int_equal(list->count, expected);
    tj_algo_list_free(list);
    fixture_close(f);
}

/* Without these segments it is refused; with them again, it is whole. */
static void lose_segments(fixture *f, unsigned first, unsigned last, const char *text,
                          bool onlookers_too)
{
    shell("cd %s/log && mkdir ../../lost && for i in $(seq -f %%010.0f %u %u); do "
          "! test -e $i.log || mv $i.log ../../lost; done",
          f->path, first, last);
    refuse_open_as_is(f, TJ_CORRUPT, text);
    if (onlookers_too) {
        refuse_open(f, TJ_CORRUPT, text);
    }
    shell("cd %s && mv lost/* journal/log && rmdir lost", f->directory);
}

static void test_missing_segments(void **state)
{
    fixture *f = *state;
    char text[64];
    f->config.lmdb.segment_size_bytes = TJ_SEGMENT_SIZE_MIN;
    fixture_open(f);
    save_large(f->store, 0, 12);
    fixture_close(f);
    unsigned last = last_begun(f);
    assert_true(last >= 4);
    snprintf(text, sizeof text, "%010u.log", last);
    lose_segments(f, last, last, text, false);
    lose_segments(f, last, last + 5, text, false);
    lose_segments(f, 2, last + 5, text, false);
    lose_segments(f, 1, last + 5, text, false);
    assert_large(f, 12);
}

static void test_missing_segments_of_a_crashed_journal(void **state)
{
    fixture *f = *state;
    char text[64];
    f->config.lmdb.segment_size_bytes = TJ_SEGMENT_SIZE_MIN;
    fixture_open(f);
    fixture_close(f);
    save_and_be_killed(f, "save-large", "");
    unsigned last = last_begun(f);
    assert_true(last >= 2);
    lose_segments(f, 1, 1, "0000000001.log", false);
    lose_segments(f, last, last + 5, "", true); /* sealed before it */
    if (last > 2) {
        snprintf(text, sizeof text, "%010u.log", last - 1);
        lose_segments(f, last - 1, last - 1, text, true);
    }
    assert_large(f, 12);
}

/* ---- segments of something else ------------------------------------------------------------ */

static void save_three(tj_store *store)
{
    save_numbers(store, 1, 3);
}

static void save_twelve_large(tj_store *store)
{
    save_large(store, 100, 12);
}

/* Saves into the journal of this name beside the fixture's; creates it when it is not there. */
static void save_beside(fixture *f, const char *name, void (*save)(tj_store *store))
{
    char path[PATH_TEXT_SIZE];
    snprintf(path, sizeof path, "%s/%s", f->directory, name);
    f->config.path = path;
    fixture_open(f);
    save(f->store);
    fixture_close(f);
    f->config.path = f->path;
}

/* With another file under the name of a segment it is refused, and the file stays; without, it is
 * whole. `other` is below the test's directory. */
static void replace_segment(fixture *f, unsigned ordinal, const char *other, const char *text)
{
    char name[32];
    snprintf(name, sizeof name, "log/%010u.log", ordinal);
    shell("cd %s && { ! test -e %s || mv %s ../kept; } && cp ../%s %s", f->path, name, name, other,
          name);
    refuse_open_as_is(f, TJ_CORRUPT, text);
    assert_non_null(strstr(err.message, "it is no segment of this log: put the right file back"));
    assert_non_null(strstr(err.place, name));
    shell("cd %s && rm %s && { ! test -e ../kept || mv ../kept %s; }", f->path, name, name);
}

/* Not taken for a start that a power cut tore: what is in it would be zeroed. */
static void test_another_journals_segment_before_the_first_commit(void **state)
{
    fixture *f = *state;
    save_beside(f, "other", save_three);
    fixture_open(f);
    fixture_close(f);
    replace_segment(f, 1, "other/log/0000000001.log", "it belongs to journal ");
    assert_opens_at(f, 0);
}

static void test_another_journals_segment_where_the_log_goes_on(void **state)
{
    fixture *f = *state;
    save_beside(f, "other", save_three);
    f->config.lmdb.segment_size_bytes = TJ_SEGMENT_SIZE_MIN;
    fixture_open(f);
    save_large(f->store, 0, 12);
    fixture_close(f);
    unsigned last = last_begun(f);
    assert_true(last > 1);
    for (unsigned ordinal = last; ordinal <= last + 1; ordinal++) {
        replace_segment(f, ordinal, "journal/log/0000000001.log", "it is that of segment 1, ");
        replace_segment(f, ordinal, "other/log/0000000001.log", "it belongs to journal ");
    }
    assert_large(f, 12);
}

/* Put back from an old copy that went on by itself: the names fit, the records do not. */
static void test_a_segment_of_another_time(void **state)
{
    fixture *f = *state;
    char name[32];
    f->config.lmdb.segment_size_bytes = TJ_SEGMENT_SIZE_MIN;
    fixture_open(f);
    fixture_close(f);
    shell("cp -a %s %s/old", f->path, f->directory);
    save_beside(f, "old", save_twelve_large);
    save_and_be_killed(f, "save-large", "");
    move_to_a_copy(f);
    unsigned last = last_begun(f);
    assert_true(last >= 3);
    for (unsigned ordinal = 2; ordinal <= last; ordinal++) {
        snprintf(name, sizeof name, "old/log/%010u.log", ordinal);
        replace_segment(f, ordinal, name, "follows a segment that ends with hash ");
    }
    assert_large(f, 12);
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "child") == 0) {
        return strcmp(argv[2], "save") == 0 ? child_save(argv[3], argv[4], TJ_DURABILITY_SYNC)
                                            : child_save_large(argv[3]);
    }
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(test_a_flipped_byte_in_what_was_applied),
        JOURNAL_TEST(test_a_flipped_byte_beyond_what_was_applied),
        JOURNAL_TEST(test_a_flipped_byte_in_a_copy),
        JOURNAL_TEST(test_a_damaged_segment_header),
        JOURNAL_TEST(test_a_torn_record_that_was_not_acknowledged),
        JOURNAL_TEST(test_a_torn_last_record_in_a_copy),
        JOURNAL_TEST(test_a_view_without_a_mark_is_made_anew),
        JOURNAL_TEST(test_an_end_before_the_mark),
        JOURNAL_TEST(test_missing_segments),
        JOURNAL_TEST(test_missing_segments_of_a_crashed_journal),
        JOURNAL_TEST(test_another_journals_segment_before_the_first_commit),
        JOURNAL_TEST(test_another_journals_segment_where_the_log_goes_on),
        JOURNAL_TEST(test_a_segment_of_another_time),
    };
    int failed = cmocka_run_group_tests_name("damaged log", tests, NULL, NULL);
    print_sentences();
    return failed;
}
