/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Bases are part of what a verification accounts for: each byte, each row, and their place. */
#include "history/history_fixture.h"

#include "history/base_writer.h"

#include <tesser/maintain.h>
#include <tesser/verify.h>

#define COMMITS 500
#define FLIPS 40

static history h;

static void begin(fixture *f)
{
    history_make(f, &h, COMMITS);
    assert_true(build_bases(&h) > 4);
}

static tj_verify_report *verify(fixture *f, bool deep)
{
    tj_verify_report *report = NULL;
    tj_verify_options options = TJ_VERIFY_OPTIONS_INIT;
    options.deep = deep;
    assert_ok(tj_verify(f->path, &options, &report, &err));
    return report;
}

static void assert_sound(fixture *f, uint64_t bases)
{
    for (int deep = 0; deep < 2; deep++) {
        tj_verify_report *report = verify(f, deep);
        if (report->finding_count > 0) {
            fail_msg("%.*s", (int)report->findings[0].sentence.size,
                     report->findings[0].sentence.data);
        }
        assert_int_equal(report->verdict, TJ_VERDICT_SOUND);
        assert_int_equal(report->base_count, bases);
        assert_true(report->base_bytes > 0);
        tj_verify_report_free(report);
    }
}

/* The one base is named, and what that costs; the newest state is whole. */
static void assert_damaged(fixture *f, bool deep, const char *path, const char *cost)
{
    tj_verify_report *report = verify(f, deep);
    assert_int_equal(report->verdict, TJ_VERDICT_DAMAGED);
    assert_true(report->newest_whole);
    const tj_finding *finding = &report->findings[0];
    assert_int_equal(finding->kind, TJ_FINDING_DAMAGE);
    assert_non_null(finding->file.data);
    assert_string_equal(finding->file.data, path);
    if (!strstr(finding->sentence.data, cost)) {
        fail_msg("%s", finding->sentence.data);
    }
    tj_verify_report_free(report);
}

static void base_path(char *path, tj__base_kind kind, uint64_t ordinal)
{
    assert_ok(tj__base_path(path, h.history_path, kind, ordinal, false, &err));
}

static tj__base_list list_of(tj__base_kind kind)
{
    tj__base_list list;
    assert_ok(tj__base_list_read(h.history_path, kind, &list, &err));
    assert_true(list.count > 0);
    return list;
}

static void each_byte_is_accounted_for(void **state)
{
    fixture *f = *state;
    begin(f);
    tj__base_list lists[TJ__BASE_KINDS] = {list_of(TJ__BASE_STATE), list_of(TJ__BASE_ALGOS)};
    assert_sound(f, lists[0].count + lists[1].count);
    for (unsigned i = 0; i < FLIPS; i++) {
        char path[TJ__BASE_PATH_SIZE];
        struct stat found;
        tj__base_kind kind = (tj__base_kind)(i % TJ__BASE_KINDS);
        base_path(path, kind, lists[kind].ordinals[random_below((unsigned)lists[kind].count)]);
        assert_int_equal(stat(path, &found), 0);
        uint64_t at = i < 16 ? 8 * (uint64_t)i : random_u64() % (uint64_t)found.st_size;
        uint8_t bit = (uint8_t)(1u << random_below(8));
        turn_bits(path, at, bit);
        assert_damaged(f, i % 4 == 0, path, "delete it, which costs time only");
        turn_bits(path, at, bit);
    }
    assert_sound(f, lists[0].count + lists[1].count);
    for (int kind = 0; kind < TJ__BASE_KINDS; kind++) {
        tj__base_list_dispose(&lists[kind]);
    }
}

/* Whole by itself, and not what the log comes to. */
static void rows_are_compared_with_the_log(void **state)
{
    fixture *f = *state;
    char path[TJ__BASE_PATH_SIZE];
    begin(f);
    for (int kind = 0; kind < TJ__BASE_KINDS; kind++) {
        tj__base_writer *writer = NULL;
        tj__base_header header;
        tj__base_list list = list_of((tj__base_kind)kind);
        uint64_t ordinal = list.ordinals[list.count / 2];
        assert_ok(tj__base_look(h.history_path, &h.source.journal_id, (tj__base_kind)kind, ordinal,
                                &header, &err));
        assert_ok(
            tj__base_writer_open(h.history_path, (tj__base_kind)kind, ordinal, &writer, &err));
        assert_ok(
            tj__base_writer_finish(writer, &h.source.journal_id, &header.position, NULL, &err));
        tj__base_writer_close(writer);
        tj_verify_report *report = verify(f, false);
        assert_int_equal(report->verdict, TJ_VERDICT_SOUND);
        tj_verify_report_free(report);
        base_path(path, (tj__base_kind)kind, ordinal);
        assert_damaged(f, true, path, "is not what the log comes to at commit ");
        /* In the place of another, whatever it holds. */
        header.position.sequence++;
        assert_ok(
            tj__base_writer_open(h.history_path, (tj__base_kind)kind, ordinal, &writer, &err));
        assert_ok(
            tj__base_writer_finish(writer, &h.source.journal_id, &header.position, NULL, &err));
        tj__base_writer_close(writer);
        assert_damaged(f, false, path, "is of another history");
        assert_int_equal(unlink(path), 0);
        tj__base_list_dispose(&list);
    }
}

static void a_source_is_told_from_what_can_be_built_again(void **state)
{
    fixture *f = *state;
    char path[TJ__BASE_PATH_SIZE];
    tj_prune_options options = TJ_PRUNE_OPTIONS_INIT;
    tj_prune_report report = TJ_PRUNE_REPORT_INIT;
    begin(f);
    options.history_size_bytes = 5 * TJ_SEGMENT_SIZE_MIN;
    fixture_open(f);
    assert_ok(tj_prune(f->store, &options, &report, &err));
    assert_true(report.segment_count > 0);
    fixture_close(f);
    for (int kind = 0; kind <= TJ__BASE_REST; kind++) {
        base_path(path, (tj__base_kind)kind, report.first_segment - 1);
        turn_bits(path, 200, 1);
        assert_damaged(f, false, path,
                       kind == TJ__BASE_REST ? "data.mdb alone has the ledger"
                                             : "no state up to the next base");
        turn_bits(path, 200, 1);
    }
    tj_verify_report *sound = verify(f, true);
    assert_int_equal(sound->verdict, TJ_VERDICT_SOUND);
    assert_true(sound->compared);
    tj_verify_report_free(sound);
}

/* A quarter of the log, however long it has become. */
static uint64_t prune_some(fixture *f)
{
    tj_prune_options options = TJ_PRUNE_OPTIONS_INIT;
    tj_prune_report report = TJ_PRUNE_REPORT_INIT;
    tj_store_info info = TJ_STORE_INFO_INIT;
    fixture_open(f);
    assert_ok(tj_store_info_get(f->store, &info, &err));
    options.history_size_bytes = info.lmdb.log_bytes * 3 / 4;
    assert_ok(tj_prune(f->store, &options, &report, &err));
    fixture_close(f);
    assert_true(report.segment_count > 0);
    return report.first_segment;
}

/* Nothing in the next one says that it was there, but the ledger in data.mdb does, and repair takes
 * from there what it had. */
static void a_rest_that_is_missing_before_another_is_named(void **state)
{
    fixture *f = *state;
    char path[TJ__BASE_PATH_SIZE];
    char next[TJ__BASE_PATH_SIZE];
    char away[PATH_TEXT_SIZE];
    char repaired[PATH_TEXT_SIZE];
    begin(f);
    uint64_t first = prune_some(f);
    uint64_t second = prune_some(f);
    base_path(path, TJ__BASE_REST, first - 1);
    base_path(next, TJ__BASE_REST, second - 1);
    snprintf(away, sizeof away, "%s/away", f->directory);
    snprintf(repaired, sizeof repaired, "%s/repaired", f->directory);
    assert_int_equal(rename(path, away), 0);
    for (int deep = 0; deep < 2; deep++) {
        tj_verify_report *report = verify(f, deep);
        assert_int_equal(report->finding_count, 1);
        assert_true(report->compared == (deep == 1));
        assert_int_equal(report->findings[0].sequence_first, 1);
        tj_verify_report_free(report);
        assert_damaged(f, deep, next, "is missing: of the entries of the ledger that commits 1 to");
    }
    tj_repair_report *report = NULL;
    assert_ok(tj_repair(f->path, repaired, NULL, &report, &err));
    assert_true(report->needed && report->written && !report->loses);
    tj_repair_report_free(report);
    assert_int_equal(rename(away, path), 0);
    fixture_open(f);
    tj__digest before = live_digest(f);
    fixture_close(f);
    f->config.path = repaired;
    fixture_open(f);
    tj__digest after = live_digest(f);
    fixture_close(f);
    assert_int_equal(tj__digest_differs(&before, &after), 0);
    f->config.path = f->path;
}

static void a_stranger_is_named(void **state)
{
    fixture *f = *state;
    begin(f);
    shell("touch %s/notes %s/0000000003.state~ %s/0000000001.state.tmp", h.history_path,
          h.history_path, h.history_path);
    tj_verify_report *report = verify(f, false);
    assert_int_equal(report->verdict, TJ_VERDICT_SOUND);
    assert_int_equal(report->finding_count, 3); /* the unfinished one too */
    for (size_t i = 0; i < report->finding_count; i++) {
        assert_int_equal(report->findings[i].kind, TJ_FINDING_NOTE);
    }
    tj_verify_report_free(report);
}

int main(void)
{
    directory_in_memory();
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(each_byte_is_accounted_for),
        JOURNAL_TEST(rows_are_compared_with_the_log),
        JOURNAL_TEST(a_source_is_told_from_what_can_be_built_again),
        JOURNAL_TEST(a_rest_that_is_missing_before_another_is_named),
        JOURNAL_TEST(a_stranger_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
