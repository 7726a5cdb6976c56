/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A pager between a table and a terminal, as people are used to it from other programs. */
#include "pager.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* The pager that the environment names; less where it names none, NULL where it wants none. */
static const char *wanted_pager(void)
{
    const char *pager = getenv("TESSER_JOURNAL_PAGER");
    pager = pager ? pager : getenv("PAGER");
    pager = pager ? pager : is_dumb_terminal() ? "" : "less";
    return pager[0] && strcmp(pager, "cat") != 0 ? pager : NULL;
}

/* Starts it with a pipe as its standard input; returns its pid, or 0 when it cannot be started. */
static pid_t start(const char *pager, int input)
{
    extern char **environ;
    bool is_less = strcmp(pager, "less") == 0;
    char *less[] = {"less", NULL};
    char *shell[] = {"sh", "-c", need(strdup(pager)), NULL};
    posix_spawn_file_actions_t actions;
    pid_t pid = 0;
    need(posix_spawn_file_actions_init(&actions) == 0 ? &actions : NULL);
    need(posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO) == 0 ? &actions : NULL);
    /* Colours pass, long lines are chopped, and what fits one screen needs no key. */
    (void)setenv("LESS", "FRSX", 0);
    (void)setenv("LESSCHARSET", "utf-8", 0);
    int failed = is_less ? posix_spawnp(&pid, "less", &actions, NULL, less, environ)
                         : posix_spawn(&pid, "/bin/sh", &actions, NULL, shell, environ);
    posix_spawn_file_actions_destroy(&actions);
    free(shell[2]);
    return failed ? 0 : pid;
}

void pager_begin(output_pager *pager, output *out)
{
    const char *wanted = wanted_pager();
    int ends[2];
    *pager = (output_pager){.pid = 0};
    if (!wanted || !isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO) || pipe2(ends, O_CLOEXEC) != 0) {
        return;
    }
    pager->pid = start(wanted, ends[0]);
    close(ends[0]);
    if (pager->pid == 0) {
        close(ends[1]);
        return;
    }
    output through = output_of(ends[1]);
    through.colour = out->colour;
    through.width = out->width;
    pager->fd = ends[1];
    *out = through;
}

static tj_status judge(int ended, command_line *cli, tj_status status, tj_error *error)
{
    char warning[256];
    int code = WIFEXITED(ended) ? WEXITSTATUS(ended) : 0;
    bool not_run = code == 126 || code == 127; /* of sh */
    if (not_run && status == TJ_OK) {
        return fail(error, TJ_IO,
                    "the pager \"%s\" cannot be run: set PAGER to one that is there, or to cat",
                    wanted_pager());
    }
    if (code != 0 && !not_run) {
        snprintf(warning, sizeof warning,
                 "the pager \"%.100s\" ended with %d, and may not have shown everything: "
                 "PAGER=cat does",
                 wanted_pager(), code);
        report_trace(cli, TJ_TRACE_WARNING, warning);
    }
    return status;
}

tj_status pager_end(output_pager *pager, command_line *cli, tj_status status, tj_error *error)
{
    output *out = &cli->out;
    int ended = 0;
    if (pager->pid == 0) {
        return status;
    }
    out_flush(out);
    close(pager->fd);
    while (waitpid(pager->pid, &ended, 0) < 0 && errno == EINTR) {
    }
    /* Whoever leaves the pager has seen enough. */
    out->os_errno = out->os_errno == EPIPE ? 0 : out->os_errno;
    pager->pid = 0;
    return judge(ended, cli, status, error);
}
