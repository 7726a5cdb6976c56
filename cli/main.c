/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* tesser-journal: looks into a journal, and writes to it from outside a runtime. */
#include "cli.h"
#include "pager.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <unistd.h>

/* A standard stream that came closed must not become a file of the journal, which messages would
 * then be written into. What takes its place fails when it is used, as the closed one would. */
static void hold_standard_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF) {
            (void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
        }
    }
}

static tj_status run(command_line *cli, tj_error *error)
{
    if (given(cli, &option_version) && given(cli, &option_json)) {
        return command_version.run(cli, error);
    }
    if (given(cli, &option_version)) {
        version_print(&cli->out);
    } else if (cli->group) {
        help_group(&cli->out, cli->group);
    } else if (given(cli, &option_help) && cli->command) {
        help_command(&cli->out, cli->command);
    } else if (given(cli, &option_help)) {
        help_overview(&cli->out);
    } else {
        if (given(cli, &option_watch)) {
            return watch(cli, error);
        }
        output_pager pager = {.pid = 0};
        if (cli->command->pages && !given(cli, &option_json)) {
            pager_begin(&pager, &cli->out);
        }
        tj_status status = cli->command->run(cli, error);
        return pager_end(&pager, cli, status, error);
    }
    return TJ_OK;
}

/* Output that did not arrive is a failure, except that a reader may stop reading: then the program
 * ends as if the signal had done it, but with its journal closed. */
static tj_status finish_output(command_line *cli, tj_status status, tj_error *error)
{
    out_flush(&cli->out);
    if (cli->out.os_errno == EPIPE) {
        signal(SIGPIPE, SIG_DFL);
        raise(SIGPIPE);
    }
    if (cli->out.os_errno != 0 && (status == TJ_OK || cli->durable[0])) {
        status = fail_errno(error, cli->out.os_errno, "writing standard output");
    }
    return status;
}

int main(int argc, char **argv)
{
    hold_standard_streams();
    /* For the widths of characters alone: what is written is UTF-8 wherever it goes. */
    (void)setlocale(LC_CTYPE, "C.UTF-8");
    command_line cli = {.out = output_of(STDOUT_FILENO)};
    tj_error error = TJ_ERROR_INIT;
    /* Both come back as the error of a write, with a journal that is closed in order. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    tj_status status = options_parse(&cli, argc, argv, &error);
    if (status == TJ_OK) {
        status = run(&cli, &error);
    }
    status = finish_output(&cli, status, &error);
    return status == TJ_OK ? cli.exit_code : report_failure(&cli, status, &error);
}
