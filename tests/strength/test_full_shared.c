/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A full disk on every file system that a journal may be on, also where a store into a page needs a
 * new block: with copy on write, and where a copy (`cp` shares blocks) or a snapshot has the same
 * blocks. While the journal is open, over a close and an opening, and for those who look on,
 * nothing ends by a signal and nothing acknowledged is lost. Critical commits go on out of the
 * reserve. Only a snapshot of all has the reserve's blocks, too, until the next opening: then a
 * commit may end CLOSED, in P7's words.
 *
 * It mounts images in a mount namespace of its own, and says so where it cannot.
 */
#include "strength/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAD_SIZE 1500
#define COMMITS_MAX 4000
#define CRITICALS 20

static struct place {
    const char *name;
    const char *make;    /* a shell command: of the image $1 */
    unsigned image_mib;  /* 0: tmpfs */
    const char *prepare; /* a shell command in the mounted directory, when the journal is closed */
    const char *share;   /* and one when it is open, before the disk is full */
    bool reserve_shared; /* then it may hold nothing */
} places[] = {
    {"tmpfs", NULL, 0, ":", ":", false},
    {"ext4", "mkfs.ext4 -q -m 0 $1", 60, ":", ":", false},
    {"xfs", "mkfs.xfs -q $1", 320, ":", ":", false},
    {"xfs, copied while it was closed", "mkfs.xfs -q $1", 320,
     "cp -a --reflink=always journal copy", ":", false},
    {"xfs, copied while it was open", "mkfs.xfs -q $1", 320, ":",
     "cp -a --reflink=always journal copy", false},
    {"btrfs", "mkfs.btrfs -q $1", 120, ":", ":", false},
    {"btrfs, a copy that is copied on write", "mkfs.btrfs -q $1", 120,
     "cp -a journal copy && rm -r journal && mv copy journal", ":", false},
    {"btrfs, with a snapshot from before", "mkfs.btrfs -q $1", 120,
     "btrfs -q subvolume snapshot . snapshot", ":", false},
    {"btrfs, with a snapshot", "mkfs.btrfs -q $1", 120, ":",
     "btrfs -q subvolume snapshot . snapshot", true},
};

static const struct place *place;
static char mounted[DIRECTORY_SIZE];

#define must(condition, ...)                                \
    do {                                                    \
        if (!(condition)) {                                 \
            printf("%s, line %d: ", place->name, __LINE__); \
            printf(__VA_ARGS__);                            \
            printf("\n");                                   \
            fflush(stdout);                                 \
            _exit(1);                                       \
        }                                                   \
    } while (0)

/* ---- the disk ----------------------------------------------------------------------------- */

static bool shell_in(const char *directory, const char *command)
{
    char line[6 * DIRECTORY_SIZE];
    snprintf(line, sizeof line, "cd %s && { %s; } >/dev/null 2>&1", directory, command);
    return system(line) == 0;
}

static void filler_path(char path[DIRECTORY_SIZE + 16], unsigned number)
{
    snprintf(path, DIRECTORY_SIZE + 16, "%s/filler%u", mounted, number);
}

static void fill(void)
{
    static const char block[1 << 16];
    char path[DIRECTORY_SIZE + 16];
    filler_path(path, 0);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    off_t at = 0;
    for (off_t size = 64 << 20; size >= 4096; size /= 2) {
        while (syscall(SYS_fallocate, fd, 0, at, size) == 0) {
            at += size;
        }
    }
    close(fd);
    filler_path(path, 1);
    fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    for (size_t size = sizeof block; size > 0;) {
        size = write(fd, block, size) > 0 ? size : size / 2;
    }
    close(fd);
    sync();
}

static void make_space(void)
{
    char path[DIRECTORY_SIZE + 16];
    for (unsigned i = 0; i < 2; i++) {
        filler_path(path, i);
        unlink(path);
    }
    sync();
}

/* ---- the journal -------------------------------------------------------------------------- */

typedef struct run {
    tj_config config;
    char journal[DIRECTORY_SIZE + 16];
    tj_store *store;
    unsigned next;
    bool stored[COMMITS_MAX];
} run;

static tj_status commit_one(run *r, bool critical)
{
    char payload[PAD_SIZE + 2];
    tj_commit_options options = TJ_COMMIT_OPTIONS_INIT;
    tj_uuid id = uuid(r->next);
    tj_txn *txn = NULL;
    options.critical = critical;
    must(r->next < COMMITS_MAX, "too many commits");
    memset(payload, 'x', sizeof payload);
    payload[0] = payload[sizeof payload - 1] = '"';
    tj_algo_state algo = {TJ_STR("twap"), {payload, sizeof payload}};
    must(tj_txn_begin(r->store, &txn, &err) == TJ_OK, "%s", err.message);
    must(tj_txn_put_algo(txn, &id, &algo, &err) == TJ_OK, "%s", err.message);
    tj_status status = tj_txn_commit(txn, &options, NULL, &err);
    bool in_words = status == TJ_CLOSED && place->reserve_shared &&
                    strstr(err.message, "no space left on device");
    must(status == TJ_OK || status == TJ_FULL || in_words, "commit %u%s: %s: %s", r->next,
         critical ? ", critical" : "", tj_status_name(status), err.message);
    r->stored[r->next++] = status == TJ_OK;
    return status;
}

static void expect_all(run *r, tj_store *store)
{
    tj_algo_list *list = NULL;
    tj_status status = tj_algo_load_all(tj_store_algo_repository(store, NULL), &list, &err);
    if (status == TJ_FULL && place->reserve_shared) {
        return; /* no signal, and no wrong answer */
    }
    must(status == TJ_OK, "load: %s: %s", tj_status_name(status), err.message);
    size_t at = 0;
    for (unsigned number = 0; number < r->next; number++) {
        tj_uuid id = uuid(number);
        bool there = at < list->count && memcmp(&list->records[at].id, &id, sizeof id) == 0;
        must(there == r->stored[number], "number %u is %s", number, there ? "there" : "lost");
        at += there;
    }
    must(at == list->count, "there is more than was stored");
    tj_algo_list_free(list);
}

static off_t reserve_size(const run *r)
{
    char path[sizeof r->journal + 16];
    struct stat found;
    snprintf(path, sizeof path, "%s/reserve", r->journal);
    return stat(path, &found) == 0 ? found.st_size : -1;
}

/* The reserve is the writer's. */
static void look_on(run *r)
{
    int code = -1;
    off_t reserve = reserve_size(r);
    pid_t viewer = fork();
    if (viewer == 0) {
        tj_config config = r->config;
        tj_store *store = NULL;
        config.read_only = true;
        tj_status status = tj_store_open(&config, &store, &err);
        must(status == TJ_OK || (status == TJ_FULL && place->reserve_shared), "looking on: %s: %s",
             tj_status_name(status), err.message);
        if (status == TJ_OK) {
            expect_all(r, store);
            (void)tj_store_close(store, NULL);
        }
        _exit(0);
    }
    must(waitpid(viewer, &code, 0) == viewer && code == 0, "looking on ended with %#x",
         (unsigned)code);
    must(reserve_size(r) == reserve, "who looked on cut the reserve");
}

static bool open_run(run *r)
{
    tj_status status = tj_store_open(&r->config, &r->store, &err);
    must(status == TJ_OK || (status == TJ_FULL && place->reserve_shared), "open: %s: %s",
         tj_status_name(status), err.message);
    return status == TJ_OK;
}

static void close_run(run *r)
{
    tj_status status = tj_store_close(r->store, &err);
    r->store = NULL;
    must(status == TJ_OK || (status == TJ_CLOSED && place->reserve_shared), "close: %s: %s",
         tj_status_name(status), err.message);
}

static void go_on_while_full(run *r)
{
    unsigned ordinary = 0;
    expect_all(r, r->store);
    look_on(r);
    while (ordinary < 500 && commit_one(r, false) == TJ_OK) {
        ordinary++;
    }
    must(ordinary < 500, "the disk is full, and all commits are taken");
    for (unsigned i = 0; i < CRITICALS; i++) {
        tj_status status = commit_one(r, true);
        must(status == TJ_OK || place->reserve_shared, "critical commit %u: %s", i, err.message);
    }
    expect_all(r, r->store);
    look_on(r);
}

/* Nothing is being stored while the blocks become shared. */
static void await_helper(run *r)
{
    tj_store_info info = TJ_STORE_INFO_INIT;
    do {
        must(tj_store_info_get(r->store, &info, &err) == TJ_OK, "%s", err.message);
        sleep_ms(5);
    } while (info.lmdb.applied_sequence != info.sequence);
}

static void live_through(run *r)
{
    (void)open_run(r);
    for (unsigned i = 0; i < 50; i++) {
        must(commit_one(r, false) == TJ_OK, "%s", err.message);
    }
    close_run(r);
    must(shell_in(mounted, place->prepare), "%s", place->prepare);
    (void)open_run(r);
    must(commit_one(r, false) == TJ_OK, "%s", err.message);
    await_helper(r);
    must(shell_in(mounted, place->share), "%s", place->share);
    fill();
    go_on_while_full(r);
    close_run(r);
    look_on(r);
    if (open_run(r)) {
        (void)commit_one(r, true);
        expect_all(r, r->store);
        close_run(r);
    }
    make_space();
    must(open_run(r), "%s", err.message);
    expect_all(r, r->store);
    must(commit_one(r, false) == TJ_OK, "there is space, and still: %s", err.message);
    close_run(r);
    look_on(r);
}

static void run_in_child(void)
{
    static run r;
    int code = -1;
    r = (run){.config = TJ_CONFIG_INIT};
    snprintf(r.journal, sizeof r.journal, "%s/journal", mounted);
    r.config.path = r.journal;
    r.config.lmdb.segment_size_bytes = 256 << 10;
    r.config.lmdb.lag_ms = 20;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        live_through(&r);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &code, 0), child);
    if (code != 0) {
        fail_msg("%s: the process ended with %#x", place->name, (unsigned)code);
    }
    assert_journal_sound(r.config.path);
}

/* ---- file systems ------------------------------------------------------------------------- */

static bool mount_it(void)
{
    char command[4 * DIRECTORY_SIZE];
    if (!place->make) {
        return mount("tmpfs", mounted, "tmpfs", 0, "size=8m") == 0;
    }
    snprintf(command, sizeof command,
             "set -- %s.image; truncate -s %uM $1 && %s && mount -o loop $1 %s; code=$?; rm -f $1; "
             "exit $code",
             mounted, place->image_mib, place->make, mounted);
    return shell_in("/", command);
}

static void test_a_place(void **state)
{
    (void)state;
    directory_make(mounted, "tj-full-shared");
    if (!mount_it()) {
        printf("SKIP: %s cannot be made and mounted here\n", place->name);
        rmdir(mounted);
        skip();
    }
    run_in_child();
    umount2(mounted, MNT_DETACH);
    rmdir(mounted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_place)};
    int failed = 0;
    directory_in_memory();
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        printf("SKIP: no file system can be mounted here: %s\n", strerror(errno));
        return 77;
    }
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        place = &places[i];
        failed += cmocka_run_group_tests_name(place->name, tests, NULL, NULL);
    }
    return failed;
}
