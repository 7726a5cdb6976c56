/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What stands in a journal's directory may be anything: each of its files is missing, empty, cut,
 * grown, a link, a directory, a pipe, a socket, another user's, unreadable or read-only. Then one
 * looks on, and a writer opens. Neither dies, waits for ever or shows anything but what was
 * acknowledged; the journal is described as the writer will find it; a refusal names the file and
 * changes nothing, and what a link points to outside stays as it was.
 *
 * Started by root, all but the deforming runs as another user.
 */
#include "strength/fixture.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/hash.h"
#include "support/alone.h"
#include "support/orphan.h"

#define COMMITS 14
#define PAD_SIZE 9000
#define SECONDS_MAX 10
#define NOBODY 65534
#define PATH_ROOM (DIRECTORY_SIZE + 128)

typedef enum deformity {
    MISSING,
    EMPTY,
    CUT,
    CUT_ODD,
    GROWN,
    GROWN_ODD,
    GROWN_HUGE, /* 40 GiB of holes */
    LINK,       /* to where it was moved to, outside */
    LINK_BROKEN,
    LINK_TO_ITSELF,
    DIRECTORY,
    PIPE,
    SOCKET,
    FOREIGN,
    UNREADABLE,
    UNWRITABLE,
    DEFORMITIES
} deformity;

static const char *const deformity_names[DEFORMITIES] = {
    "missing",         "empty",       "cut to half", "one byte short", "a page longer",
    "one byte longer", "40 GiB long", "a link",      "a broken link",  "a link to itself",
    "a directory",     "a pipe",      "a socket",    "another user's", "unreadable",
    "read-only"};

static const char *const files[] = {"writer.lock",
                                    "lock.mdb",
                                    "data.mdb",
                                    "log/0000000001.log", /* applied and sealed */
                                    "log/0000000002.log", /* the newest with commits */
                                    "log/0000000003.log", /* prepared */
                                    "log/0000000004.tmp",
                                    "log/spare.tmp",
                                    "history",
                                    "reserve",
                                    "backups",
                                    "creating",
                                    "log"};
#define FILES (sizeof files / sizeof files[0])

/* What the process that opened tells; shared with it. */
typedef struct answer {
    bool opened;
    tj_status status;
    tj_status described; /* by tj_store_info_get, when the rest was well */
    char message[TJ_ERROR_MESSAGE_SIZE];
    char place[TJ_ERROR_PLACE_SIZE];
    uint32_t numbers; /* bit of each that was there */
} answer;

static struct {
    fixture f;
    char outside[PATH_ROOM];
    answer *told;
    unsigned wrong;
    unsigned cases;
    const char *what; /* file and deformity of this case */
    const char *base;
} run;

static void complain(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    printf("VIOLATION: %s journal, %s: ", run.base, run.what);
    vprintf(format, arguments);
    printf("\n");
    va_end(arguments);
    run.wrong++;
}

/* ---- in a process of its own ----------------------------------------------------------------- */

static void become_nobody(void)
{
    if (geteuid() == 0) {
        assert_int_equal(setgroups(0, NULL), 0);
        assert_int_equal(setgid(NOBODY), 0);
        assert_int_equal(setuid(NOBODY), 0);
    }
}

static tj_status put_padded(tj_store *store, unsigned number)
{
    static char payload[PAD_SIZE];
    memset(payload, ' ', sizeof payload);
    payload[0] = '1';
    tj_uuid id = uuid(number);
    tj_algo_state state = {.plugin = TJ_STR("twap"), .payload = {payload, sizeof payload}};
    return tj_algo_save(tj_store_algo_repository(store, NULL), &id, &state, &err);
}

static void write_journal(bool killed)
{
    tj_config config = run.f.config;
    config.lmdb.lag_ms = killed ? 3600000 : 0;
    tj_store *store = NULL;
    assert_ok(tj_store_open(&config, &store, &err));
    for (unsigned number = 0; number < COMMITS; number++) {
        assert_ok(put_padded(store, number));
        if (number == COMMITS / 2 || number == COMMITS - 1) {
            /* applies, which the end of a killed one must lack */
            assert_ok(number == COMMITS - 1 && killed ? TJ_OK : tj_store_work(store, &err));
        }
    }
    if (!killed) {
        assert_ok(tj_store_close(store, &err));
    }
}

static void answer_with(bool read_only)
{
    answer *told = run.told;
    tj_config config = run.f.config;
    tj_store *store = NULL;
    tj_algo_list *list = NULL;
    config.read_only = read_only;
    err = (tj_error)TJ_ERROR_INIT;
    told->status = tj_store_open(&config, &store, &err);
    told->opened = told->status == TJ_OK;
    if (told->opened) {
        told->status = tj_algo_load_all(tj_store_algo_repository(store, NULL), &list, &err);
    }
    tj_store_info info = TJ_STORE_INFO_INIT;
    told->described = told->status == TJ_OK ? tj_store_info_get(store, &info, &err) : told->status;
    for (size_t i = 0; list && i < list->count; i++) {
        told->numbers |= 1u << list->records[i].id.bytes[15];
    }
    tj_algo_list_free(list);
    if (told->status != TJ_OK) {
        memcpy(told->message, err.message, sizeof told->message);
        memcpy(told->place, err.place, sizeof told->place);
        (void)tj_store_close(store, NULL);
    } else {
        told->status = tj_store_close(store, &err);
        memcpy(told->message, err.message, sizeof told->message);
        memcpy(told->place, err.place, sizeof told->place);
    }
}

typedef enum role { MAKE_CLOSED, MAKE_KILLED, LOOK, WRITE } role;
static const char *const role_names[] = {"the maker", "the maker", "who looks on", "the writer"};

/* False when it died. */
static bool in_process(role what)
{
    int code = 0;
    fflush(stdout);
    *run.told = (answer){0};
    pid_t child = fork_dependent();
    if (child == 0) {
        become_nobody();
        alarm(SECONDS_MAX);
        if (what == LOOK || what == WRITE) {
            answer_with(what == LOOK);
        } else {
            write_journal(what == MAKE_KILLED);
        }
        _exit(0);
    }
    waitpid(child, &code, 0);
    if (WIFSIGNALED(code)) {
        complain(WTERMSIG(code) == SIGALRM ? "%s waits for ever" : "%s dies of signal %d",
                 role_names[what], WTERMSIG(code));
    } else if (code != 0) {
        complain("%s ends with %d", role_names[what], WEXITSTATUS(code));
    }
    return code == 0;
}

/* ---- what is there --------------------------------------------------------------------------- */

static uint64_t seen;

static int add_to_seen(const char *path, const struct stat *found, int kind, struct FTW *walk)
{
    static uint8_t content[1 << 20];
    (void)kind;
    (void)walk;
    uint64_t facts[] = {found->st_mode, S_ISDIR(found->st_mode) ? 0 : (uint64_t)found->st_size,
                        found->st_uid};
    uint64_t hash = tj__hash_seeded(path, strlen(path), tj__hash_seeded(facts, sizeof facts, 0));
    /* Readers write their slots into lock.mdb, writers their name into writer.lock. */
    bool judged = !strstr(path, "lock") && !strstr(run.what, "lock");
    if (S_ISREG(found->st_mode) && judged) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t size = read(fd, content, sizeof content);
        hash = tj__hash_seeded(content, size > 0 ? (size_t)size : 0, hash);
        close(fd);
    } else if (S_ISREG(found->st_mode)) {
        hash = 0;
    }
    seen += hash; /* in any order */
    return 0;
}

/* A number for everything in the journal and outside. */
static uint64_t everything(void)
{
    seen = 0;
    nftw(run.f.directory, add_to_seen, 16, FTW_PHYS);
    return seen;
}

/* ---- deforming ------------------------------------------------------------------------------- */

static void shell(const char *format, ...)
{
    char command[4 * PATH_ROOM];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    if (system(command) != 0) {
        fail_msg("%s", command);
    }
}

static off_t new_size(off_t size, deformity how)
{
    switch (how) {
    case EMPTY:
        return 0;
    case CUT:
        return size / 2;
    case CUT_ODD:
        return size - 1;
    case GROWN:
        return size + 4096;
    case GROWN_ODD:
        return size + 1;
    default:
        return (off_t)40 << 30;
    }
}

/* False when there is nothing to do: this file cannot be so. */
static bool deform(const char *name, deformity how)
{
    char path[PATH_ROOM];
    struct stat found;
    snprintf(path, sizeof path, "%s/%s", run.f.path, name);
    bool there = lstat(path, &found) == 0;
    bool directory = there && S_ISDIR(found.st_mode);
    if (how >= EMPTY && how <= GROWN_HUGE) {
        return there && !directory && truncate(path, new_size(found.st_size, how)) == 0;
    }
    if (how == LINK) {
        shell("if [ -e %s ]; then mv %s %s/moved; else mkdir %s/moved; fi; ln -s %s/moved %s", path,
              path, run.outside, run.outside, run.outside, path);
        if (!there) {
            shell("echo precious > %s/moved/data.mdb", run.outside);
        }
        return true;
    }
    if (how == FOREIGN || how == UNREADABLE || how == UNWRITABLE) {
        if (!there || geteuid() != 0) {
            return false;
        }
        return how == FOREIGN ? chown(path, 0, 0) == 0 && chmod(path, directory ? 0755 : 0644) == 0
                              : chmod(path, how == UNREADABLE ? 0
                                            : directory       ? 0555
                                                              : 0444) == 0;
    }
    shell("rm -rf %s", path);
    switch (how) {
    case LINK_BROKEN:
        return symlink("nothing", path) == 0;
    case LINK_TO_ITSELF:
        return symlink(path, path) == 0;
    case DIRECTORY:
        return !directory && mkdir(path, 0777) == 0;
    case PIPE:
        return mkfifo(path, 0666) == 0 && chmod(path, 0666) == 0;
    case SOCKET:
        return mknod(path, S_IFSOCK | 0666, 0) == 0 && chmod(path, 0666) == 0;
    default:
        return there;
    }
}

/* ---- judging --------------------------------------------------------------------------------- */

/* An answer that is right by itself. */
static void judge(role what, const char *file, uint64_t before)
{
    const answer *told = run.told;
    const char *last = strrchr(file, '/') ? strrchr(file, '/') + 1 : file;
    uint32_t all = (1u << COMMITS) - 1;
    if (told->status == TJ_OK) {
        if (told->numbers != all) {
            complain("%s shows %#x of %#x", role_names[what], told->numbers, all);
        }
        return;
    }
    if (told->status == TJ_NOT_FOUND || told->status == TJ_MISUSE || told->message[0] == '\0') {
        complain("%s is told %s: %s", role_names[what], tj_status_name(told->status),
                 told->message);
    }
    if (!strstr(told->message, last) && !strstr(told->place, last)) {
        complain("%s is not told of the file: %s", role_names[what], told->message);
    }
    bool late = strcmp(file, "creating") == 0; /* looked for when all else was right */
    if (!told->opened && !late && everything() != before) {
        complain("%s refuses and has changed something: %s", role_names[what], told->message);
    }
}

static void precious_is_there(void)
{
    char path[PATH_ROOM + 32];
    snprintf(path, sizeof path, "%s/moved/data.mdb", run.outside);
    if (access(path, F_OK) != 0) {
        complain("what the link points to was removed");
    }
}

static void start_anew(void)
{
    shell("rm -rf %s %s; mkdir %s", run.f.path, run.outside, run.outside);
    if (geteuid() == 0) {
        assert_int_equal(chown(run.outside, NOBODY, NOBODY), 0);
    }
}

static void one_case(role base, const char *file, deformity how)
{
    char what[128];
    snprintf(what, sizeof what, "%s is %s", file, deformity_names[how]);
    run.what = what;
    run.base = base == MAKE_CLOSED ? "closed" : "killed";
    start_anew();
    if (!in_process(base) || !deform(file, how)) {
        return;
    }
    run.cases++;
    uint64_t before = everything();
    if (!in_process(LOOK)) {
        return;
    }
    answer look = *run.told;
    judge(LOOK, file, before);
    if (everything() != before) {
        complain("looking on has changed something");
    }
    if (!in_process(WRITE)) {
        return;
    }
    judge(WRITE, file, before);
    answer written = *run.told;
    /* The state may be shown that no writer goes on from, and is then not called sound. */
    if (look.described != written.status) {
        complain("the journal is described as %s: %s; the writer is told %s: %s",
                 tj_status_name(look.described), look.message, tj_status_name(written.status),
                 written.message);
    }
    if (how == LINK && strcmp(file, "creating") == 0) {
        precious_is_there();
    }
    if (written.status == TJ_OK && in_process(WRITE)) {
        judge(WRITE, file, before);
    }
}

int main(void)
{
    directory_in_memory();
    run.told =
        mmap(NULL, sizeof *run.told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    fixture_make(&run.f);
    run.f.config.lmdb.segment_size_bytes = TJ_SEGMENT_SIZE_MIN;
    run.f.config.no_threads = true;
    snprintf(run.outside, sizeof run.outside, "%s/outside", run.f.directory);
    if (geteuid() == 0) {
        assert_int_equal(chown(run.f.directory, NOBODY, NOBODY), 0);
    } else {
        printf("SKIP: only root can give files to another user\n");
    }
    for (size_t i = 0; i < FILES; i++) {
        for (deformity how = MISSING; how < DEFORMITIES; how++) {
            one_case(MAKE_CLOSED, files[i], how);
            one_case(MAKE_KILLED, files[i], how);
        }
    }
    directory_remove(run.f.directory);
    printf("%u cases, %u violations\n", run.cases, run.wrong);
    return run.wrong == 0 && run.cases > 150 ? 0 : 1;
}
