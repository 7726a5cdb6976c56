/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a power cut may leave of a backup that is made, gone on with and compressed, and of a
 * restore, at every moment: what was promised can be proven, what is unfinished is gone on with,
 * and a restored journal is there as a whole or not at all.
 *
 *   crash_backup                  a sample; the tests run it
 *   crash_backup --long           every image that is enumerated
 *   crash_backup --planted        flushes left out of the trace; each must be noticed
 */
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tesser/journal.h>

#include "crash/check.h"
#include "crash/each_image.h"
#include "crash/record.h"
#include "crash/support.h"

#define COMMITS 3400

typedef struct place {
    char work[256];
    char journal[300];
    char root[300];  /* what is recorded, */
    char image[300]; /* and where its images are put */
    char trial[300];
} place;

typedef struct promise {
    const place *at;
    uint64_t commits; /* of the newest backup that returned */
    bool restored;    /* the restore has returned */
} promise;

static void check(tj_status status, const tj_error *error, const char *what)
{
    if (status != TJ_OK) {
        die("the workload cannot %s: %s", what, error->message);
    }
}

/* ---- what is recorded ---------------------------------------------------------------------- */

static tj_config config_of(const char *path)
{
    tj_config config = TJ_CONFIG_INIT;
    config.path = path;
    config.lmdb.segment_size_bytes = TJ_SEGMENT_SIZE_MIN;
    config.durability = TJ_DURABILITY_OS;
    return config;
}

static void save(tj_store *store, uint64_t first, uint64_t last)
{
    for (uint64_t n = first; n <= last; n++) {
        tj_error error = TJ_ERROR_INIT;
        tj_live_state state = {.has_portfolio_equity = true,
                               .portfolio_equity = tj_decimal_int((int64_t)n)};
        check(tj_state_save(tj_store_state_repository(store, NULL), &state, &error), &error,
              "save");
    }
}

static void back_up(tj_store *store, const char *root, uint64_t sequence, uint64_t compression)
{
    char directory[320];
    tj_error error = TJ_ERROR_INIT;
    tj_backup_options options = TJ_BACKUP_OPTIONS_INIT;
    options.bytes_per_s = TJ_BACKUP_RATE_UNBOUNDED;
    options.compression = compression;
    snprintf(directory, sizeof directory, "%s/backup", root);
    check(tj_backup(store, directory, &options, NULL, &error), &error, "back up");
    record_ack(0, sequence);
}

/* So that a backup has bases. */
static void prune(tj_store *store)
{
    tj_error error = TJ_ERROR_INIT;
    tj_prune_report report = TJ_PRUNE_REPORT_INIT;
    tj_prune_options options = TJ_PRUNE_OPTIONS_INIT;
    options.history_size_bytes = 1;
    check(tj_prune(store, &options, &report, &error), &error, "prune");
    if (report.segment_count == 0) {
        die("nothing was pruned");
    }
}

/* The journal is beside what is watched: of it nothing is lost. */
static void record(const place *at, trace *into)
{
    char source[320];
    char restored[320];
    tj_store *store = NULL;
    tj_error error = TJ_ERROR_INIT;
    tj_config config = config_of(at->journal);
    snprintf(source, sizeof source, "%s/backup", at->root);
    snprintf(restored, sizeof restored, "%s/restored", at->root);
    check(tj_store_open(&config, &store, &error), &error, "open");
    save(store, 1, 2400);
    check(tj_store_close(store, &error), &error, "close");
    check(tj_store_open(&config, &store, &error), &error, "open");
    prune(store);
    record_begin(at->root, 0, into);
    back_up(store, at->root, 2400, 0);
    save(store, 2401, 2900);
    back_up(store, at->root, 2900, 0);
    save(store, 2901, COMMITS - 100);
    back_up(store, at->root, COMMITS - 100, 3);
    check(tj_restore(source, restored, NULL, NULL, &error), &error, "restore");
    record_opened(COMMITS - 100);
    record_end();
    save(store, COMMITS - 99, COMMITS);
    check(tj_store_close(store, &error), &error, "close");
}

/* ---- one image ----------------------------------------------------------------------------- */

static int prove(const place *at, const char *backup, uint64_t least)
{
    tj_error error = TJ_ERROR_INIT;
    tj_backup_report *report = NULL;
    tj_backup_verify_options options = TJ_BACKUP_VERIFY_OPTIONS_INIT;
    options.trial_directory = at->trial;
    if (tj_backup_verify(backup, &options, &report, &error) != TJ_OK) {
        return wrong_image("it cannot be proven", &error);
    }
    int result =
        report->point.sequence >= least ? 0 : wrong_image("it lacks what was promised", &error);
    tj_backup_report_free(report);
    return result;
}

static int check_backup(const place *at, uint64_t promised)
{
    char backup[320];
    tj_error error = TJ_ERROR_INIT;
    tj_backup_list *list = NULL;
    snprintf(backup, sizeof backup, "%s/backup", at->image);
    tj_status status = tj_backup_list_read(backup, &list, &error);
    if (status != TJ_OK && promised > 0) {
        return wrong_image("what was promised cannot be listed", &error);
    }
    bool has_point = status == TJ_OK && list->count > 0;
    tj_backup_list_free(list);
    if ((has_point || promised > 0) && prove(at, backup, promised) != 0) {
        return WRONG_IMAGE;
    }
    tj_store *store = NULL;
    tj_config config = config_of(at->journal);
    config.read_only = true;
    if (tj_store_open(&config, &store, &error) != TJ_OK ||
        tj_backup(store, backup, NULL, NULL, &error) != TJ_OK) {
        return wrong_image("it cannot be gone on with", &error);
    }
    (void)tj_store_close(store, NULL);
    return prove(at, backup, COMMITS);
}

static bool holds_state(const char *path, tj_error *error)
{
    tj_store *store = NULL;
    tj_live_state *state = NULL;
    tj_config config = config_of(path);
    config.must_exist = true;
    bool same = tj_store_open(&config, &store, error) == TJ_OK &&
                tj_state_load(tj_store_state_repository(store, NULL), &state, error) == TJ_OK &&
                tj_decimal_compare(state->portfolio_equity, tj_decimal_int(COMMITS - 100)) == 0;
    tj_live_state_free(state);
    return tj_store_close(store, error) == TJ_OK && same;
}

static int check_restored(const place *at, bool promised)
{
    char path[320];
    char source[320];
    struct stat found;
    tj_error error = TJ_ERROR_INIT;
    snprintf(path, sizeof path, "%s/restored", at->image);
    snprintf(source, sizeof source, "%s/backup", at->image);
    bool there = stat(path, &found) == 0;
    if (!there && promised) {
        return wrong_image("the restored journal is gone", &error);
    }
    if (there && !holds_state(path, &error)) {
        return wrong_image("the restored journal is not whole", &error);
    }
    if (!there && tj_restore(source, path, NULL, NULL, &error) != TJ_OK) {
        return wrong_image("it cannot be restored again", &error);
    }
    return 0;
}

static int check_one(void *context)
{
    const promise *p = context;
    int result = check_backup(p->at, p->commits);
    return result == 0 ? check_restored(p->at, p->restored) : result;
}

static uint64_t note_promise(void *context, const event *e)
{
    promise *p = context;
    p->commits = e->kind == EVENT_ACK ? e->size : p->commits;
    p->restored = p->restored || e->kind == EVENT_OPENED;
    return 2 * p->commits + p->restored;
}

/* How the images of a trace are swept, when nothing is promised yet. */
static void sweep_images(each_image *sweep, const place *at, const trace *t)
{
    promise p = {.at = at};
    sweep->work = at->work;
    sweep->directory = at->image;
    sweep->promised = note_promise;
    sweep->check = check_one;
    sweep->context = &p;
    each_image_of(sweep, t);
}

/* ---- flushes that are left out ------------------------------------------------------------- */

static bool is_below(const char *path, const char *part)
{
    return path && strstr(path, part);
}

/* Whether a fault leaves this event out. A file is known by the name that it was made with. */
static bool left_out(int fault, const trace *t, const event *e)
{
    const char *made = NULL;
    for (size_t i = 0; i < t->count && e->kind == EVENT_FLUSH && !made; i++) {
        if (t->events[i].kind == EVENT_CREATE && t->events[i].file == e->file) {
            made = t->events[i].path;
        }
    }
    switch (fault) {
    case 0:
        return is_below(made, "backup/log/") && is_below(made, ".part");
    case 1:
        return e->kind == EVENT_FLUSH_DIRECTORY && is_below(e->path, "backup/log");
    case 2:
        return is_below(made, "backup/points/");
    case 3:
        return e->kind == EVENT_FLUSH_DIRECTORY && is_below(e->path, "backup/points");
    case 4:
        return is_below(made, "packed.tmp");
    case 5:
        return is_below(made, "backup/history/");
    default:
        return is_below(made, ".restoring-");
    }
}

static const char *const fault_names[] = {
    "a segment is not flushed",
    "its name is not flushed",
    "a point is not flushed",
    "its name is not flushed, either",
    "a compressed segment is not flushed",
    "a base is not flushed",
    "a restored journal is not flushed",
};

static uint64_t run_planted(const each_image *like, const place *at, const trace *sound)
{
    uint64_t unnoticed = 0;
    for (int fault = 0; fault < (int)(sizeof fault_names / sizeof *fault_names); fault++) {
        trace faulty = {0};
        each_image s = *like;
        s.name = fault_names[fault];
        s.quiet = true;
        for (size_t i = 0; i < sound->count; i++) {
            if (!left_out(fault, sound, &sound->events[i])) {
                trace_add(&faulty, &sound->events[i]);
            }
        }
        printf("  planted, %zu events left out: ", sound->count - faulty.count);
        sweep_images(&s, at, &faulty);
        unnoticed += s.findings == 0;
        trace_dispose(&faulty);
    }
    return unnoticed;
}

int main(int argc, char **argv)
{
    place at;
    trace recorded = {0};
    bool planted = argc > 1 && strcmp(argv[1], "--planted") == 0;
    bool all = argc > 1 && strcmp(argv[1], "--long") == 0;
    each_image s = {.name = "images", .samples = all ? 0 : 4};
    s.random = seed_given((uint64_t)time(NULL) ^ (uint64_t)getpid() << 32);
    make_work_directory(at.work);
    snprintf(at.journal, sizeof at.journal, "%s/journal", at.work);
    snprintf(at.root, sizeof at.root, "%s/root", at.work);
    snprintf(at.image, sizeof at.image, "%s/image", at.work);
    snprintf(at.trial, sizeof at.trial, "%s/trial", at.work);
    if (mkdir(at.root, 0770) != 0 || mkdir(at.trial, 0770) != 0) {
        die("no directories in %s", at.work);
    }
    printf("TJ_SEED=%" PRIu64 " repeats this run, in %s\n", s.random, at.work);
    setenv("TMPDIR", at.trial, 1);
    record(&at, &recorded);
    uint64_t bad = 0;
    if (planted) {
        bad = run_planted(&s, &at, &recorded);
    } else {
        sweep_images(&s, &at, &recorded);
        bad = s.findings;
    }
    trace_dispose(&recorded);
    if (bad == 0) {
        directory_remove(at.work);
    }
    return bad == 0 ? 0 : 1;
}
