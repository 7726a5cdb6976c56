/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Random histories: several books, rollbacks, writers that are killed, with bases built behind them
 * and without. Whatever happened, the state after each commit is the one that was shown right after
 * it, each base can be built again with the same bytes, and without it the answers are the same.
 *
 * Beside each history a model of it is kept, in memory that it shares with those who are killed.
 */
#include "history_fixture.h"

#include <sys/mman.h>

#include "journal/child.h"

#define HISTORIES 6
#define HISTORIES_LONG 1000
#define KILLS_MAX 3
#define COMMITS_MIN 150
#define COMMITS_MAX 450

/* What a writer is told, and what it leaves behind when it is killed. */
typedef struct shared {
    history h;
    uint64_t seed;
    uint64_t target; /* the last commit it makes */
    bool eager;      /* LMDB is brought up to the log all the time, */
    bool builds;     /* and bases are built beside the commits */
} shared;

static shared *common;

static void map_model(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, sizeof *common), 0);
    common = mmap(NULL, sizeof *common, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(common != MAP_FAILED);
    close(fd);
}

/* The last commit may have got into the log, and its writer was killed before it noted that. What
 * was noted is there. */
static void settle(fixture *f)
{
    history *h = &common->h;
    tj_store_info info = TJ_STORE_INFO_INIT;
    assert_ok(tj_store_info_get(f->store, &info, &err));
    assert_true(info.sequence == h->last || info.sequence + 1 == h->last);
    h->last = info.sequence;
    tj__digest now = live_digest(f);
    if (h->live[h->last].rows[TJ__TABLE_BOOKS] > 0) {
        assert_int_equal(tj__digest_differs(&now, &h->live[h->last]), 0);
    }
    h->live[h->last] = now;
}

static void set_up(tj_config *config)
{
    config->durability = TJ_DURABILITY_OS;
    config->lmdb.segment_size_bytes = TJ_SEGMENT_SIZE_MIN;
    config->lmdb.lag_ms = common->eager ? 1 : NEVER_MS;
    config->lmdb.no_history = !common->builds;
}

/* ---- a writer ------------------------------------------------------------------------------- */

static int child_write(const char *path, const char *model)
{
    fixture f = {.config = TJ_CONFIG_INIT};
    map_model(model);
    random_state = common->seed;
    f.config.path = path;
    set_up(&f.config);
    fixture_open(&f);
    settle(&f);
    say("open");
    history_go_on(&f, &common->h, common->target);
    fixture_close(&f);
    return 0;
}

static bool was_killed(child *writer)
{
    int status = 0;
    kill(writer->pid, SIGKILL);
    assert_int_equal(waitpid(writer->pid, &status, 0), writer->pid);
    fclose(writer->said);
    assert_true(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : status == 0);
    return WIFSIGNALED(status);
}

static unsigned live_through(fixture *f, const char *model)
{
    unsigned kills = 0;
    common->target = COMMITS_MIN + random_below(COMMITS_MAX - COMMITS_MIN);
    for (unsigned left = random_below(KILLS_MAX + 1);; left--) {
        common->seed = random_u64();
        common->eager = random_below(2) == 0;
        common->builds = random_below(2) == 0;
        child writer = child_start("write", f->path, model);
        child_expect(&writer, "open");
        if (left == 0) {
            child_finish(&writer);
            return kills;
        }
        usleep(random_below(30000));
        kills += was_killed(&writer);
    }
}

/* ---- looking back -------------------------------------------------------------------------- */

static void digest_files(char text[16384])
{
    char command[PATH_TEXT_SIZE + 64];
    snprintf(command, sizeof command, "cd %s && sha256sum [0-9]*[a-z]", common->h.history_path);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t size = fread(text, 1, 16383, pipe);
    text[size] = '\0';
    pclose(pipe);
}

static uint64_t some_commit(void)
{
    return random_below((unsigned)common->h.last + 1);
}

/* Answers without this base, and it comes back as it was. */
static void do_without(tj__base_kind kind, uint64_t ordinal)
{
    char path[TJ__BASE_PATH_SIZE];
    assert_ok(tj__base_path(path, common->h.history_path, kind, ordinal, false, &err));
    assert_int_equal(unlink(path), 0);
    for (int i = 0; i < 4; i++) {
        assert_past(&common->h, some_commit(), based_tables());
    }
    assert_int_equal(build_bases(&common->h), 1);
}

static unsigned look_back(void)
{
    static char whole[16384];
    static char again[16384];
    history *h = &common->h;
    unsigned bases = 0;
    for (uint64_t n = 0; n <= h->last; n++) {
        assert_past(h, n, n % 25 == 0 ? TJ__TABLES_ALL : based_tables());
    }
    build_bases(h); /* whatever of them is there */
    build_keys(h);
    digest_files(whole);
    shell("rm -r %s", h->history_path);
    build_bases(h);
    build_keys(h);
    digest_files(again);
    assert_string_equal(again, whole);
    for (int kind = 0; kind < TJ__BASE_KINDS; kind++) {
        tj__base_list list;
        assert_ok(tj__base_list_read(h->history_path, (tj__base_kind)kind, &list, &err));
        for (size_t i = 0; i < list.count; i++, bases++) {
            do_without((tj__base_kind)kind, list.ordinals[i]);
        }
        tj__base_list_dispose(&list);
    }
    digest_files(again);
    assert_string_equal(again, whole);
    return bases;
}

static void any_of_them_can_be_looked_back_at(void **state)
{
    fixture *f = *state;
    char model[PATH_TEXT_SIZE + 16];
    const char *longer = getenv("TJ_LONG");
    int histories = longer && strcmp(longer, "1") == 0 ? HISTORIES_LONG : HISTORIES;
    uint64_t commits = 0;
    unsigned kills = 0;
    unsigned bases = 0;
    random_start();
    snprintf(model, sizeof model, "%s/model", f->directory);
    map_model(model);
    for (int i = 0; i < histories; i++) {
        shell("rm -rf %s", f->path);
        history_begin(f, &common->h);
        fixture_close(f);
        kills += live_through(f, model);
        bases += look_back();
        commits += common->h.last;
    }
    printf("%d histories of %" PRIu64 " commits, %u kills, %u bases\n", histories, commits, kills,
           bases);
    munmap(common, sizeof *common);
}

int main(int argc, char **argv)
{
    directory_in_memory();
    if (argc == 5 && strcmp(argv[2], "write") == 0) {
        return child_write(argv[3], argv[4]);
    }
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(any_of_them_can_be_looked_back_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
