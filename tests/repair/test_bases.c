/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What rebuilds what: each segment deleted in turn, with data.mdb and without it, on a log from the
 * first commit on and on one that was pruned; each base deleted in turn. What comes back is
 * compared with the state that was kept beside the journal after every commit.
 */
#include "history/history_fixture.h"

#include <tesser/maintain.h>
#include <tesser/verify.h>

#define COMMITS 700

static history h;
static char kept[PATH_TEXT_SIZE + 16];
static char repaired[PATH_TEXT_SIZE + 16];
static uint64_t first_segment;

/* ---- a journal, again and again ------------------------------------------------------------- */

/* With bases, closed; pruned to a few segments. */
static void begin(fixture *f, bool pruned)
{
    history_make(f, &h, COMMITS);
    build_bases(&h);
    first_segment = 1;
    if (pruned) {
        tj_prune_options options = TJ_PRUNE_OPTIONS_INIT;
        tj_prune_report report = TJ_PRUNE_REPORT_INIT;
        options.history_size_bytes = 5 * TJ_SEGMENT_SIZE_MIN;
        fixture_open(f);
        assert_ok(tj_prune(f->store, &options, &report, &err));
        fixture_close(f);
        first_segment = report.first_segment;
        assert_true(first_segment > 1);
        build_bases(&(history){
            .source = {.first_segment = first_segment}, .place = h.place, .history_path = ""});
    }
    snprintf(kept, sizeof kept, "%s-kept", f->path);
    snprintf(repaired, sizeof repaired, "%s-repaired", f->path);
    shell("rm -rf %s && mv %s %s", kept, f->path, kept);
}

static void again(fixture *f)
{
    shell("rm -rf %s %s && cp -a %s %s", f->path, repaired, kept, f->path);
}

/* Leaves none that is damaged. */
static void end(const fixture *f)
{
    shell("rm -rf %s %s %s", f->path, repaired, kept);
}

static tj__segment_list segments(void)
{
    char log[PATH_TEXT_SIZE + 32];
    tj__segment_list list = {0};
    snprintf(log, sizeof log, "%s/log", kept);
    assert_ok(tj__segment_list_read(log, &list, &err));
    assert_true(list.count > 4);
    return list;
}

static tj_repair_report *repair(fixture *f)
{
    tj_repair_report *report = NULL;
    tj_repair_options options = TJ_REPAIR_OPTIONS_INIT;
    options.accept_loss = true;
    assert_ok(tj_repair(f->path, repaired, &options, &report, &err));
    assert_true(report->needed && report->written);
    return report;
}

/* ---- what came back -------------------------------------------------------------------------- */

static tj__digest digest_of(fixture *f, const char *path, tj_store_info *info)
{
    f->config.path = path;
    fixture_open(f);
    *info = (tj_store_info)TJ_STORE_INFO_INIT;
    assert_ok(tj_store_info_get(f->store, info, &err));
    tj__digest digest = live_digest(f);
    fixture_close(f);
    f->config.path = f->path;
    return digest;
}

/* States of the past that the new journal can give are those that were. */
static void assert_its_past(const tj_store_info *info, uint64_t end)
{
    char log[PATH_TEXT_SIZE + 32];
    char bases[PATH_TEXT_SIZE + 32];
    char first[TJ__SEGMENT_PATH_SIZE];
    uint64_t begins = 1;
    unsigned right = 0;
    snprintf(log, sizeof log, "%s/log", repaired);
    snprintf(bases, sizeof bases, "%s/history", repaired);
    while (tj__segment_path(first, log, begins, NULL) == TJ_OK && access(first, F_OK) != 0) {
        begins++;
    }
    tj__past_source source = {.log_path = log,
                              .journal_id = info->journal_id,
                              .first_segment = begins,
                              .history_path = bases};
    for (uint64_t n = 1; n <= end; n += n < end - 20 ? 1 + random_below(9) : 1) {
        tj__row_source *rows = NULL;
        tj__digest digest;
        tj_status status = tj__past_begin(&source, n, based_tables(), &rows, &err);
        if (status == TJ_NOT_FOUND) {
            continue;
        }
        assert_ok(status);
        assert_ok(tj__digest_rows(rows, &digest, &err));
        assert_digest(&digest, &h.live[n], based_tables(), n);
        tj__past_end(rows);
        right++;
    }
    assert_true(right > 0); /* the newest at least */
}

static bool names(const tj_repair_report *report, bool lost, uint64_t first, uint64_t last)
{
    for (size_t i = 0; i < report->part_count; i++) {
        const tj_repair_part *part = &report->parts[i];
        if (part->lost == lost && part->sequence_first == first && part->sequence_last == last) {
            return true;
        }
    }
    return false;
}

/* Nothing is lost: the same id, the same state, and it goes on. */
static void assert_nothing_lost(fixture *f, const tj_repair_report *report)
{
    tj_store_info info;
    assert_false(report->loses);
    assert_int_equal(report->sequence, COMMITS);
    assert_memory_equal(&report->journal_id, &h.source.journal_id, sizeof report->journal_id);
    tj__digest digest = digest_of(f, repaired, &info);
    assert_digest(&digest, &h.live[COMMITS], TJ__TABLES_ALL, COMMITS);
    assert_its_past(&info, COMMITS);
}

/* A repaired journal is one like any other: commits, bases and retention go on. */
static void assert_goes_on(fixture *f)
{
    tj_prune_options options = TJ_PRUNE_OPTIONS_INIT;
    tj_prune_report report = TJ_PRUNE_REPORT_INIT;
    history more = h;
    f->config.path = repaired;
    fixture_open(f);
    history_go_on(f, &more, COMMITS + 500);
    fixture_close(f);
    fixture_open(f); /* data.mdb stands at the end */
    options.history_size_bytes = 1;
    assert_ok(tj_prune(f->store, &options, &report, &err));
    fixture_close(f);
    f->config.path = f->path;
    assert_true(report.segment_count > 0);
    assert_journal_sound(repaired);
}

/* ---- each segment ---------------------------------------------------------------------------- */

/* The commits of a segment; of one that is not begun: none. */
static bool commits_of(uint64_t ordinal, uint64_t *first, uint64_t *last)
{
    char log[PATH_TEXT_SIZE + 32];
    tj__segment_header header;
    tj__segment_header next;
    snprintf(log, sizeof log, "%s/log", kept);
    if (tj__seek_header(log, &h.source.journal_id, ordinal, &header, NULL) != TJ_OK) {
        return false;
    }
    *first = header.first_sequence;
    *last = tj__seek_header(log, &h.source.journal_id, ordinal + 1, &next, NULL) == TJ_OK
                ? next.first_sequence - 1
                : COMMITS;
    return true;
}

static void delete_segment(fixture *f, uint64_t ordinal)
{
    shell("rm %s/log/%010" PRIu64 ".log", f->path, ordinal);
}

static bool opens(fixture *f)
{
    bool opened = tj_store_open(&f->config, &f->store, &err) == TJ_OK;
    if (opened) {
        tj__digest digest = live_digest(f);
        assert_digest(&digest, &h.live[COMMITS], TJ__TABLES_ALL, COMMITS);
        assert_ok(tj_store_close(f->store, &err));
    }
    f->store = NULL;
    return opened;
}

static void with_each_segment_gone(fixture *f, bool pruned)
{
    begin(f, pruned);
    tj__segment_list list = segments();
    for (size_t i = 0; i < list.count; i++) {
        uint64_t first = 0;
        uint64_t last = 0;
        again(f);
        if (!commits_of(list.ordinals[i], &first, &last)) {
            continue;
        }
        delete_segment(f, list.ordinals[i]);
        tj_repair_report *report = repair(f);
        if (last < COMMITS) {
            assert_nothing_lost(f, report);
        } else { /* data.mdb stands in it; nothing tells whether more was behind */
            tj_store_info info;
            assert_true(names(report, true, COMMITS + 1, UINT64_MAX));
            tj__digest digest = digest_of(f, repaired, &info);
            assert_digest(&digest, &h.live[COMMITS], based_tables(), COMMITS);
        }
        if (i == 2) {
            assert_goes_on(f);
        }
        tj_repair_report_free(report);
        assert_int_equal(opens(f), last < COMMITS);
    }
    tj__segment_list_dispose(&list);
    end(f);
}

static void a_segment_is_gone(void **state)
{
    with_each_segment_gone(*state, false);
}

static void a_segment_of_a_pruned_log_is_gone(void **state)
{
    with_each_segment_gone(*state, true);
}

/* Whether bases of both kinds stand at a segment's end or behind it. */
static bool bases_from(uint64_t ordinal)
{
    char bases[PATH_TEXT_SIZE + 32];
    bool both = true;
    snprintf(bases, sizeof bases, "%s/history", kept);
    for (int kind = 0; kind < TJ__BASE_KINDS; kind++) {
        tj__base_list list;
        assert_ok(tj__base_list_read(bases, (tj__base_kind)kind, &list, &err));
        both = both && list.count > 0 && list.ordinals[list.count - 1] >= ordinal;
        tj__base_list_dispose(&list);
    }
    return both;
}

/* Without data.mdb: the state from the base behind the hole, and of the ledger what the hole does
 * not take. */
static void a_segment_and_data_mdb_are_gone(void **state)
{
    fixture *f = *state;
    begin(f, false);
    tj__segment_list list = segments();
    for (size_t i = 0; i < list.count; i++) {
        uint64_t first = 0;
        uint64_t last = 0;
        again(f);
        if (!commits_of(list.ordinals[i], &first, &last)) {
            continue;
        }
        delete_segment(f, list.ordinals[i]);
        shell("rm %s/data.mdb", f->path);
        tj_repair_report *report = repair(f);
        bool leads_on = bases_from(list.ordinals[i]);
        uint64_t end = leads_on ? COMMITS : first - 1;
        assert_true(report->loses);
        assert_true(names(report, true, first,
                          last == COMMITS ? UINT64_MAX
                          : leads_on      ? last
                                          : COMMITS));
        assert_int_equal(report->sequence, end);
        tj_store_info info;
        tj__digest digest = digest_of(f, repaired, &info);
        assert_int_equal(info.sequence, end + 1); /* what happened, and counters */
        assert_digest(&digest, &h.live[end], based_tables(), end);
        uint64_t lost = leads_on ? h.live[last].rows[TJ__TABLE_LEDGER] -
                                       h.live[first - 1].rows[TJ__TABLE_LEDGER]
                                 : 0;
        assert_int_equal(digest.rows[TJ__TABLE_LEDGER], h.live[end].rows[TJ__TABLE_LEDGER] - lost);
        assert_int_equal(digest.rows[TJ__TABLE_LEDGER_TIME], digest.rows[TJ__TABLE_LEDGER]);
        tj_repair_report_free(report);
    }
    tj__segment_list_dispose(&list);
    end(f);
}

/* Without a base nothing tells the state behind the hole: the log is kept, and the past begins with
 * the newest state. */
static void a_segment_and_all_bases_are_gone(void **state)
{
    fixture *f = *state;
    uint64_t first = 0;
    uint64_t last = 0;
    begin(f, false);
    assert_true(commits_of(3, &first, &last));
    again(f);
    shell("rm -r %s/history %s/log/0000000003.log", f->path, f->path);
    tj_repair_report *report = repair(f);
    assert_nothing_lost(f, report);
    assert_int_equal(report->log_first, last + 1);
    assert_goes_on(f);
    tj_repair_report_free(report);
    end(f);
}

/* ---- a log that was pruned ----------------------------------------------------------------- */

static void assert_verify_says(const fixture *f, const char *words)
{
    tj_verify_report *report = NULL;
    bool said = false;
    assert_ok(tj_verify(f->path, NULL, &report, &err));
    for (size_t i = 0; i < report->finding_count; i++) {
        said = said || strstr(report->findings[i].sentence.data, words);
    }
    tj_verify_report_free(report);
    assert_true(said);
}

static void data_mdb_of_a_pruned_journal_is_gone(void **state)
{
    fixture *f = *state;
    begin(f, true);
    again(f);
    shell("rm %s/data.mdb", f->path);
    tj_repair_report *report = repair(f);
    assert_nothing_lost(f, report);
    assert_goes_on(f);
    tj_repair_report_free(report);
    /* Its .rest too: what it had is lost, and named. */
    again(f);
    shell("rm %s/data.mdb %s/history/*.rest", f->path, f->path);
    uint64_t first = 0;
    uint64_t last = 0;
    assert_true(commits_of(first_segment, &first, &last));
    assert_verify_says(f, "were pruned: if they were, it is ");
    report = repair(f);
    assert_true(report->loses && names(report, true, 1, first - 1));
    assert_int_equal(report->sequence, COMMITS);
    tj_repair_report_free(report);
    end(f);
}

/* Its records are whole, and say what it was. */
static void a_header_behind_the_bases_is_damaged(void **state)
{
    fixture *f = *state;
    begin(f, true);
    tj__segment_list list = segments();
    again(f);
    shell("rm %s/data.mdb && printf X | dd of=%s/log/%010" PRIu64
          ".log bs=1 seek=40 conv=notrunc status=none",
          f->path, f->path, list.ordinals[list.count - 1]);
    tj_repair_report *report = repair(f);
    assert_int_equal(report->sequence, COMMITS);
    tj_repair_report_free(report);
    tj__segment_list_dispose(&list);
    end(f);
}

/* A journal remembers so many of the newest; the older .rest files have the others. */
static void forgotten_commit_ids_do_not_come_back(void **state)
{
    fixture *f = *state;
    tj_store_info info;
    uint64_t commits = 0;
    history_begin(f, &h);
    while (commits < TJ_COMMIT_ID_KEPT + 2000) {
        tj_txn *txn = NULL;
        tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;
        tj_decimal equity = tj_decimal_int((int64_t)++commits);
        options.commit_id = uuid((unsigned)commits);
        assert_ok(tj_txn_begin(f->store, &txn, &err));
        assert_ok(tj_txn_set_portfolio_equity(txn, &equity, &err));
        assert_ok(tj_txn_commit(txn, &options, NULL, &err));
        if (commits == 1500 || commits == TJ_COMMIT_ID_KEPT + 2000) {
            tj_prune_options prune = TJ_PRUNE_OPTIONS_INIT;
            tj_prune_report report = TJ_PRUNE_REPORT_INIT;
            prune.history_size_bytes = 3 * TJ_SEGMENT_SIZE_MIN;
            fixture_reopen(f);
            assert_ok(tj_prune(f->store, &prune, &report, &err));
            assert_true(report.segment_count > 0);
        }
    }
    fixture_close(f);
    snprintf(repaired, sizeof repaired, "%s-repaired", f->path);
    shell("rm %s/data.mdb", f->path);
    tj_repair_report_free(repair(f));
    tj__digest digest = digest_of(f, repaired, &info);
    assert_int_equal(digest.rows[TJ__TABLE_COMMITS], TJ_COMMIT_ID_KEPT);
    shell("rm -rf %s %s", f->path, repaired);
}

static void each_base_of_a_pruned_journal_is_gone(void **state)
{
    fixture *f = *state;
    begin(f, true);
    for (int kind = 0; kind <= TJ__BASE_REST; kind++) {
        char bases[PATH_TEXT_SIZE + 32];
        tj__base_list list;
        snprintf(bases, sizeof bases, "%s/history", kept);
        assert_ok(tj__base_list_read(bases, (tj__base_kind)kind, &list, &err));
        for (size_t i = 0; i < list.count; i++) {
            tj_repair_report *report = NULL;
            tj_repair_options options = TJ_REPAIR_OPTIONS_INIT;
            again(f);
            shell("rm %s/history/%010" PRIu64 ".%s", f->path, list.ordinals[i],
                  tj__base_suffix((tj__base_kind)kind));
            assert_true(opens(f));
            assert_ok(tj_repair(f->path, repaired, &options, &report, &err));
            /* Those that the log begins with are missed. */
            assert_int_equal(report->needed, list.ordinals[i] == first_segment - 1);
            if (report->needed) {
                assert_nothing_lost(f, report);
                assert_goes_on(f);
            }
            tj_repair_report_free(report);
        }
        tj__base_list_dispose(&list);
    }
    end(f);
}

int main(void)
{
    directory_in_memory();
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(a_segment_is_gone),
        JOURNAL_TEST(a_segment_of_a_pruned_log_is_gone),
        JOURNAL_TEST(a_segment_and_data_mdb_are_gone),
        JOURNAL_TEST(a_segment_and_all_bases_are_gone),
        JOURNAL_TEST(data_mdb_of_a_pruned_journal_is_gone),
        JOURNAL_TEST(a_header_behind_the_bases_is_damaged),
        JOURNAL_TEST(forgotten_commit_ids_do_not_come_back),
        JOURNAL_TEST(each_base_of_a_pruned_journal_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
