/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What looks after a journal is killed before each of its calls that write, and done again: the
 * journal stays as it was, nothing is left of what was not finished, and the second one comes to
 * what the first one would have. (Compacting: tests/maintain/test_compact.c. Power cuts:
 * tests/crash.)
 *
 * With the tests a share of the calls is tried, chosen by TJ_SEED; TJ_LONG=1 tries all.
 */
#include "fault/care.h"

#include "base/random.h"

#define CALLS_OF_A_SHORT_RUN 12

typedef struct scene {
    const char *name;
    void (*make)(workload *w);
    void (*act)(workload *w);
    void (*check)(workload *w);
} scene;

static void expect_nothing_left(const workload *w)
{
    DIR *directory = opendir(w->f.directory);
    struct dirent *entry;
    assert_non_null(directory);
    while ((entry = readdir(directory))) {
        if (strstr(entry->d_name, ".restoring-")) {
            fail_msg("%s is left", entry->d_name);
        }
    }
    closedir(directory);
}

/* Nothing but its name says that it is there, and so it is whole. */
static void check_killed_restore(workload *w)
{
    char into[PATH_TEXT_SIZE];
    beside(w, "new", into);
    if (access(into, F_OK) != 0) {
        assert_ok(restore(w));
        expect_nothing_left(w);
    }
    expect_copy(w, into);
    expect_sound(w);
}

static bool is_sound(const char *path)
{
    tj_verify_report *report = NULL;
    assert_ok(tj_verify(path, NULL, &report, &err));
    bool sound = report->verdict == TJ_VERDICT_SOUND;
    tj_verify_report_free(report);
    return sound;
}

/* Until the names are exchanged the new one is in the way of the next. */
static void check_killed_repair(workload *w)
{
    char into[PATH_TEXT_SIZE];
    beside(w, "new", into);
    if (!is_sound(w->f.path)) {
        if (access(into, F_OK) == 0) {
            assert_true(is_sound(into));
            directory_remove(into);
        }
        assert_ok(repair(w));
        expect_nothing_left(w);
    }
    assert_true(is_sound(w->f.path));
    expect_sound(w);
}

static const scene scenes[] = {
    {"a backup", make_long, act_backup, check_backup},
    {"a later backup", make_backed_up, act_backup, check_backup},
    {"restoring", make_restorable, act_restore, check_killed_restore},
    {"repairing", make_damaged, act_repair, check_killed_repair},
    {"pruning", make_long, act_prune, check_prune},
};

/* False: it was done before so many calls. */
static bool kill_at(const scene *s, long call)
{
    static workload w;
    int code = 0;
    workload_make(&w);
    s->make(&w);
    pid_t child = fork_dependent();
    if (child == 0) {
        calls_watch(w.f.directory, CALLS_THAT_WRITE, call, CALL_KILL);
        s->act(&w);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &code, 0), child);
    bool killed = WIFSIGNALED(code) && WTERMSIG(code) == SIGKILL;
    if (!killed && code != 0) {
        fail_msg("%s, to be killed at call %ld, ends with %d", s->name, call, code);
    }
    s->check(&w);
    fixture_remove(&w.f);
    return killed;
}

static long count_calls(const scene *s)
{
    static workload w;
    workload_make(&w);
    s->make(&w);
    calls_watch(w.f.directory, CALLS_THAT_WRITE, 0, 0);
    s->act(&w);
    long calls = io.calls;
    calls_ignore();
    fixture_remove(&w.f);
    return calls;
}

int main(void)
{
    long kills = 0;
    directory_in_memory();
    random_start();
    for (size_t i = 0; i < sizeof scenes / sizeof scenes[0]; i++) {
        long calls = count_calls(&scenes[i]);
        long step = getenv("TJ_LONG") ? 1 : 1 + calls / CALLS_OF_A_SHORT_RUN;
        for (long call = 1 + random_below((uint32_t)step); call <= calls; call += step) {
            kills += kill_at(&scenes[i], call);
        }
        printf("%s: %ld calls\n", scenes[i].name, calls);
    }
    printf("%ld kills\n", kills);
    return kills > 0 ? 0 : 1;
}
