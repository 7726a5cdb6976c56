/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* P14: one of many algorithms is found in the past by the keys of segments, exactly, and without
 * them as well. */
#include "history_fixture.h"

#include "history/base_writer.h"

#include <tesser/maintain.h>
#include <tesser/verify.h>

#define ALGOS 3000
#define IMPORTED_AT_ONCE 500
#define COMMITS 2500
#define IDS 200000 /* enough that two have one hash */

static history h;
static unsigned twins[2]; /* algorithms whose keys have the same hash */

/* What each commit did to which algorithm; 0: it deleted it. */
typedef struct change {
    uint64_t sequence;
    unsigned algo;
    unsigned value;
} change;
static change changes[ALGOS + 2 * COMMITS];
static size_t change_count;

/* ---- a journal of many algorithms ----------------------------------------------------------- */

typedef struct hashed {
    uint64_t hash;
    unsigned number;
} hashed;

static tj__key key_of(unsigned algo)
{
    tj_uuid id = uuid(algo);
    return tj__key_algo(1, &id);
}

static int compare_hashes(const void *left, const void *right)
{
    uint64_t a = ((const hashed *)left)->hash;
    uint64_t b = ((const hashed *)right)->hash;
    return a < b ? -1 : a > b;
}

static void find_twins(void)
{
    static hashed all[IDS];
    bool found = false;
    for (unsigned i = 0; i < IDS; i++) {
        tj__key key = key_of(ALGOS + i);
        all[i] = (hashed){tj__hash(key.bytes, key.size) >> 32, ALGOS + i};
    }
    qsort(all, IDS, sizeof *all, compare_hashes);
    for (unsigned i = 1; i < IDS && !found; i++) {
        found = all[i].hash == all[i - 1].hash;
        twins[0] = all[i - 1].number;
        twins[1] = all[i].number;
    }
    assert_true(found);
}

static void change_algo(tj_txn *txn, unsigned algo, unsigned value)
{
    char payload[64];
    tj_uuid id = uuid(algo);
    snprintf(payload, sizeof payload, "{\"slices\":%u,\"left\":\"0.125\"}", value);
    tj_algo_state state = {TJ_STR("TWAP"), tj_str_of(payload)};
    assert_ok(value > 0 ? tj_txn_put_algo(txn, &id, &state, &err)
                        : tj_txn_delete_algo(txn, &id, &err));
    changes[change_count++] = (change){h.last + 1, algo, value};
}

static void commit(fixture *f, tj_txn *txn)
{
    uint64_t sequence = 0;
    tj_decimal equity = tj_decimal_int((int64_t)h.last + 1);
    assert_ok(tj_txn_set_portfolio_equity(txn, &equity, &err));
    assert_ok(tj_txn_commit(txn, NULL, &sequence, &err));
    assert_int_equal(sequence, ++h.last);
    (void)f;
}

static unsigned some_algo(void)
{
    unsigned number = random_below(ALGOS + 200);
    return number < ALGOS ? number : twins[number % 2];
}

static void change_some(fixture *f, unsigned n)
{
    tj_txn *txn = NULL;
    assert_ok(tj_txn_begin(f->store, &txn, &err));
    unsigned first = some_algo();
    if (n % 3 == 0) {
        change_algo(txn, first, random_below(4) == 0 ? 0 : n);
    }
    if (n % 30 == 0 && first != twins[0]) {
        change_algo(txn, twins[0], n);
    }
    char id[32];
    snprintf(id, sizeof id, "order-%u", n % HISTORY_ORDERS);
    tj_order order = plain_order(id);
    order.updated_at = (tj_time)n;
    assert_ok(tj_txn_put_order(txn, &order, &err));
    commit(f, txn);
}

static void fill(fixture *f)
{
    random_start();
    f->config.lmdb.lag_ms = NEVER_MS; /* then nothing is built behind the writer */
    change_count = 0;
    history_begin(f, &h);
    for (unsigned n = 0; n < ALGOS; n += IMPORTED_AT_ONCE) {
        tj_txn *txn = NULL;
        assert_ok(tj_txn_begin(f->store, &txn, &err));
        for (unsigned i = 0; i < IMPORTED_AT_ONCE; i++) {
            change_algo(txn, n + i, 1 + i);
        }
        commit(f, txn);
    }
    for (unsigned n = 1; n <= COMMITS; n++) {
        change_some(f, n);
    }
}

static void begin(fixture *f)
{
    fill(f);
    fixture_close(f);
    build_bases(&h);
    assert_true(build_keys(&h) > 5);
    assert_int_equal(build_keys(&h), 0);
}

/* ---- answers -------------------------------------------------------------------------------- */

/* 0: it was not there. */
static unsigned value_at(unsigned algo, uint64_t sequence)
{
    unsigned value = 0;
    for (size_t i = 0; i < change_count && changes[i].sequence <= sequence; i++) {
        value = changes[i].algo == algo ? changes[i].value : value;
    }
    return value;
}

/* True: its part of the state was not read for it. */
static bool assert_algo(unsigned algo, uint64_t sequence)
{
    tj__row_source *rows = NULL;
    tj__row row;
    tj__position position;
    char expected[64];
    tj__key key = key_of(algo);
    unsigned value = value_at(algo, sequence);
    assert_ok(tj__past_open(&h.source, sequence, TJ__TABLE_BIT(TJ__TABLE_ALGOS), 0, &rows, &err));
    tj_status status = rows->get(rows, tj__key_bytes(&key), &row, &err);
    if (status != (value > 0 ? TJ_OK : TJ_NOT_FOUND)) {
        fail_msg("algorithm %u at %" PRIu64 ": %s", algo, sequence, tj_status_name(status));
    }
    snprintf(expected, sizeof expected, "{\"slices\":%u,\"left\":\"0.125\"}", value);
    if (value > 0) {
        size_t size = strlen(expected);
        assert_true(tj__bytes_equal(row.key, tj__key_bytes(&key)));
        assert_true(row.value.size > size && row.sequence <= sequence);
        assert_memory_equal(row.value.data + row.value.size - size, expected, size);
    }
    bool found = !tj__past_position(rows, &position);
    tj__past_end(rows);
    return found;
}

static unsigned assert_algos(unsigned count)
{
    unsigned found = 0;
    for (unsigned i = 0; i < count; i++) {
        uint64_t sequence = h.source.first_segment > 1 ? h.last - random_below(COMMITS / 3)
                                                       : 1 + random_below((unsigned)h.last);
        found += assert_algo(some_algo(), sequence);
    }
    return found;
}

static void each_is_found_as_it_was(void **state)
{
    begin(*state);
    assert_true(assert_algos(1000) > 500);
    for (unsigned i = 0; i < 100; i++) { /* each changed in the commit, or just before it */
        const change *c = &changes[ALGOS + random_below((unsigned)(change_count - ALGOS))];
        assert_algo(c->algo, c->sequence);
        assert_algo(c->algo, c->sequence - 1);
    }
}

static void the_interface_finds_it(void **state)
{
    fixture *f = *state;
    begin(f);
    fixture_open(f);
    tj_algo_repository *algos = tj_store_algo_repository(f->store, NULL);
    for (unsigned i = 0; i < 200; i++) {
        tj_algo_record *record = NULL;
        unsigned algo = some_algo();
        tj_uuid id = uuid(algo);
        tj_moment moment = {.sequence = 1 + random_below((unsigned)h.last)};
        unsigned value = value_at(algo, moment.sequence);
        tj_status status = tj_algo_load_at(algos, moment, &id, &record, &err);
        assert_int_equal(status, value > 0 ? TJ_OK : TJ_NOT_FOUND);
        tj_algo_record_free(record);
    }
    fixture_close(f);
}

/* Who asks for many has the part read once. */
static void many_are_not_looked_for_one_by_one(void **state)
{
    begin(*state);
    tj__row_source *rows = NULL;
    tj__position position;
    assert_ok(tj__past_open(&h.source, h.last, TJ__TABLE_BIT(TJ__TABLE_ALGOS), 0, &rows, &err));
    for (unsigned i = 0; i < 100; i++) {
        tj__row row;
        unsigned algo = some_algo();
        tj__key key = key_of(algo);
        assert_int_equal(rows->get(rows, tj__key_bytes(&key), &row, &err),
                         value_at(algo, h.last) > 0 ? TJ_OK : TJ_NOT_FOUND);
    }
    assert_true(tj__past_position(rows, &position));
    tj__past_end(rows);
}

/* ---- files ---------------------------------------------------------------------------------- */

static tj__base_list list_keys(void)
{
    tj__base_list list;
    assert_ok(tj__base_list_read(h.history_path, TJ__BASE_KEYS, &list, &err));
    return list;
}

static void path_of(char path[TJ__BASE_PATH_SIZE], uint64_t ordinal)
{
    assert_ok(tj__base_path(path, h.history_path, TJ__BASE_KEYS, ordinal, false, &err));
}

/* How many entries of a row lead to their records; docs/FORMAT.md, "Keys". */
static size_t check_entries(const uint8_t *segment, uint8_t first, const uint8_t *value,
                            size_t size)
{
    uint64_t before = 0;
    assert_int_equal(size % 8, 0);
    for (size_t at = 0; at < size; at += 8) {
        uint64_t entry = tj__load_u64(value + at);
        const uint8_t *record = segment + 64 * (entry & UINT32_MAX);
        assert_true(entry >= before && entry >> 56 == first);
        before = entry;
        assert_memory_equal(record, "TJRC", 4);
        uint32_t count = tj__load_u32(record + 76);
        const uint8_t *body = record + 80;
        bool found = false;
        for (uint32_t i = 0; i < count; i++) {
            uint16_t key_size = tj__load_u16(body + 2);
            found = found || tj__hash(body + 8, key_size) >> 32 == entry >> 32;
            body += 8 + key_size + tj__load_u32(body + 4);
        }
        assert_true(found);
    }
    return size / 8;
}

static void the_bytes_are_those_of_the_format(void **state)
{
    begin(*state);
    tj__base_list list = list_keys();
    for (size_t i = 0; i < list.count; i++) {
        char path[TJ__BASE_PATH_SIZE];
        size_t size = 0;
        tj__segment_header header;
        tj__segment_header next;
        path_of(path, list.ordinals[i]);
        uint8_t *bytes = read_whole(path, &size);
        assert_ok(tj__segment_path(path, h.log_path, list.ordinals[i], &err));
        uint8_t *segment = read_whole(path, &size);
        assert_memory_equal(bytes, "TJHBASE1", 8);
        assert_int_equal(tj__load_u32(bytes + 12), 1u << 0 | 1u << 4 | 1u << 9);
        size_t entries = 0;
        uint64_t row_bytes = tj__load_u64(bytes + 88);
        for (size_t at = 128; at < 128 + row_bytes;) {
            assert_int_equal(tj__load_u16(bytes + at), 1);
            uint32_t value_size = tj__load_u32(bytes + at + 4);
            assert_int_equal(tj__load_u64(bytes + at + 8), tj__load_u64(bytes + 32));
            entries += check_entries(segment, bytes[at + 16], bytes + at + 17, value_size);
            at += 17 + value_size;
        }
        assert_ok(
            tj__seek_header(h.log_path, &h.source.journal_id, list.ordinals[i], &header, &err));
        assert_ok(
            tj__seek_header(h.log_path, &h.source.journal_id, list.ordinals[i] + 1, &next, &err));
        for (size_t c = 0; c < change_count; c++) {
            entries -= changes[c].sequence >= header.first_sequence &&
                       changes[c].sequence < next.first_sequence;
        }
        assert_int_equal(entries, 0);
        free(bytes);
        free(segment);
    }
    tj__base_list_dispose(&list);
}

static void digest_files(char text[8192])
{
    char command[1024];
    snprintf(command, sizeof command, "cd %s && sha256sum *.keys", h.history_path);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t size = fread(text, 1, 8191, pipe);
    text[size] = '\0';
    assert_int_equal(pclose(pipe), 0);
}

static void each_is_built_again_with_the_same_bytes(void **state)
{
    static char before[8192];
    static char after[8192];
    begin(*state);
    digest_files(before);
    tj__base_list list = list_keys();
    for (size_t i = 0; i < list.count; i++) {
        char path[TJ__BASE_PATH_SIZE];
        path_of(path, list.ordinals[i]);
        assert_int_equal(unlink(path), 0);
        assert_algos(30);
        assert_int_equal(build_keys(&h), 1);
    }
    tj__base_list_dispose(&list);
    shell("rm %s/*.keys", h.history_path);
    assert_int_equal(assert_algos(30), 0);
    build_keys(&h);
    digest_files(after);
    assert_string_equal(after, before);
}

static void a_damaged_one_changes_no_answer(void **state)
{
    fixture *f = *state;
    begin(f);
    tj__base_list list = list_keys();
    for (unsigned round = 0; round < 25; round++) {
        char path[TJ__BASE_PATH_SIZE];
        struct stat found;
        path_of(path, list.ordinals[random_below((unsigned)list.count)]);
        assert_int_equal(stat(path, &found), 0);
        size_t at = random_below((unsigned)found.st_size);
        flip_byte(path, at);
        assert_algos(20);
        if (round % 10 == 0) {
            tj_verify_report *report = NULL;
            assert_ok(tj_verify(f->path, NULL, &report, &err));
            assert_int_equal(report->verdict, TJ_VERDICT_DAMAGED);
            assert_string_equal(report->findings[0].file.data, path);
            assert_non_null(strstr(report->findings[0].sentence.data, "costs time only"));
            tj_verify_report_free(report);
        }
        flip_byte(path, at);
    }
    tj__base_list_dispose(&list);
}

/* Whole by themselves, with nothing in them. */
static void write_empty(uint64_t ordinal, uint64_t other_hash)
{
    tj__base_header header;
    tj__base_writer *writer = NULL;
    assert_ok(
        tj__base_look(h.history_path, &h.source.journal_id, TJ__BASE_KEYS, ordinal, &header, &err));
    header.position.hash ^= other_hash;
    assert_ok(tj__base_writer_open(h.history_path, TJ__BASE_KEYS, ordinal, &writer, &err));
    assert_ok(tj__base_writer_finish(writer, &h.source.journal_id, &header.position, NULL, &err));
    tj__base_writer_close(writer);
}

static void assert_verdict(const fixture *f, bool deep, tj_verdict verdict)
{
    tj_verify_report *report = NULL;
    tj_verify_options options = TJ_VERIFY_OPTIONS_INIT;
    options.deep = deep;
    assert_ok(tj_verify(f->path, &options, &report, &err));
    assert_int_equal(report->verdict, verdict);
    tj_verify_report_free(report);
}

static void those_of_another_history_are_not_believed(void **state)
{
    fixture *f = *state;
    begin(f);
    tj__base_list list = list_keys();
    for (size_t i = 1; i < list.count; i += 2) {
        write_empty(list.ordinals[i], 1);
    }
    tj__base_list_dispose(&list);
    assert_algos(500);
    assert_verdict(f, false, TJ_VERDICT_DAMAGED);
    f->damaged = true;
}

/* Not what the segment changes: only a deep verification sees that. */
static void entries_are_compared_with_the_segment(void **state)
{
    fixture *f = *state;
    begin(f);
    tj__base_list list = list_keys();
    assert_verdict(f, true, TJ_VERDICT_SOUND);
    write_empty(list.ordinals[list.count / 2], 0);
    assert_verdict(f, false, TJ_VERDICT_SOUND);
    assert_verdict(f, true, TJ_VERDICT_DAMAGED);
    tj__base_list_dispose(&list);
}

/* A hole in the log: what is answered is right. */
static void a_missing_segment_is_not_passed_over(void **state)
{
    fixture *f = *state;
    begin(f);
    tj__base_list list = list_keys();
    uint64_t hole = list.ordinals[list.count / 2];
    tj__segment_header next;
    assert_ok(tj__seek_header(h.log_path, &h.source.journal_id, hole + 1, &next, &err));
    shell("rm %s/%010" PRIu64 ".log", h.log_path, hole);
    for (unsigned i = 0; i < 200; i++) {
        uint64_t sequence = next.first_sequence + random_below(200);
        tj__row_source *rows = NULL;
        tj__row row;
        tj__key key = key_of(some_algo());
        assert_ok(
            tj__past_open(&h.source, sequence, TJ__TABLE_BIT(TJ__TABLE_ALGOS), 0, &rows, &err));
        err = (tj_error)TJ_ERROR_INIT;
        assert_int_equal(rows->get(rows, tj__key_bytes(&key), &row, &err), TJ_NOT_FOUND);
        assert_non_null(strstr(err.message, "is not kept"));
        tj__past_end(rows);
    }
    tj__base_list_dispose(&list);
    f->damaged = true;
}

/* ---- the life of the files ------------------------------------------------------------------- */

static void they_are_built_behind_the_writer_and_go_with_their_segments(void **state)
{
    fixture *f = *state;
    tj_prune_options options = TJ_PRUNE_OPTIONS_INIT;
    tj_prune_report report = TJ_PRUNE_REPORT_INIT;
    fill(f);
    fixture_close(f);
    f->config.no_threads = true;
    fixture_open(f);
    tj__base_list list = {0};
    for (int i = 0; i < 1000 && list.count < 8; i++) {
        assert_ok(tj_store_work(f->store, &err));
        tj__base_list_dispose(&list);
        list = list_keys();
    }
    assert_true(list.count >= 8);
    assert_true(assert_algos(300) > 0);
    options.history_size_bytes = 10 * TJ_SEGMENT_SIZE_MIN;
    assert_ok(tj_prune(f->store, &options, &report, &err));
    assert_true(report.segment_count > 0);
    h.source.first_segment = report.first_segment;
    tj__base_list_dispose(&list);
    list = list_keys();
    for (size_t i = 0; i < list.count; i++) {
        assert_true(list.ordinals[i] >= report.first_segment);
    }
    tj__base_list_dispose(&list);
    while (h.last < report.oldest_sequence + COMMITS / 3) {
        change_some(f, (unsigned)h.last + 1);
    }
    assert_algos(300);
    fixture_close(f);
}

int main(void)
{
    directory_in_memory();
    find_twins();
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(each_is_found_as_it_was),
        JOURNAL_TEST(the_interface_finds_it),
        JOURNAL_TEST(many_are_not_looked_for_one_by_one),
        JOURNAL_TEST(the_bytes_are_those_of_the_format),
        JOURNAL_TEST(each_is_built_again_with_the_same_bytes),
        JOURNAL_TEST(a_damaged_one_changes_no_answer),
        JOURNAL_TEST(those_of_another_history_are_not_believed),
        JOURNAL_TEST(entries_are_compared_with_the_segment),
        JOURNAL_TEST(a_missing_segment_is_not_passed_over),
        JOURNAL_TEST(they_are_built_behind_the_writer_and_go_with_their_segments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
