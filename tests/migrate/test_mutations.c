/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Damaged sources: no signal, no hang, and never fewer rows than there are without a word. Values
 * whose bytes are changed within a sound structure cannot be told from others: neither store has
 * checksums.
 *
 * TJ_MUTATIONS sets how many for each file (200), TJ_SEED the seed.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#include "migrate/support.h"

#define SECONDS_PER_FILE 240

typedef struct target {
    char path[600];     /* of the file that is damaged */
    char source[600];   /* what is imported: the file, or the database beside the -wal */
    char strategy[600]; /* --strategy-state, "" for none */
    bool covered;       /* a -wal holds every page of it anew, so that hardly any damage matters */
} target;

/* What the forked child is doing, for when it dies. */
typedef struct progress {
    uint64_t seed;
    size_t number;
    char how[128];
    char failure[512];
} progress;

static size_t mutation_count(void)
{
    const char *set = getenv("TJ_MUTATIONS");
    return set ? strtoul(set, NULL, 10) : 200;
}

static uint64_t first_seed(void)
{
    const char *set = getenv("TJ_SEED");
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return set ? strtoull(set, NULL, 10) : (uint64_t)now.tv_nsec * 1000003u + (uint64_t)now.tv_sec;
}

static tj_status import_dry(const target *t, tj_import_report **report)
{
    tj_import_options options = TJ_IMPORT_OPTIONS_INIT;
    const char *sources[] = {t->source};
    options.sources = sources;
    options.source_count = 1;
    options.dry_run = true;
    options.strategy_state = t->strategy[0] ? t->strategy : NULL;
    err = (tj_error)TJ_ERROR_INIT;
    return tj_import(NULL, &options, report, &err);
}

static size_t count_named(const tj_import_report *report, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < report->quarantined_count; i++) {
        tj_str found = report->quarantined[i].name;
        count += found.size >= strlen(name) && memcmp(found.data, name, strlen(name)) == 0;
    }
    return count;
}

static size_t reported(const tj_import_report *report)
{
    return report->quarantined_count + report->lost_count + report->remark_count;
}

/* The state is whole, or the report speaks of it. */
static bool state_is_whole(const tj_import_report *whole, const tj_import_report *got)
{
    if (!whole->has_state) {
        return got->has_state || count_named(got, "state") >= count_named(whole, "state");
    }
    if (count_named(got, "state") > count_named(whole, "state")) {
        return true;
    }
    if (!got->has_state) {
        return false;
    }
    bool same = got->open_order_count == whole->open_order_count &&
                got->position_count == whole->position_count &&
                got->balance_count == whole->balance_count &&
                got->last_price_count == whole->last_price_count &&
                got->has_strategy_state == whole->has_strategy_state;
    return same || reported(got) > reported(whole);
}

/* NULL, or what is missing without a word. */
static const char *missing(const tj_import_report *whole, const tj_import_report *got)
{
    if (!state_is_whole(whole, got)) {
        return "state";
    }
    if (got->algo_count + count_named(got, "algo:") <
        whole->algo_count + count_named(whole, "algo:")) {
        return "algorithms";
    }
    if (got->ledger_count + count_named(got, "ledger:") < whole->ledger_count) {
        return "ledger entries";
    }
    return NULL;
}

/* Runs in a child: exit code 0 when every mutation was borne. */
static int bear_mutations(const target *t, const bytes *original, const tj_import_report *whole,
                          progress *p)
{
    size_t refused = 0;
    bytes copy = {malloc(original->size + 8192), 0};
    for (p->number = 0; p->number < mutation_count(); p->number++) {
        tj_import_report *report = NULL;
        uint64_t seed = p->seed + p->number;
        memcpy(copy.data, original->data, original->size);
        copy.size = original->size;
        mutate(&copy, &seed, p->how);
        write_bytes(t->path, &copy);
        tj_status status = import_dry(t, &report);
        const char *lacks = status == TJ_OK ? missing(whole, report) : NULL;
        if (lacks || (status != TJ_OK && (err.status != status || err.message[0] == '\0'))) {
            snprintf(p->failure, sizeof p->failure, "%s", lacks ? lacks : "no sentence");
            return 1;
        }
        refused += status != TJ_OK;
        tj_import_report_free(report);
    }
    free(copy.data);
    /* An alarm that never rings proves nothing. */
    snprintf(p->failure, sizeof p->failure, "only %zu were refused", refused);
    return refused * 10 >= mutation_count() || mutation_count() < 100 || t->covered ? 0 : 1;
}

static void try_file(const target *t, const char *name)
{
    bytes original;
    tj_import_report *whole = NULL;
    progress *p = mmap(NULL, sizeof *p, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(p, MAP_FAILED);
    read_bytes(t->path, &original);
    assert_ok(import_dry(t, &whole));
    p->seed = first_seed();
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        alarm(SECONDS_PER_FILE);
        _exit(bear_mutations(t, &original, whole, p));
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fail_msg("%s, mutation %zu (%s): %s %d, %s; again: TJ_SEED=%" PRIu64 " TJ_MUTATIONS=1; "
                 "kept: %s",
                 name, p->number, p->how, WIFSIGNALED(status) ? "signal" : "exit code",
                 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), p->failure,
                 p->seed + p->number, t->path);
    }
    tj_import_report_free(whole);
    free(original.data);
    munmap(p, sizeof *p);
}

/* One of Tesser's files, copied into a directory of its own under its own name. */
static void try_stored(const char *folder, const char *file)
{
    char directory[DIRECTORY_SIZE];
    char from[512];
    target t = {.strategy = ""};
    const char *base = strrchr(file, '/') ? strrchr(file, '/') + 1 : file;
    snprintf(from, sizeof from, "%s/%s/%s", testdata(), folder, file);
    directory_make(directory, "tj-mutations");
    snprintf(t.path, sizeof t.path, "%s/%s", directory, base);
    snprintf(t.source, sizeof t.source, "%s", t.path);
    if (strcmp(base, "data.mdb") == 0) {
        snprintf(t.strategy, sizeof t.strategy, "%s/%s/snapshot.json", testdata(), folder);
    }
    copy_file(from, t.path);
    snprintf(from, sizeof from, "%s/%s", folder, file);
    try_file(&t, from);
    directory_remove(directory);
}

static const char *const folders[] = {"0.9.2/small", "0.9.2/typical", "0.9.2/edge",
                                      "0.9.3/small", "0.9.3/typical", "0.9.3/edge"};
#define FOLDER_COUNT (sizeof folders / sizeof *folders)

static void each_folder(const char *file)
{
    for (size_t i = 0; i < FOLDER_COUNT; i++) {
        try_stored(folders[i], file);
    }
}

static void damaged_lmdb_is_told(void **state)
{
    (void)state;
    each_folder("journal.lmdb/data.mdb");
}

static void damaged_state_store_is_told(void **state)
{
    (void)state;
    each_folder("state.db");
    try_stored("damaged", "state-truncated-json.db");
}

static void damaged_algorithm_store_is_told(void **state)
{
    (void)state;
    each_folder("algos.db");
    try_stored("damaged", "algos-one-legacy-one-broken.db");
}

static void damaged_ledger_store_is_told(void **state)
{
    (void)state;
    each_folder("ledger.db");
}

/* A store and its -wal, of which one is damaged. */
static void try_live(const char *damaged)
{
    char directory[DIRECTORY_SIZE];
    char path[2][600];
    char from[512];
    static const char *const files[] = {"state.db", "state.db-wal"};
    target t = {.strategy = "", .covered = strcmp(damaged, files[0]) == 0};
    directory_make(directory, "tj-mutations");
    for (size_t i = 0; i < 2; i++) {
        snprintf(from, sizeof from, "%s/live-wal/%s", testdata(), files[i]);
        snprintf(path[i], sizeof path[i], "%s/%s", directory, files[i]);
        copy_file(from, path[i]);
    }
    snprintf(t.source, sizeof t.source, "%s", path[0]);
    snprintf(t.path, sizeof t.path, "%s", path[t.covered ? 0 : 1]);
    snprintf(from, sizeof from, "live-wal/%s", damaged);
    try_file(&t, from);
    directory_remove(directory);
}

static void damaged_wal_is_told(void **state)
{
    (void)state;
    try_live("state.db-wal");
}

static void damage_under_a_wal_is_told(void **state)
{
    (void)state;
    try_live("state.db");
}

int main(void)
{
    printf("seed: TJ_SEED=%" PRIu64 ", %zu mutations a file\n", first_seed(), mutation_count());
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_lmdb_is_told),
        cmocka_unit_test(damaged_state_store_is_told),
        cmocka_unit_test(damaged_algorithm_store_is_told),
        cmocka_unit_test(damaged_ledger_store_is_told),
        cmocka_unit_test(damaged_wal_is_told),
        cmocka_unit_test(damage_under_a_wal_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
