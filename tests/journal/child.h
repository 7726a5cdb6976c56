/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Other processes: this program started again as `<program> child COMMAND PATH ARGUMENT`, with its
 * standard output as a pipe to the test. Include journal_fixture.h first.
 */
#ifndef TJ_TESTS_JOURNAL_CHILD_H
#define TJ_TESTS_JOURNAL_CHILD_H

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "support/orphan.h"

typedef struct child {
    pid_t pid;
    FILE *said; /* its standard output */
} child;

static inline child child_start(const char *command, const char *path, const char *argument)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    fflush(NULL);
    pid_t pid = fork_dependent();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        execl("/proc/self/exe", program_invocation_name, "child", command, path, argument,
              (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    return (child){pid, fdopen(ends[0], "r")};
}

/* The next line it says; "" at its end. */
static inline void child_line(const child *c, char *line, size_t size)
{
    if (!fgets(line, (int)size, c->said)) {
        line[0] = '\0';
    }
    line[strcspn(line, "\n")] = '\0';
}

static inline void child_expect(const child *c, const char *expected)
{
    char line[2 * TJ_ERROR_MESSAGE_SIZE];
    child_line(c, line, sizeof line);
    assert_string_equal(line, expected);
}

static inline void child_kill(child *c)
{
    kill(c->pid, SIGKILL);
    assert_int_equal(waitpid(c->pid, NULL, 0), c->pid);
    fclose(c->said);
}

static inline void child_finish(child *c)
{
    int status = 0;
    assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
    fclose(c->said);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* ---- in the child -------------------------------------------------------------------------- */

/* Says one line, at once. */
static inline void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static inline void say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    fflush(stdout);
}

static inline void child_must(tj_status status, const tj_error *error)
{
    if (status != TJ_OK) {
        say("%s: %s", tj_status_name(status), error->message);
        _exit(1);
    }
}

static inline tj_store *child_open(const char *path, tj_durability durability)
{
    tj_error error = TJ_ERROR_INIT;
    tj_config config = TJ_CONFIG_INIT;
    tj_store *store = NULL;
    config.path = path;
    config.lmdb.lag_ms = NEVER_MS;
    config.lmdb.lag_bytes = (uint64_t)64 << 20;
    config.durability = durability;
    child_must(tj_store_open(&config, &store, &error), &error);
    return store;
}

/* For the end of a command: waits to be killed. */
static inline int child_wait(void)
{
    for (;;) {
        pause();
    }
    return 0;
}

/* Goes on from what is stored for `count` commits, says "saved" and waits to be killed. */
static inline int child_save(const char *path, const char *count, tj_durability durability)
{
    tj_error error = TJ_ERROR_INIT;
    tj_store *store = child_open(path, durability);
    uint64_t number = 0;
    child_must(load_number(store, &number, &error), &error);
    for (uint64_t last = number + strtoull(count, NULL, 10); number < last;) {
        child_must(save_number(store, ++number, &error), &error);
    }
    say("saved");
    return child_wait();
}

/* Saves in another process, which is then killed: LMDB has none of it. */
static inline void save_and_be_killed(fixture *f, const char *command, const char *count)
{
    child writer = child_start(command, f->path, count);
    child_expect(&writer, "saved");
    child_kill(&writer);
}

#endif
