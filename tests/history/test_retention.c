/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* P14, P15: old segments go: what stays is right, what went is "not kept", a crash at any step is
 * whole. */
#include "support/orphan.h"

#include "history_fixture.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "history/base_writer.h"
#include "journal/child.h"
#include "support/stand_in.h"

#include <tesser/maintain.h>

#define COMMITS 700
#define READERS 4
#define QUERIES 1500
#define QUERIES_LONG 100000

static history h;

static void begin(fixture *f)
{
    history_make(f, &h, COMMITS);
}

static tj_prune_report prune(fixture *f, uint64_t size)
{
    tj_prune_options options = TJ_PRUNE_OPTIONS_INIT;
    tj_prune_report report = TJ_PRUNE_REPORT_INIT;
    options.history_size_bytes = size;
    assert_ok(tj_prune(f->store, &options, &report, &err));
    return report;
}

/* A past state is as it was, or it is not kept and older than the oldest that is. True: it is. */
static bool look_back(uint64_t sequence, uint64_t oldest)
{
    tj__row_source *rows = NULL;
    tj_status status = tj__past_begin(&h.source, sequence, based_tables(), &rows, &err);
    if (status == TJ_OK) {
        tj__past_end(rows);
        assert_past(&h, sequence, based_tables());
        return true;
    }
    assert_int_equal(status, TJ_NOT_FOUND);
    assert_non_null(strstr(err.message, "is not kept"));
    assert_true(sequence < oldest);
    return false;
}

static size_t count_segments(void)
{
    tj__segment_list list = {0};
    assert_ok(tj__segment_list_read(h.log_path, &list, &err));
    size_t count = list.count;
    tj__segment_list_dispose(&list);
    return count;
}

/* A log that begins where the superblock says has no holes. */
static void refuse_holes(void *context, tj_trace_level level, const char *message)
{
    (void)context;
    (void)level;
    if (strstr(message, "lacks")) {
        fail_msg("%s", message);
    }
}

static void what_stays_is_right(void **state)
{
    fixture *f = *state;
    begin(f);
    size_t before = count_segments();
    f->config.trace = refuse_holes;
    fixture_open(f);
    for (unsigned round = 0; round < 3; round++) {
        tj__digest live = live_digest(f);
        tj_prune_report report = prune(f, 6 * TJ_SEGMENT_SIZE_MIN);
        assert_true(report.segment_count > 0);
        assert_true(report.first_segment > h.source.first_segment);
        h.source.first_segment = report.first_segment;
        tj__digest after = live_digest(f);
        assert_int_equal(tj__digest_differs(&live, &after), 0);
        assert_true(count_segments() < before);
        for (uint64_t n = 1; n <= h.last; n += 1 + random_below(3)) {
            bool kept = look_back(n, report.oldest_sequence);
            assert_true(kept || n < report.oldest_sequence);
        }
        for (unsigned i = 0; i < 10; i++) { /* the ledger and the commit ids, too */
            uint64_t n = report.oldest_sequence +
                         random_below((unsigned)(h.last - report.oldest_sequence + 1));
            assert_past(&h, n, TJ__TABLES_ALL);
        }
        tj_store_info info = TJ_STORE_INFO_INIT;
        assert_ok(tj_store_info_get(f->store, &info, &err));
        assert_int_equal(info.lmdb.oldest_sequence, report.oldest_sequence);
        history_go_on(f, &h, h.last + 300);
        fixture_close(f);
        fixture_open(f);
    }
    fixture_close(f);
}

/* Of the oldest state that stays the commit went. A first commit that is named must be there. */
static void what_went_is_told_of_no_more(void **state)
{
    fixture *f = *state;
    tj_history_query query = TJ_HISTORY_QUERY_INIT;
    tj_history *told = NULL;
    const tj_history_commit *commit = NULL;
    begin(f);
    fixture_open(f);
    uint64_t oldest = prune(f, 6 * TJ_SEGMENT_SIZE_MIN).oldest_sequence;
    assert_true(oldest > 0);
    query.sequence_first = oldest;
    assert_refused(tj_history_open(f->store, &query, &told, &err), TJ_NOT_FOUND,
                   "not kept any more");
    assert_null(told);
    for (unsigned named = 0; named < 2; named++) {
        query.sequence_first = named ? oldest + 1 : 0;
        assert_ok(tj_history_open(f->store, &query, &told, &err));
        assert_ok(tj_history_next(told, &commit, &err));
        assert_int_equal(commit->sequence, oldest + 1);
        tj_history_close(told);
    }
    fixture_close(f);
}

/* A state that stays as a point, after all of the log around it went. */
static void a_point_can_be_loaded(void **state)
{
    fixture *f = *state;
    tj__base_list points;
    tj__base_header header;
    uint64_t state_tables = tj__base_tables(TJ__BASE_STATE);
    begin(f);
    build_bases(&h);
    fixture_open(f);
    tj_prune_report report = prune(f, 1);
    h.source.first_segment = report.first_segment;
    assert_ok(tj__base_list_read(h.history_path, TJ__BASE_STATE, &points, &err));
    assert_true(points.count > 0 && points.ordinals[0] + 1 < report.first_segment);
    assert_ok(tj__base_look(h.history_path, &h.source.journal_id, TJ__BASE_STATE,
                            points.ordinals[0], &header, &err));
    uint64_t sequence = header.position.sequence;
    assert_past(&h, sequence, state_tables);
    tj_live_state *then = NULL;
    tj_algo_list *algos = NULL;
    tj_moment moment = {.sequence = sequence};
    assert_ok(tj_state_load_at(tj_store_state_repository(f->store, NULL), moment, &then, &err));
    assert_int_equal(then->sequence, sequence);
    tj_live_state_free(then);
    assert_int_equal(
        tj_algo_load_all_at(tj_store_algo_repository(f->store, NULL), moment, &algos, &err),
        TJ_NOT_FOUND);
    assert_non_null(strstr(err.message, "is not kept"));
    moment.sequence--;
    assert_int_equal(
        tj_state_load_at(tj_store_state_repository(f->store, NULL), moment, &then, &err),
        TJ_NOT_FOUND);
    tj__base_list_dispose(&points);
    fixture_close(f);
}

/* A curve may have a point for each state that is at hand, also of before the log's beginning. */
static void a_thinned_curve_has_the_points(void **state)
{
    fixture *f = *state;
    tj_equity_query query = TJ_EQUITY_QUERY_INIT;
    tj_equity_curve *exact = NULL;
    tj_equity_curve *thinned = NULL;
    tj__base_list points;
    begin(f);
    build_bases(&h);
    fixture_open(f);
    tj_state_repository *states = tj_store_state_repository(f->store, NULL);
    query.detail = TJ_EQUITY_EXACT;
    assert_ok(tj_equity_curve_find(states, &query, &exact, &err));
    tj_prune_report report = prune(f, 1);
    query.detail = TJ_EQUITY_THINNED;
    assert_ok(tj_equity_curve_find(states, &query, &thinned, &err));
    assert_true(thinned->thinned && !exact->thinned);
    assert_ok(tj__base_list_read(h.history_path, TJ__BASE_STATE, &points, &err));
    assert_int_equal(thinned->count, points.count + 1);
    assert_true(thinned->points[0].sequence < report.oldest_sequence);
    assert_int_equal(thinned->points[points.count].sequence, h.last);
    tj__base_list_dispose(&points);
    for (size_t i = 0, at = 0; i < thinned->count; i++) { /* what the commit before it left */
        const tj_equity_point *point = &thinned->points[i];
        while (at + 1 < exact->count && exact->points[at + 1].sequence <= point->sequence) {
            at++;
        }
        assert_int_equal(tj_decimal_compare(point->equity, exact->points[at].equity), 0);
        assert_true(i == 0 || point->time > thinned->points[i - 1].time);
    }
    tj_equity_curve_free(exact);
    tj_equity_curve_free(thinned);
    fixture_close(f);
}

static void a_dry_run_tells_and_changes_nothing(void **state)
{
    fixture *f = *state;
    tj_prune_options options = TJ_PRUNE_OPTIONS_INIT;
    tj_prune_report told = TJ_PRUNE_REPORT_INIT;
    begin(f);
    size_t before = count_segments();
    options.history_size_bytes = 1;
    options.dry_run = true;
    f->config.read_only = true;
    fixture_open(f);
    assert_ok(tj_prune(f->store, &options, &told, &err));
    assert_int_equal(count_segments(), before);
    options.dry_run = false;
    assert_int_equal(tj_prune(f->store, &options, &told, &err), TJ_READONLY);
    fixture_close(f);
    f->config.read_only = false;
    fixture_open(f);
    tj_prune_report did = prune(f, 1);
    assert_memory_equal(&did, &told, sizeof did);
    assert_true(count_segments() >= 3);
    assert_int_equal(count_segments(), before - did.segment_count);
    assert_int_equal(prune(f, 1).segment_count, 0);
    fixture_close(f);
}

/* The rows of a base or of LMDB that are not what the log comes to. */
static void nothing_goes_when_a_proof_fails(void **state)
{
    fixture *f = *state;
    tj_prune_options options = TJ_PRUNE_OPTIONS_INIT;
    tj_prune_report report = TJ_PRUNE_REPORT_INIT;
    char path[PATH_TEXT_SIZE + 64];
    begin(f);
    options.history_size_bytes = 1;
    fixture_open(f);
    options.dry_run = true;
    assert_ok(tj_prune(f->store, &options, &report, &err));
    options.dry_run = false;
    uint64_t last = report.first_segment - 1;
    mkdir(h.history_path, 0700);
    for (int kind = 0; kind <= TJ__BASE_REST; kind++) { /* whole, and of nothing */
        tj__base_writer *writer = NULL;
        tj__segment_header next;
        assert_ok(tj__seek_header(h.log_path, &h.source.journal_id, last + 1, &next, &err));
        tj__position position = {.sequence = next.first_sequence - 1,
                                 .hash = next.chain_hash,
                                 .ordinal = last + 1,
                                 .offset = TJ__SEGMENT_HEADER_SIZE};
        assert_ok(tj__base_writer_open(h.history_path, (tj__base_kind)kind, last, &writer, &err));
        assert_ok(tj__base_writer_finish(writer, &h.source.journal_id, &position, NULL, &err));
        tj__base_writer_close(writer);
        assert_int_equal(tj_prune(f->store, &options, &report, &err), TJ_CORRUPT);
        assert_non_null(strstr(err.message, "nothing was pruned"));
        snprintf(path, sizeof path, "%s/%010" PRIu64 ".%s", h.history_path, last,
                 tj__base_suffix((tj__base_kind)kind));
        assert_int_equal(unlink(path), 0);
    }
    assert_ok(tj_prune(f->store, &options, &report, &err));
    fixture_close(f);
}

/* A damaged base is built again while the log is there, and what goes on from it, too. */
static void a_damaged_base_does_not_stop_it(void **state)
{
    fixture *f = *state;
    tj_prune_options options = TJ_PRUNE_OPTIONS_INIT;
    tj_prune_report report = TJ_PRUNE_REPORT_INIT;
    begin(f);
    build_bases(&h);
    shell("cd %s && for file in *.state *.algos; do printf x |"
          " dd of=$file bs=1 seek=300 conv=notrunc status=none; done",
          h.history_path);
    fixture_open(f);
    options.history_size_bytes = 1;
    assert_ok(tj_prune(f->store, &options, &report, &err));
    for (uint64_t n = report.oldest_sequence; n <= h.last; n += 1 + random_below(9)) {
        assert_true(look_back(n, 0));
    }
    fixture_close(f);
    f->damaged = true; /* a point that stays is */
}

/* How long a base waits for its name, once. */
static unsigned rename_delay_us;

STAND_IN int rename(const char *from, const char *to)
{
    if (rename_delay_us > 0 && strstr(to, "/history/")) {
        usleep(rename_delay_us);
        rename_delay_us = 0;
    }
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

/* The builder begins a second after the opening, by removing what earlier writers left unfinished:
 * a base that a prune is writing is not that. */
static void the_builder_takes_nothing_from_it(void **state)
{
    fixture *f = *state;
    begin(f);
    fixture_open(f);
    rename_delay_us = 1500000;
    assert_true(prune(f, 1).segment_count > 0);
    fixture_close(f);
}

/* Behind the commits, and from one writer to the next. */
static void it_goes_on_by_itself(void **state)
{
    fixture *f = *state;
    random_start();
    f->config.lmdb.lag_ms = 1;
    f->config.lmdb.history_size_bytes = 6 * TJ_SEGMENT_SIZE_MIN;
    history_begin(f, &h);
    history_go_on(f, &h, 2 * COMMITS);
    tj_store_info info = TJ_STORE_INFO_INIT;
    for (int i = 0; i < 3000 && info.lmdb.oldest_sequence == 0; i++) {
        usleep(10000);
        history_go_on(f, &h, h.last + 1);
        assert_ok(tj_store_info_get(f->store, &info, &err));
    }
    assert_true(info.lmdb.oldest_sequence > 0);
    fixture_close(f);
    assert_ok(tj_store_open(&f->config, &f->store, &err));
    assert_ok(tj_store_info_get(f->store, &info, &err));
    fixture_close(f);
    for (uint64_t n = info.lmdb.oldest_sequence; n <= h.last; n += 1 + random_below(9)) {
        assert_true(look_back(n, 0));
    }
}

/* ---- beside readers, and killed -------------------------------------------------------------- */

typedef struct answers {
    _Atomic unsigned right;
    _Atomic unsigned not_kept;
} answers;

/* Right, or not kept. */
static _Noreturn void read_on(answers *all)
{
    random_state += (uint64_t)getpid();
    for (;;) {
        uint64_t n = 1 + random_below((unsigned)h.last);
        tj__row_source *rows = NULL;
        tj__digest digest;
        tj_error error = TJ_ERROR_INIT;
        tj_status status = tj__past_begin(&h.source, n, based_tables(), &rows, &error);
        if (status == TJ_OK) {
            status = tj__digest_rows(rows, &digest, &error);
        }
        if (status == TJ_OK) {
            for (uint8_t table = 0; table <= TJ__TABLE_LAST; table++) {
                bool based = (based_tables() & TJ__TABLE_BIT(table)) != 0;
                if (based && (digest.rows[table] != h.live[n].rows[table] ||
                              digest.checksums[table] != h.live[n].checksums[table])) {
                    fprintf(stderr, "commit %" PRIu64 " is wrong\n", n);
                    _exit(1);
                }
            }
            all->right++;
        } else if (status != TJ_NOT_FOUND) {
            fprintf(stderr, "commit %" PRIu64 ": %s\n", n, error.message);
            _exit(1);
        } else {
            all->not_kept++;
        }
        tj__past_end(rows);
    }
}

static void prune_beside_readers(fixture *f, answers *all)
{
    pid_t readers[READERS];
    fflush(NULL);
    for (unsigned i = 0; i < READERS; i++) {
        readers[i] = fork_dependent();
        if (readers[i] == 0) {
            read_on(all);
        }
    }
    fixture_open(f);
    for (uint64_t size = 12; size > 2; size--) {
        usleep(30000);
        prune(f, size * TJ_SEGMENT_SIZE_MIN);
    }
    fixture_close(f);
    for (unsigned i = 0; i < READERS; i++) {
        int status = 0;
        assert_int_equal(waitpid(readers[i], &status, WNOHANG), 0);
        kill(readers[i], SIGKILL);
        assert_int_equal(waitpid(readers[i], &status, 0), readers[i]);
    }
}

static bool is_long(void)
{
    const char *longer = getenv("TJ_LONG");
    return longer && strcmp(longer, "1") == 0;
}

/* From the whole history again and again, until enough was asked. */
static void readers_beside_it_are_never_wrong(void **state)
{
    fixture *f = *state;
    unsigned wanted = is_long() ? QUERIES_LONG : QUERIES;
    answers *all =
        mmap(NULL, sizeof *all, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(all != MAP_FAILED);
    begin(f);
    build_bases(&h);
    shell("cp -r %s %s/kept", f->path, f->directory);
    while (all->right + all->not_kept < wanted) {
        shell("rm -rf %s && cp -r %s/kept %s", f->path, f->directory, f->path);
        prune_beside_readers(f, all);
    }
    printf("%u right answers, %u not kept, none wrong\n", all->right, all->not_kept);
    assert_true(all->right > 0 && all->not_kept > 0);
    munmap(all, sizeof *all);
}

/* The remove after which this process is killed; 0: none. */
static unsigned removes_left;

STAND_IN int unlink(const char *path)
{
    int result = (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    if (removes_left > 0 && --removes_left == 0) {
        kill(getpid(), SIGKILL);
    }
    return result;
}

static int child_prune(const char *path, const char *removes)
{
    tj_error error = TJ_ERROR_INIT;
    tj_prune_options options = TJ_PRUNE_OPTIONS_INIT;
    tj_prune_report report = TJ_PRUNE_REPORT_INIT;
    tj_store *store = child_open(path, TJ_DURABILITY_OS);
    options.history_size_bytes = 1;
    say("open");
    removes_left = (unsigned)strtoul(removes, NULL, 10);
    child_must(tj_prune(store, &options, &report, &error), &error);
    say("pruned");
    return child_wait();
}

/* After a kill it opens, and all that is kept is as it was. */
static void assert_whole(fixture *f, unsigned step)
{
    tj_store_info info = TJ_STORE_INFO_INIT;
    fixture_open(f);
    tj__digest after = live_digest(f);
    assert_int_equal(tj__digest_differs(&after, &h.live[h.last]), 0);
    assert_ok(tj_store_info_get(f->store, &info, &err));
    h.source.first_segment = 1;
    for (uint64_t n = 1; n <= h.last; n += 1 + random_below(step)) {
        look_back(n, info.lmdb.oldest_sequence);
    }
    assert_true(look_back(info.lmdb.oldest_sequence, 0));
    prune(f, 1);
    assert_true(look_back(h.last, 0));
    fixture_close(f);
}

static child start_pruning(fixture *f, const char *removes)
{
    shell("rm -rf %s && cp -r %s/kept %s", f->path, f->directory, f->path);
    child pruner = child_start("prune", f->path, removes);
    child_expect(&pruner, "open");
    return pruner;
}

static void killed_at_each_remove_it_is_whole(void **state)
{
    fixture *f = *state;
    unsigned removes = 0;
    char line[2 * TJ_ERROR_MESSAGE_SIZE];
    begin(f);
    build_bases(&h);
    shell("cp -r %s %s/kept", f->path, f->directory);
    do {
        char number[16];
        snprintf(number, sizeof number, "%u", ++removes);
        child pruner = start_pruning(f, number);
        child_line(&pruner, line, sizeof line);
        child_kill(&pruner);
        assert_whole(f, is_long() ? 1 : 40);
    } while (line[0] == '\0');
    assert_string_equal(line, "pruned");
    printf("%u removes\n", removes - 1);
    assert_true(removes > 8);
}

static void killed_at_any_moment_it_is_whole(void **state)
{
    fixture *f = *state;
    int kills = is_long() ? 1000 : 12;
    begin(f);
    shell("cp -r %s %s/kept", f->path, f->directory);
    for (int i = 0; i < kills; i++) {
        child pruner = start_pruning(f, "0");
        usleep(random_below(15000));
        child_kill(&pruner);
        assert_whole(f, 200);
    }
    printf("%d kills\n", kills);
}

int main(int argc, char **argv)
{
    directory_in_memory();
    if (argc == 5 && strcmp(argv[2], "prune") == 0) {
        return child_prune(argv[3], argv[4]);
    }
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(what_stays_is_right),
        JOURNAL_TEST(what_went_is_told_of_no_more),
        JOURNAL_TEST(a_point_can_be_loaded),
        JOURNAL_TEST(a_thinned_curve_has_the_points),
        JOURNAL_TEST(a_dry_run_tells_and_changes_nothing),
        JOURNAL_TEST(nothing_goes_when_a_proof_fails),
        JOURNAL_TEST(a_damaged_base_does_not_stop_it),
        JOURNAL_TEST(the_builder_takes_nothing_from_it),
        JOURNAL_TEST(it_goes_on_by_itself),
        JOURNAL_TEST(readers_beside_it_are_never_wrong),
        JOURNAL_TEST(killed_at_each_remove_it_is_whole),
        JOURNAL_TEST(killed_at_any_moment_it_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
