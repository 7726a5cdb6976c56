/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Every system call that touches a journal fails once, with every errno that it may plausibly give:
 * looking, opening, reading, mapping and locking as well as writing; while a journal is created,
 * written, recovered, looked on at, imported into, exported from, compacted, backed up, restored,
 * repaired and pruned.
 *
 * Whatever fails: nothing acknowledged is lost, nothing is shown that was not acknowledged, the
 * call works nevertheless or says what failed, and the next opening is right.
 *
 * Each point (a scene, a call, a cause) runs in a process of its own; wrong ones are told, all of
 * them. With the tests a share of the points runs, chosen by TJ_SEED; TJ_LONG=1 runs them all.
 */
#include "fault/care.h"
#include "fault/workload.h"

#include <inttypes.h>
#include <signal.h>

#include <tesser/migrate.h>

#include "base/random.h"

#define POINTS_OF_A_SHORT_RUN 600
#define POINT_SECONDS_MAX 20
#define ALL_KINDS (~0u)

/* ---- scenes ---------------------------------------------------------------------------------- */

typedef struct scene {
    const char *name;
    void (*make)(workload *w); /* before anything fails; may be NULL */
    void (*act)(workload *w);
    void (*check)(workload *w);
} scene;

static void act_open(workload *w)
{
    open_journal(w);
    expect_fates(w, true);
    close_journal(w);
}

static void make_closed(workload *w)
{
    fixture_open(&w->f);
    commit_some(w);
    fixture_close(&w->f);
}

/* ---- looking on ------------------------------------------------------------------------------ */

static int stalled_to = -1;

static void stall_for_good(void)
{
    (void)!write(stalled_to, "", 1);
    for (;;) {
        pause();
    }
}

/* A living writer: commits 1 to 5 are acknowledged, 6 is in the log and not flushed yet. */
static void make_stalled(workload *w)
{
    int ends[2];
    char byte;
    assert_int_equal(pipe(ends), 0);
    if (fork_dependent() == 0) {
        fixture_open(&w->f);
        for (unsigned number = 1; number <= 5; number++) {
            assert_ok(tj_txn_commit(padded(w, number), NULL, NULL, &err));
        }
        stalled_to = ends[1];
        io.stall = stall_for_good;
        (void)!tj_txn_commit(padded(w, 6), NULL, NULL, NULL);
        _exit(1);
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    close(ends[0]);
    for (; w->next <= 6; w->next++) {
        w->fates[w->next] = w->next == 6 ? ABSENT : STORED;
    }
}

static void act_view(workload *w)
{
    w->f.config.read_only = true;
    open_journal(w);
    expect_fates(w, true);
    tj_store_info info = TJ_STORE_INFO_INIT;
    err = (tj_error)TJ_ERROR_INIT;
    if (worked(w, tj_store_info_get(w->f.store, &info, &err)) && info.sequence != 5) {
        fail_msg("a viewer is told of commit %" PRIu64, info.sequence);
    }
    expect_fates(w, true);
    close_journal(w);
}

/* The viewer changed nothing, and the next one sees the same. */
static void check_view(workload *w)
{
    w->f.config.read_only = true;
    fixture_open(&w->f);
    expect_fates(w, true);
    fixture_close(&w->f);
}

/* ---- import and export ----------------------------------------------------------------------- */

#define SOURCE TJ_TESTDATA_COPY "/tesser/0.9.3/small/"

typedef struct holds {
    size_t orders;
    size_t algos;
    uint64_t ledger;
} holds;

static holds look(workload *w)
{
    holds found = {0};
    tj_live_state *state = NULL;
    tj_algo_list *algos = NULL;
    w->f.config.read_only = true;
    err = (tj_error)TJ_ERROR_INIT;
    tj_status status = tj_store_open(&w->f.config, &w->f.store, &err);
    w->f.config.read_only = false;
    if (status == TJ_NOT_FOUND) {
        return found;
    }
    assert_ok(status);
    assert_ok(tj_state_load(tj_store_state_repository(w->f.store, NULL), &state, &err));
    assert_ok(tj_algo_load_all(tj_store_algo_repository(w->f.store, NULL), &algos, &err));
    assert_ok(tj_ledger_latest(tj_store_ledger_repository(w->f.store, NULL), &found.ledger, &err));
    found.orders = state->open_order_count;
    found.algos = algos->count;
    tj_live_state_free(state);
    tj_algo_list_free(algos);
    fixture_close(&w->f);
    return found;
}

static tj_status import(workload *w, bool replace)
{
    static char paths[3][DIRECTORY_SIZE + 16];
    static const char *const names[] = {"state.db", "algos.db", "ledger.db"};
    const char *sources[3];
    for (int i = 0; i < 3; i++) {
        snprintf(paths[i], sizeof paths[i], "%s/%s", w->f.directory, names[i]);
        sources[i] = paths[i];
    }
    tj_import_options options = TJ_IMPORT_OPTIONS_INIT;
    options.sources = sources;
    options.source_count = 3;
    options.replace = replace;
    options.exchange = "binance_perp";
    tj_import_report *report = NULL;
    err = (tj_error)TJ_ERROR_INIT;
    tj_status status = tj_import(&w->f.config, &options, &report, &err);
    tj_import_report_free(report);
    return status;
}

static void make_sources(workload *w)
{
    char command[4 * DIRECTORY_SIZE];
    snprintf(command, sizeof command, "cp %s*.db %s", SOURCE, w->f.directory);
    assert_int_equal(system(command), 0);
}

static tj_status imported;

static void act_import(workload *w)
{
    imported = import(w, false);
    (void)worked(w, imported);
}

/* All of it or nothing; and then all of it. */
static void check_import(workload *w)
{
    tj_error told = err;
    holds found = look(w);
    bool all = found.orders > 0 && found.algos > 0 && found.ledger > 0;
    bool none = found.orders == 0 && found.algos == 0 && found.ledger == 0;
    if (!all && (!none || imported == TJ_OK)) {
        fail_msg("%zu orders, %zu algorithms and %" PRIu64
                 " entries after an import that ended with %s",
                 found.orders, found.algos, found.ledger, tj_status_name(imported));
    }
    if (all && imported != TJ_OK && !strstr(told.message, "durable") &&
        !strstr(told.message, "unknown")) {
        fail_msg("all was imported, and this was answered: %s", told.message);
    }
    assert_ok(import(w, true));
    holds again = look(w);
    assert_true(again.orders > 0 && again.algos > 0 && again.ledger > 0);
    assert_true(none || memcmp(&found, &again, sizeof found) == 0);
}

static tj_status export(workload *w)
{
    char directory[DIRECTORY_SIZE + 16];
    tj_export_options options = TJ_EXPORT_OPTIONS_INIT;
    tj_export_report *report = NULL;
    options.force = true;
    snprintf(directory, sizeof directory, "%s/exported", w->f.directory);
    err = (tj_error)TJ_ERROR_INIT;
    tj_status status = tj_export_tesser(w->f.store, directory, &options, &report, &err);
    tj_export_report_free(report);
    return status;
}

static void make_imported(workload *w)
{
    make_sources(w);
    assert_ok(import(w, false));
    w->f.config.read_only = true;
    fixture_open(&w->f);
}

/* SQLite keeps errno to itself, and takes some for a damaged file system. */
static void act_export(workload *w)
{
    tj_status status = export(w);
    bool of_sqlite =
        (status == TJ_IO || status == TJ_FULL || (status == TJ_CORRUPT && io.code == EIO)) &&
        strstr(err.message, "SQLite says");
    (void)(of_sqlite || worked(w, status));
}

static void check_export(workload *w)
{
    char directory[DIRECTORY_SIZE + 16];
    snprintf(directory, sizeof directory, "%s/exported", w->f.directory);
    directory_remove(directory); /* what a failed one left, or a whole one */
    assert_ok(export(w));
    fixture_close(&w->f);
}

/* ---- looking after it ------------------------------------------------------------------------ */

static void act_compact(workload *w)
{
    tj_compact_report report = TJ_COMPACT_REPORT_INIT;
    err = (tj_error)TJ_ERROR_INIT;
    (void)worked(w, tj_compact(&w->f.config, NULL, &report, &err));
}

/* What cannot be looked at is told of as such. */
static void act_doctor(workload *w)
{
    tj_checkup *checkup = NULL;
    err = (tj_error)TJ_ERROR_INIT;
    (void)worked(w, tj_doctor(&w->f.config, NULL, &checkup, &err));
    tj_checkup_free(checkup);
}

static const scene scenes[] = {
    {"life", NULL, live_through, expect_sound},
    {"opening", make_closed, act_open, expect_sound},
    {"opening after a kill", leave_killed, act_open, expect_sound},
    {"opening a copy", leave_copied, act_open, expect_sound},
    {"looking on", make_stalled, act_view, check_view},
    {"looking at one that was killed", leave_killed, act_view, check_view},
    {"looking at a copy", leave_copied, act_view, check_view},
    {"import", make_sources, act_import, check_import},
    {"export", make_imported, act_export, check_export},
    {"compacting", make_closed, act_compact, expect_sound},
    {"a checkup", make_closed, act_doctor, expect_sound},
    {"a backup", make_long, act_backup, check_backup},
    {"a later backup", make_backed_up, act_backup, check_backup},
    {"restoring", make_restorable, act_restore, check_restore},
    {"repairing", make_damaged, act_repair, check_repair},
    {"pruning", make_long, act_prune, check_prune},
};
#define SCENES (sizeof scenes / sizeof scenes[0])

/* ---- points ---------------------------------------------------------------------------------- */

typedef struct point {
    size_t scene;
    long call;
    int kind;
    int code;
} point;

/* What the process of a point tells of its call; shared with it. */
typedef struct account {
    bool failed;
    char name[32];
    char path[128];
    long calls;
    unsigned char kind_of[CALLS_MAX];
} account;

static account *told;

static const char *code_name(int code)
{
    return code == CALL_SHORT ? "a short count" : strerrorname_np(code);
}

static workload lived;

/* At the end of the process, also of one that fails. */
static void tell_account(void)
{
    const char *inside = strstr(io.path, lived.f.directory);
    told->failed = io.failed;
    told->calls = io.calls;
    memcpy(told->kind_of, io.kind_of, sizeof told->kind_of);
    snprintf(told->name, sizeof told->name, "%s", io.name);
    snprintf(told->path, sizeof told->path, "%.*s", (int)sizeof told->path - 1,
             inside ? inside + strlen(lived.f.directory) : io.path);
}

static void live(const point *p)
{
    const scene *s = &scenes[p->scene];
    workload *w = &lived;
    workload_make(w);
    if (s->make) {
        s->make(w);
    }
    calls_watch(w->f.directory, ALL_KINDS, p->call, p->code);
    io.only = p->kind; /* a run may differ in a call from the one that was listed */
    atexit(tell_account);
    s->act(w);
    calls_ignore();
    w->failed = false;
    s->check(w);
    fixture_remove(&w->f);
}

/* True when all was right. */
static bool run_point(const point *p)
{
    char output[64] = "/tmp/tj-calls-XXXXXX";
    int log = mkstemp(output);
    int code = 0;
    fflush(stdout);
    *told = (account){0};
    pid_t child = fork_dependent();
    if (child == 0) {
        dup2(log, STDERR_FILENO);
        dup2(log, STDOUT_FILENO);
        alarm(POINT_SECONDS_MAX);
        live(p);
        exit(0);
    }
    waitpid(child, &code, 0);
    if (code != 0) {
        char text[1500] = "";
        ssize_t size = pread(log, text, sizeof text - 1, 0);
        text[size > 0 ? size : 0] = '\0';
        printf("VIOLATION: %s, call %ld (%s of %s) fails with %s: %s%d\n%s\n",
               scenes[p->scene].name, p->call, told->name, told->path, code_name(p->code),
               WIFSIGNALED(code) ? "signal " : "exit ",
               WIFSIGNALED(code) ? WTERMSIG(code) : WEXITSTATUS(code), text);
    }
    close(log);
    unlink(output);
    return code == 0;
}

static size_t list_points(point *points, size_t max)
{
    size_t count = 0;
    for (size_t i = 0; i < SCENES; i++) {
        point none = {.scene = i};
        if (!run_point(&none)) {
            exit(1);
        }
        static account seen;
        seen = *told;
        for (long call = 1; call <= seen.calls && call <= CALLS_MAX; call++) {
            int kind = seen.kind_of[call - 1];
            const int *codes = call_codes[kind];
            for (int j = 0; codes[j] != 0 && count < max; j++) {
                points[count++] = (point){i, call, kind, codes[j]};
            }
        }
        printf("%s: %ld calls\n", scenes[i].name, seen.calls);
    }
    return count;
}

int main(void)
{
    static point points[65536];
    directory_in_memory();
    random_start();
    told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    size_t count = list_points(points, sizeof points / sizeof points[0]);
    size_t step = getenv("TJ_LONG") ? 1 : 1 + count / POINTS_OF_A_SHORT_RUN;
    size_t run = 0;
    size_t wrong = 0;
    for (size_t i = random_below((uint32_t)step); i < count; i += step) {
        run++;
        wrong += !run_point(&points[i]);
    }
    printf("%zu of %zu points, %zu violations\n", run, count, wrong);
    return wrong == 0 ? 0 : 1;
}
