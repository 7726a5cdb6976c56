/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Bases: their bytes, that they follow from the log alone, and that answers do not need them. */
#include "history_fixture.h"

#include "history/past_part.h"

#define COMMITS 700

static history h;

/* ---- bytes ------------------------------------------------------------------------------ */

static const uint8_t KEY_1[] = {3, 0, 0, 0, 1, 2};
static const uint8_t KEY_2[] = {7, 0, 0, 0, 1, 'i', 'd'};

static void write_two_rows(const char *directory, tj__base_header *header)
{
    tj__base_writer *writer = NULL;
    tj_uuid id = uuid(7);
    tj__position position = {.sequence = 0x1112,
                             .time = 0x2122,
                             .hash = 0x3132,
                             .epoch = 0x4142,
                             .ordinal = 13,
                             .offset = TJ__SEGMENT_HEADER_SIZE};
    tj__row rows[] = {
        {.key = {KEY_1, sizeof KEY_1}, .value = {(const uint8_t *)"one", 3}, .sequence = 5},
        {.key = {KEY_2, sizeof KEY_2}, .value = {NULL, 0}, .sequence = 6},
    };
    assert_ok(tj__base_writer_open(directory, TJ__BASE_STATE, 12, &writer, &err));
    assert_ok(tj__base_writer_add(writer, &rows[0], &err));
    assert_ok(tj__base_writer_add(writer, &rows[1], &err));
    assert_ok(tj__base_writer_finish(writer, &id, &position, header, &err));
    tj__base_writer_close(writer);
}

/* docs/FORMAT.md, "Bases". */
static void the_bytes_are_those_of_the_format(void **state)
{
    static const uint8_t expected[] = {
        0x54, 0x4a, 0x48, 0x42, 0x41, 0x53, 0x45, 0x31, 0x01, 0x00, 0x00, 0x00, 0x8c, 0x00, 0x00,
        0x00, 0xa0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x07, 0x12, 0x11, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x22, 0x21, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x32, 0x31, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x42, 0x41, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x0d, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x30, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xb0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x20,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x4d, 0xa9, 0xc3, 0x02, 0x9d, 0xf9, 0x85, 0x0d,
        0x21, 0xbe, 0x9f, 0x64, 0x18, 0xdf, 0x9a, 0x92, 0x06, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00,
        0x00, 0x05, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00, 0x01, 0x02,
        0x6f, 0x6e, 0x65, 0x07, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x06, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x07, 0x00, 0x00, 0x00, 0x01, 0x69, 0x64, 0x80, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x30, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x9a, 0x9e, 0x35,
        0xd2, 0x6b, 0x84, 0x74, 0xe3, 0x06, 0x00, 0x03, 0x00, 0x00, 0x00, 0x01, 0x02,
    };
    fixture *f = *state;
    char path[PATH_TEXT_SIZE + 32];
    tj__base_header header;
    size_t size = 0;
    write_two_rows(f->directory, &header);
    snprintf(path, sizeof path, "%s/0000000012.state", f->directory);
    uint8_t *bytes = read_whole(path, &size);
    assert_int_equal(size, sizeof expected);
    assert_memory_equal(bytes, expected, size);
    free(bytes);
}

/* Every byte is covered: one that is another makes the base unusable, or its rows unreadable. */
static void any_changed_byte_is_noticed(void **state)
{
    fixture *f = *state;
    char path[PATH_TEXT_SIZE + 32];
    tj__base_header header;
    tj_uuid id = uuid(7);
    write_two_rows(f->directory, &header);
    snprintf(path, sizeof path, "%s/0000000012.state", f->directory);
    for (size_t at = 0; at < tj__base_size(&header); at++) {
        tj__base *base = NULL;
        tj__digest digest;
        flip_byte(path, at);
        tj_status status = tj__base_open(f->directory, &id, TJ__BASE_STATE, 12, &base, &err);
        if (status == TJ_OK) {
            status = tj__digest_rows(&base->rows, &digest, &err);
            assert_true(base->damaged);
        }
        assert_true(status == TJ_CORRUPT || status == TJ_FORMAT_NEWER);
        tj__base_close(base);
        flip_byte(path, at);
    }
    assert_int_equal(truncate(path, (off_t)tj__base_size(&header) - 1), 0);
    tj__base *base = NULL;
    assert_int_equal(tj__base_open(f->directory, &id, TJ__BASE_STATE, 12, &base, &err), TJ_CORRUPT);
}

/* ---- what they follow from -------------------------------------------------------------- */

static void begin(fixture *f)
{
    random_start();
    f->config.lmdb.lag_ms = NEVER_MS; /* then no bases are built behind the writer */
    history_begin(f, &h);
    history_go_on(f, &h, COMMITS);
    fixture_close(f);
    assert_true(build_bases(&h) > 6);
    assert_int_equal(build_bases(&h), 0);
}

static void every_state_comes_back(void **state)
{
    begin(*state);
    for (uint64_t n = 0; n <= h.last; n++) {
        assert_past(&h, n, n % 50 == 0 ? TJ__TABLES_ALL : based_tables());
    }
}

static void digest_files(const char *directory, char text[4096])
{
    char command[1024];
    snprintf(command, sizeof command, "cd %s && sha256sum * | sort", directory);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t size = fread(text, 1, 4095, pipe);
    text[size] = '\0';
    assert_int_equal(pclose(pipe), 0);
}

static void each_is_built_again_with_the_same_bytes(void **state)
{
    fixture *f = *state;
    char before[4096];
    char after[4096];
    begin(f);
    digest_files(h.history_path, before);
    shell("rm -r %s", h.history_path);
    h.place.memory = 2000; /* many ranges of keys */
    build_bases(&h);
    digest_files(h.history_path, after);
    assert_string_equal(after, before);
    for (int kind = 0; kind < TJ__BASE_KINDS; kind++) {
        tj__base_list list;
        assert_ok(tj__base_list_read(h.history_path, (tj__base_kind)kind, &list, &err));
        for (size_t i = 0; i < list.count; i++) {
            char path[TJ__BASE_PATH_SIZE];
            assert_ok(tj__base_path(path, h.history_path, (tj__base_kind)kind, list.ordinals[i],
                                    false, &err));
            assert_int_equal(unlink(path), 0);
            assert_past(&h, 1 + random_below((unsigned)h.last), based_tables());
            assert_int_equal(build_bases(&h), 1);
        }
        tj__base_list_dispose(&list);
    }
    digest_files(h.history_path, after);
    assert_string_equal(after, before);
}

static void a_damaged_one_changes_no_answer(void **state)
{
    fixture *f = *state;
    begin(f);
    char before[4096];
    char after[4096];
    digest_files(h.history_path, before);
    for (unsigned round = 0; round < 60; round++) {
        tj__base_list list;
        char path[TJ__BASE_PATH_SIZE];
        struct stat found;
        tj__base_kind kind = (tj__base_kind)random_below(TJ__BASE_KINDS);
        assert_ok(tj__base_list_read(h.history_path, kind, &list, &err));
        uint64_t ordinal = list.ordinals[random_below((unsigned)list.count)];
        tj__base_list_dispose(&list);
        assert_ok(tj__base_path(path, h.history_path, kind, ordinal, false, &err));
        assert_int_equal(stat(path, &found), 0);
        flip_byte(path, random_below((unsigned)found.st_size));
        for (unsigned i = 0; i < 5; i++) {
            assert_past(&h, random_below((unsigned)h.last + 1), based_tables());
        }
        build_bases(&h); /* those behind it are of it, and there */
        assert_int_equal(unlink(path), 0);
        build_bases(&h);
        digest_files(h.history_path, after);
        assert_string_equal(after, before);
    }
}

/* ---- where they stand ------------------------------------------------------------------- */

/* The first segment's end from which the segments behind another are four times as long as that. */
static uint64_t end_of(uint64_t behind, uint64_t size)
{
    tj__segment_header header;
    uint64_t since = 0;
    do {
        assert_ok(tj__seek_header(h.log_path, &h.source.journal_id, ++behind, &header, &err));
        since += header.segment_size;
    } while (since < 4 * size);
    return behind;
}

static void assert_begins_with(tj__base_kind kind, uint64_t first, uint64_t second)
{
    tj__base_list list;
    assert_ok(tj__base_list_read(h.history_path, kind, &list, &err));
    assert_true(list.count >= 2);
    assert_int_equal(list.ordinals[0], first);
    assert_int_equal(list.ordinals[1], second);
    tj__base_list_dispose(&list);
}

static uint64_t size_of(tj__base_kind kind, uint64_t ordinal)
{
    tj__base_header header;
    assert_ok(tj__base_look(h.history_path, &h.source.journal_id, kind, ordinal, &header, &err));
    return tj__base_size(&header);
}

/* The first segment is short, and often holds no more than a base of it would. */
static void the_first_stands_behind_two_segments(void **state)
{
    begin(*state);
    for (int i = 0; i < TJ__BASE_KINDS; i++) {
        tj__base_kind kind = (tj__base_kind)i;
        assert_begins_with(kind, 2, end_of(2, size_of(kind, 2)));
    }
}

/* Earlier versions built one there, and others from it on. */
static void one_behind_the_first_segment_is_the_first(void **state)
{
    begin(*state);
    shell("rm %s/*", h.history_path);
    tj__base_order order = {.kind = TJ__BASE_STATE};
    assert_ok(tj__base_build(&h.place, 1, &order, 1, &err));
    assert_true(build_bases(&h) > 6);
    assert_begins_with(TJ__BASE_STATE, 1, end_of(1, tj__base_size(&order.header)));
    assert_begins_with(TJ__BASE_ALGOS, 2, end_of(2, size_of(TJ__BASE_ALGOS, 2)));
    for (uint64_t n = 0; n <= h.last; n += 20) {
        assert_past(&h, n, based_tables());
    }
}

/* The newest sealed segment is on the disk only once the next one was begun. */
static void none_is_built_before_its_segment_is_durable(void **state)
{
    fixture *f = *state;
    tj__segment_list list = {0};
    tj__segment_header header;
    char path[TJ__SEGMENT_PATH_SIZE];
    static const uint8_t zeros[TJ__SEGMENT_HEADER_SIZE];
    begin(f);
    assert_ok(tj__segment_list_read(h.log_path, &list, &err));
    uint64_t open = list.ordinals[list.count - 1];
    while (tj__seek_header(h.log_path, &h.source.journal_id, open, &header, &err) != TJ_OK) {
        open--;
    }
    tj__segment_list_dispose(&list);
    assert_ok(tj__segment_path(path, h.log_path, open, &err));
    write_at(path, 0, zeros, sizeof zeros);
    shell("rm -r %s", h.history_path);
    build_bases(&h);
    tj__base_list bases;
    assert_ok(tj__base_list_read(h.history_path, TJ__BASE_ALGOS, &bases, &err));
    assert_true(bases.count > 0);
    assert_true(bases.ordinals[bases.count - 1] < open - 1);
    tj__base_list_dispose(&bases);
    f->damaged = true;
}

/* States outside a hole stay right, and inside it none is ever answered. */
static void a_missing_segment_is_never_passed_over(void **state)
{
    fixture *f = *state;
    tj__segment_header from;
    tj__segment_header to;
    begin(f);
    assert_ok(tj__seek_header(h.log_path, &h.source.journal_id, 4, &from, &err));
    assert_ok(tj__seek_header(h.log_path, &h.source.journal_id, 5, &to, &err));
    shell("rm %s/0000000004.log", h.log_path);
    for (uint64_t n = 0; n <= h.last; n += 1 + random_below(6)) {
        tj__row_source *rows = NULL;
        if (n < from.first_sequence) {
            assert_past(&h, n, based_tables());
        } else if (n < to.first_sequence - 1) {
            assert_int_equal(tj__past_begin(&h.source, n, based_tables(), &rows, &err),
                             TJ_NOT_FOUND);
            assert_non_null(strstr(err.message, "is not kept"));
        } else if (tj__past_begin(&h.source, n, based_tables(), &rows, &err) == TJ_OK) {
            tj__past_end(rows);
            assert_past(&h, n, based_tables());
        }
    }
    f->damaged = true;
}

static void a_commit_is_found_by_its_time(void **state)
{
    begin(*state);
    uint64_t found = 1;
    for (uint64_t n = 1; n < h.last; n += 1 + random_below(20)) {
        tj__position start;
        assert_ok(tj__seek_time(&h.source, h.times[n], &found, &err));
        assert_int_equal(found, n);
        assert_ok(tj__seek_time(&h.source, h.times[n] - 1, &found, &err));
        assert_int_equal(found, n - 1);
        assert_ok(tj__seek_commit(&h.source, n, &start, &err));
        assert_true(start.sequence < n);
    }
    assert_ok(tj__seek_time(&h.source, 1, &found, &err));
    assert_int_equal(found, 0);
    assert_ok(tj__seek_time(&h.source, INT64_MAX, &found, &err));
    assert_int_equal(found, h.last);
}

static void add_bytes(void *context, uint64_t ordinal, size_t bytes)
{
    uint64_t *all = context;
    assert_true(ordinal > 0);
    *all += bytes;
}

/* It rests behind every byte that it writes, and the less the further it is behind. */
static void a_builder_gives_way(void **state)
{
    uint64_t rested = 0;
    uint64_t bytes = 0;
    begin(*state);
    shell("rm %s/*", h.history_path);
    h.place.rest = add_bytes;
    h.place.rest_context = &rested;
    build_bases(&h);
    assert_ok(tj__bases_size(h.history_path, &bytes, &err));
    assert_true(bytes > 0);
    assert_int_equal(rested, bytes);
    assert_int_equal(tj__base_rest_ms((size_t)4 << 20, 0), 1024);
    assert_int_equal(tj__base_rest_ms((size_t)4 << 20, 3), 256);
    assert_int_equal(tj__base_rest_ms(1000, 0), 0);
}

/* Between a base and a commit many orders come and go: what is held is what is there. */
static void what_came_and_went_is_not_held(void **state)
{
    fixture *f = *state;
    enum { ALIVE = 5, LAST = 1000 };
    uint64_t furthest = 0;
    f->config.lmdb.lag_ms = NEVER_MS;
    history_begin(f, &h);
    for (unsigned n = 1; n <= LAST; n++) {
        tj_txn *txn = NULL;
        char id[32];
        snprintf(id, sizeof id, "order-%u", n);
        tj_order order = plain_order(id);
        assert_ok(tj_txn_begin(f->store, &txn, &err));
        assert_ok(tj_txn_put_order(txn, &order, &err));
        snprintf(id, sizeof id, "order-%u", n > ALIVE ? n - ALIVE : n + LAST);
        assert_ok(tj_txn_delete_order(txn, tj_str_of(id), &err));
        assert_ok(tj_txn_commit(txn, NULL, NULL, &err));
        h.live[n] = live_digest(f);
    }
    fixture_close(f);
    assert_true(build_bases(&h) > 4);
    for (uint64_t n = LAST / 2; n <= LAST; n++) {
        tj__past_part part = {.source = &h.source,
                              .sequence = n,
                              .tables = tj__base_tables(TJ__BASE_STATE),
                              .based = true,
                              .kind = TJ__BASE_STATE,
                              .base_bound = UINT64_MAX};
        assert_ok(tj__past_part_begin(&part, &err));
        uint64_t since = n - part.base->header.position.sequence;
        furthest = since > furthest ? since : furthest;
        assert_in_range(tj__rowmap_count(part.changes), 0, 8 * ALIVE);
        tj__past_part_end(&part);
        assert_past(&h, n, based_tables());
    }
    assert_true(furthest > 20 * ALIVE);
}

int main(void)
{
    directory_in_memory();
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(the_bytes_are_those_of_the_format),
        JOURNAL_TEST(any_changed_byte_is_noticed),
        JOURNAL_TEST(every_state_comes_back),
        JOURNAL_TEST(each_is_built_again_with_the_same_bytes),
        JOURNAL_TEST(a_damaged_one_changes_no_answer),
        JOURNAL_TEST(the_first_stands_behind_two_segments),
        JOURNAL_TEST(one_behind_the_first_segment_is_the_first),
        JOURNAL_TEST(none_is_built_before_its_segment_is_durable),
        JOURNAL_TEST(a_missing_segment_is_never_passed_over),
        JOURNAL_TEST(a_commit_is_found_by_its_time),
        JOURNAL_TEST(a_builder_gives_way),
        JOURNAL_TEST(what_came_and_went_is_not_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
