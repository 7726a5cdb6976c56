/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * P17: a backup whose bytes are no longer what was written: one of its files is changed at random,
 * a point, a segment, a compressed one, a base. A proof, a restore and the next backup raise no
 * signal and end in time. What a proof passes is restored to the state that was backed up, and so
 * is what a restore takes without one; anything else is refused with a sentence.
 *
 * With the tests a share runs; TJ_LONG=1 runs 2,000.
 */
#include <sys/wait.h>

#include "backup/fixture.h"
#include "history/history_fixture.h"
#include "support/mutation.h"

#define MUTATIONS 100
#define MUTATIONS_LONG 2000
#define COMMITS 700
#define IN_TIME_S 30

/* What a child found. */
enum { HARMLESS = 10, REFUSED = 11, WRONG = 12 };

static history h;
static char restored_path[DIRECTORY_SIZE + 16];

/* ---- the backup ---------------------------------------------------------------------------- */

/* Of a journal that was pruned, so that there are bases; compressed, but for the newest part. */
static void make_backup(fixture *f)
{
    tj_prune_options options = TJ_PRUNE_OPTIONS_INIT;
    tj_prune_report report = TJ_PRUNE_REPORT_INIT;
    history_begin(f, &h);
    history_go_on(f, &h, COMMITS / 2);
    fixture_reopen(f);
    options.history_size_bytes = 3 * TJ_SEGMENT_SIZE_MIN;
    assert_ok(tj_prune(f->store, &options, &report, &err));
    assert_true(report.segment_count > 0);
    backup_compression = 3;
    back_up(f->store);
    backup_compression = 0;
    history_go_on(f, &h, COMMITS);
    back_up(f->store);
    fixture_close(f);
}

/* The points first: there are few of them, and mutations prefer the first file. */
static void keep_backup(whole_journal *whole)
{
    *whole = (whole_journal){0};
    snprintf(whole->path, sizeof whole->path, "%s", backup_path);
    keep_files(whole, "points");
    keep_files(whole, "log");
    keep_files(whole, "history");
}

static void put_backup_back(const whole_journal *whole)
{
    char path[1024];
    static const char *const names[] = {"", "points", "log", "history"};
    directory_remove(whole->path);
    for (size_t i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/%s", whole->path, names[i]);
        assert_int_equal(mkdir(path, 0700), 0);
    }
    for (size_t i = 0; i < whole->count; i++) {
        write_file(whole, whole->files[i].name, whole->files[i].bytes, whole->files[i].size);
    }
}

/* ---- a mutation ---------------------------------------------------------------------------- */

static bool said(const char *what, tj_status status, const tj_error *error)
{
    bool right = status == TJ_CORRUPT || status == TJ_NOT_FOUND || status == TJ_FORMAT_NEWER ||
                 status == TJ_CONFLICT || status == TJ_INVALID || status == TJ_EXISTS;
    if (!right || error->message[0] == '\0') {
        printf("%s: %s: %s\n", what, tj_status_name(status), error->message);
    }
    return right && error->message[0] != '\0';
}

/* The restored state is the one of the model at the commit that it says. */
static bool restores(tj_error *error, tj_status *status)
{
    tj_restore_report *report = NULL;
    directory_remove(restored_path);
    *status = tj_restore(backup_path, restored_path, NULL, &report, error);
    bool right = *status == TJ_OK && report->sequence <= h.last &&
                 report->digest == tj__digest_value(&h.live[report->sequence]);
    tj_restore_report_free(report);
    return right;
}

static int look_at(fixture *f)
{
    tj_error error = TJ_ERROR_INIT;
    tj_status status = TJ_OK;
    alarm(IN_TIME_S);
    tj_status proven = tj_backup_verify(backup_path, NULL, NULL, &error);
    if (proven != TJ_OK && !said("verify", proven, &error)) {
        return WRONG;
    }
    error = (tj_error)TJ_ERROR_INIT;
    bool right = restores(&error, &status);
    if (!right && (proven == TJ_OK || status == TJ_OK || !said("restore", status, &error))) {
        printf("restored: %s, %s\n", tj_status_name(status), error.message);
        return WRONG;
    }
    error = (tj_error)TJ_ERROR_INIT;
    f->config.read_only = true;
    fixture_open(f);
    status = tj_backup(f->store, backup_path, NULL, NULL, &error);
    fixture_close(f);
    if (status != TJ_OK && !said("backup", status, &error)) {
        return WRONG;
    }
    return proven == TJ_OK ? HARMLESS : REFUSED;
}

/* In a process of its own, whose end tells. */
static int look_apart(fixture *f)
{
    int status = 0;
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        _exit(look_at(f));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void every_change_is_refused_or_harmless(void **state)
{
    fixture *f = *state;
    whole_journal whole;
    char text[MUTATION_TEXT_SIZE];
    unsigned harmless = 0;
    unsigned refused = 0;
    unsigned wrong = 0;
    unsigned count = getenv("TJ_LONG") ? MUTATIONS_LONG : MUTATIONS;
    random_start();
    snprintf(backup_path, sizeof backup_path, "%s/backup", f->directory);
    snprintf(restored_path, sizeof restored_path, "%s/restored", f->directory);
    make_backup(f);
    keep_backup(&whole);
    assert_int_equal(look_apart(f), HARMLESS);
    for (unsigned i = 0; i < count; i++) {
        put_backup_back(&whole);
        uint64_t seed = random_state;
        mutate(&whole, text);
        int found = look_apart(f);
        harmless += found == HARMLESS;
        refused += found == REFUSED;
        if (found != HARMLESS && found != REFUSED) {
            wrong++;
            printf("TJ_SEED=%" PRIu64 ": %s: ended with %d\n", seed, text, found);
        }
    }
    printf("%u changes of %zu files: %u harmless, %u refused, %u wrong\n", count, whole.count,
           harmless, refused, wrong);
    assert_int_equal(wrong, 0);
    assert_true(refused > count / 2);
    free_whole(&whole);
}

int main(void)
{
    directory_in_memory();
    setenv("TMPDIR", "/dev/shm", 0);
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(every_change_is_refused_or_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
