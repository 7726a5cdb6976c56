/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* --watch: a command shown again and again, in place and without flicker. Each time the journal is
 * opened anew to look on, so that what is shown is what anybody would be told in that moment. */
#include "cli.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

const option_spec option_watch = {
    .name = "watch", .help = "show it again every second, on a terminal, until Ctrl-C"};

#define TOP "\033[H"
#define END_OF_LINE "\033[K"
#define END_OF_SCREEN "\033[J"

static volatile sig_atomic_t ended;

static void on_signal(int number)
{
    (void)number;
    ended = 1;
}

/* As many lines as the terminal has, over what stands there. */
static void show_frame(output *out, const char *text)
{
    struct winsize size = {0};
    size_t rows = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_row : 0;
    out_format(out, TOP);
    for (size_t row = 1; *text && (rows == 0 || row < rows); row++) {
        size_t length = strcspn(text, "\n");
        out_bytes(out, (tj_str){text, length});
        out_format(out, END_OF_LINE "\n");
        text += length + (text[length] == '\n');
    }
    out_format(out, END_OF_SCREEN);
    out_flush(out);
}

/* What a run prints, or what it fails with. Released with free. */
static char *run_once(command_line *cli, tj_error *error)
{
    char *text = NULL;
    size_t size = 0;
    output terminal = cli->out;
    cli->out.stream = need(open_memstream(&text, &size));
    tj_status status = cli->command->run(cli, error);
    if (status != TJ_OK) {
        out_trouble(&cli->out, "%s", error->message);
    }
    need(fclose(cli->out.stream) == 0 ? text : NULL);
    cli->out = terminal;
    cli->out.width = output_width(STDOUT_FILENO); /* it may have changed */
    return text;
}

tj_status watch(command_line *cli, tj_error *error)
{
    const struct sigaction end = {.sa_handler = on_signal}; /* no restart: the pause ends */
    if (cli->out.width == 0 || given(cli, &option_json)) {
        return usage_error(cli, error,
                           "--watch is for a terminal; 'history --follow' tells programs of what "
                           "changes");
    }
    sigaction(SIGINT, &end, NULL);
    sigaction(SIGTERM, &end, NULL);
    /* Warnings come back with each opening, and would stand across the screen. */
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    int standard_error = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
    if (null >= 0 && standard_error >= 0) {
        (void)dup2(null, STDERR_FILENO);
    }
    while (!ended && !cli->usage && cli->out.os_errno == 0) {
        *error = (tj_error)TJ_ERROR_INIT;
        char *text = run_once(cli, error);
        if (!cli->usage) {
            show_frame(&cli->out, text);
            (void)nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
        }
        free(text);
    }
    if (null >= 0 && standard_error >= 0) {
        (void)dup2(standard_error, STDERR_FILENO);
    }
    return cli->usage ? error->status : TJ_OK;
}
