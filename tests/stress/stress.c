/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Stress: one writing process with 8 threads, 4 that look on, 1 that copies the directory, and this
 * one, which kills the writer and the lookers-on at random moments and starts them again.
 *
 *   stress [--seconds N] [--seed N]
 *   stress --in-process [--seconds N]     the writer and its own views only, for ThreadSanitizer
 *
 * stress.h says what must hold. The directory is kept when it does not.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "stress.h"
#include "support/orphan.h"

#define VIEWERS 4
#define COPIER VIEWERS
#define WRITER (VIEWERS + 1)
#define CHILDREN (VIEWERS + 2)

shared *all;

static struct {
    unsigned seconds;
    uint64_t seed;
    bool in_process;
    uint64_t random;
    uint64_t starts;
    uint64_t kills;
    pid_t children[CHILDREN];
} run = {.seconds = 30};

static void read_arguments(int count, char **arguments)
{
    const char *given = getenv("TJ_SEED");
    run.seed =
        given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL) * 1000 + (uint64_t)getpid() % 1000;
    for (int i = 1; i < count; i++) {
        if (strcmp(arguments[i], "--in-process") == 0) {
            run.in_process = true;
        } else if (strcmp(arguments[i], "--seconds") == 0 && i + 1 < count) {
            run.seconds = (unsigned)strtoul(arguments[++i], NULL, 10);
        } else if (strcmp(arguments[i], "--seed") == 0 && i + 1 < count) {
            run.seed = strtoull(arguments[++i], NULL, 10);
        } else {
            fprintf(stderr, "usage: stress [--in-process] [--seconds N] [--seed N]\n");
            exit(2);
        }
    }
    run.random = run.seed;
}

static void make_shared(void)
{
    const char *base = getenv("TMPDIR");
    all = mmap(NULL, sizeof *all, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    snprintf(all->directory, sizeof all->directory, "%s/tj-stress-XXXXXX", base ? base : "/tmp");
    if (all == MAP_FAILED || !mkdtemp(all->directory)) {
        perror("stress");
        exit(2);
    }
    snprintf(all->journal, sizeof all->journal, "%s/journal", all->directory);
}

static void start(unsigned child)
{
    uint64_t seed = run.seed + ++run.starts;
    fflush(stdout);
    run.children[child] = fork_dependent();
    if (run.children[child] != 0) {
        return;
    }
    if (child == WRITER) {
        writer_main(seed, false);
    } else if (child == COPIER) {
        copier_main(seed);
    } else {
        viewer_main(seed);
    }
    _exit(0);
}

static void kill_one(unsigned child)
{
    int code = 0;
    kill(run.children[child], SIGKILL);
    waitpid(run.children[child], &code, 0);
    if (!WIFSIGNALED(code) || WTERMSIG(code) != SIGKILL) {
        violation("child %u ended by itself with %#x", child, (unsigned)code);
    }
    run.kills++;
    start(child);
}

static void finish(unsigned child)
{
    int code = 0;
    waitpid(run.children[child], &code, 0);
    if (code != 0) {
        violation("child %u ended with %#x", child, (unsigned)code);
    }
}

static void supervise(void)
{
    time_t end = time(NULL) + (time_t)run.seconds;
    for (unsigned child = 0; child < CHILDREN; child++) {
        start(child);
    }
    while (time(NULL) < end && !atomic_load(&all->violated)) {
        pause_us(50000 + draw(&run.random) % 1200000);
        kill_one(WRITER);
        if (draw(&run.random) % 4 == 0) {
            kill_one(draw(&run.random) % VIEWERS);
        }
    }
    atomic_store(&all->stop, true);
    for (unsigned child = 0; child < CHILDREN; child++) {
        finish(child);
    }
}

static void stop_later(int signal_number)
{
    (void)signal_number;
    atomic_store(&all->stop, true);
}

static void tell_and_tidy(void)
{
    uint64_t commits = 0;
    char command[STRESS_PATH_SIZE * 2];
    for (unsigned lane = 0; lane < LANES; lane++) {
        commits += atomic_load(&all->lanes[lane].acknowledged);
    }
    printf("%" PRIu64 " commits, %" PRIu64 " views, %" PRIu64 " kills, %" PRIu64
           " copies good and %" PRIu64 " refused\n",
           commits, atomic_load(&all->views), run.kills, atomic_load(&all->good_copies),
           atomic_load(&all->refused_copies));
    snprintf(command, sizeof command, "rm -rf '%s'", all->directory);
    if (atomic_load(&all->violated) || system(command) != 0) {
        printf("kept in %s\n", all->directory);
    }
}

int main(int count, char **arguments)
{
    read_arguments(count, arguments);
    make_shared();
    printf("stress --seconds %u --seed %" PRIu64 "%s\n", run.seconds, run.seed,
           run.in_process ? " --in-process" : "");
    stress_create();
    if (run.in_process) {
        signal(SIGALRM, stop_later);
        alarm(run.seconds);
        writer_main(run.seed, true);
    } else {
        supervise();
    }
    tell_and_tidy();
    return atomic_load(&all->violated) ? 1 : 0;
}
