/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Looking on through a read-only mount beside a living writer, as a container does: LMDB cannot
 * take a reader's slot there, and the writer would use again the pages that are being read. What is
 * shown is one commit's, and not an old one, or the view is refused; and nobody dies.
 */
#include "strength/fixture.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "support/alone.h"
#include "support/orphan.h"

#define ALGOS 3000
#define VIEWS 40
#define COMMITS_MEANWHILE 3 /* so that pages are used again */

typedef struct shared {
    _Atomic unsigned acknowledged;
    _Atomic unsigned attempted;
    _Atomic bool stop;
    _Atomic unsigned shown;
    _Atomic unsigned refused;
} shared;

static shared *all;

/* Every commit puts every algorithm, with its own number. */
static void commit_all(tj_store *store, unsigned number)
{
    char text[320];
    tj_txn *txn = NULL;
    int size = snprintf(text, sizeof text, "{\"n\":%u,\"pad\":\"%032u\"}", number, 0u);
    tj_algo_state state = {.plugin = TJ_STR("twap"), .payload = {text, (size_t)size}};
    assert_ok(tj_txn_begin(store, &txn, &err));
    for (unsigned i = 0; i < ALGOS; i++) {
        tj_uuid id = uuid(i);
        assert_ok(tj_txn_put_algo(txn, &id, &state, &err));
    }
    atomic_store(&all->attempted, number);
    assert_ok(tj_txn_commit(txn, NULL, NULL, &err));
    atomic_store(&all->acknowledged, number);
    assert_ok(tj_store_work(store, &err));
}

static _Noreturn void write_on(fixture *f)
{
    fixture_open(f);
    for (unsigned number = 1; !atomic_load(&all->stop); number++) {
        commit_all(f->store, number);
    }
    fixture_close(f);
    _exit(0);
}

static unsigned number_of(tj_str payload)
{
    unsigned number = 0;
    char text[32];
    snprintf(text, sizeof text, "%.*s", (int)payload.size, payload.data);
    if (sscanf(text, "{\"n\":%u", &number) != 1) {
        fail_msg("an algorithm says %s", text);
    }
    return number;
}

static void look(tj_store *view)
{
    tj_algo_list *list = NULL;
    unsigned before = atomic_load(&all->acknowledged);
    tj_status status = tj_algo_load_all(tj_store_algo_repository(view, NULL), &list, NULL);
    unsigned after = atomic_load(&all->attempted);
    if (status != TJ_OK) {
        if (status == TJ_CORRUPT || status == TJ_NOT_FOUND) {
            fail_msg("a sound journal is called %s", tj_status_name(status));
        }
        atomic_fetch_add(&all->refused, 1);
        return;
    }
    assert_int_equal(list->count, ALGOS);
    unsigned number = number_of(list->records[0].state.payload);
    for (size_t i = 1; i < list->count; i++) {
        assert_int_equal(number_of(list->records[i].state.payload), number);
    }
    if (number < before || number > after) {
        fail_msg("commit %u is shown, between %u and %u", number, before, after);
    }
    atomic_fetch_add(&all->shown, 1);
    tj_algo_list_free(list);
}

static void wait_for_writer(unsigned number)
{
    while (atomic_load(&all->acknowledged) < number) {
        sleep_ms(1);
    }
}

static _Noreturn void look_on(fixture *f)
{
    tj_store *view = NULL;
    f->config.read_only = true;
    for (unsigned i = 0; i < VIEWS; i++) {
        if (i % 8 == 0) {
            (void)tj_store_close(view, NULL);
            err = (tj_error)TJ_ERROR_INIT;
            tj_status status = tj_store_open(&f->config, &view, &err);
            if (status == TJ_CORRUPT || status == TJ_NOT_FOUND) {
                fail_msg("%s: %s", tj_status_name(status), err.message);
            }
        }
        if (view) {
            look(view);
        } else {
            atomic_fetch_add(&all->refused, 1);
        }
    }
    (void)tj_store_close(view, NULL);
    _exit(0);
}

/* A process that the scheduler leaves out now and then, until it ends. */
static int let_stutter(pid_t viewer)
{
    int code = 0;
    while (waitpid(viewer, &code, WNOHANG) == 0) {
        kill(viewer, SIGSTOP);
        wait_for_writer(atomic_load(&all->acknowledged) + COMMITS_MEANWHILE);
        kill(viewer, SIGCONT);
        sleep_ms(3);
    }
    return code;
}

static int mount_read_only(const char *from, const char *at)
{
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mkdir(at, 0755) != 0 || mount(from, at, NULL, MS_BIND, NULL) != 0) {
        return -1;
    }
    return mount(NULL, at, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL);
}

int main(void)
{
    fixture f;
    char mounted[DIRECTORY_SIZE + 16];
    int code;
    directory_in_memory();
    all = mmap(NULL, sizeof *all, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    fixture_make(&f);
    f.config.no_threads = true;
    f.config.lmdb.segment_size_bytes = (uint64_t)1 << 20;
    snprintf(mounted, sizeof mounted, "%s/mounted", f.directory);
    pid_t writer = fork_dependent();
    if (writer == 0) {
        write_on(&f);
    }
    wait_for_writer(1);
    pid_t viewer = fork_dependent();
    if (viewer == 0) {
        if (mount_read_only(f.path, mounted) != 0) {
            perror("SKIP: mounting needs root");
            _exit(77);
        }
        f.config.path = mounted;
        look_on(&f);
    }
    code = let_stutter(viewer);
    atomic_store(&all->stop, true);
    waitpid(writer, NULL, 0);
    directory_remove(f.directory);
    printf("%u commits, %u views right, %u refused\n", atomic_load(&all->acknowledged),
           atomic_load(&all->shown), atomic_load(&all->refused));
    if (WIFSIGNALED(code)) {
        printf("the one who looks on died of signal %d\n", WTERMSIG(code));
    }
    return WIFEXITED(code) ? WEXITSTATUS(code) : 1;
}
