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

/* Of the terminal, that a line takes: what is too wide for one goes on in the next. Colours take no
 * place; a wide character is taken for a narrow one. */
static size_t rows_of(tj_str line, size_t columns)
{
    size_t width = 0;
    for (size_t at = 0; at < line.size; at++) {
        if (line.data[at] == '\033') {
            while (at < line.size && line.data[at] != 'm') {
                at++;
            }
        } else {
            width += ((unsigned char)line.data[at] & 0xc0) != 0x80;
        }
    }
    return columns == 0 || width == 0 ? 1 : (width - 1) / columns + 1;
}

/* As many lines as the terminal has room for, over what stands there. */
static void show_frame(output *out, const char *text)
{
    struct winsize size = {0};
    size_t rows = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_row : 0;
    size_t used = 1; /* the cursor's, below */
    out_format(out, TOP);
    while (*text) {
        size_t length = strcspn(text, "\n");
        used += rows_of((tj_str){text, length}, size.ws_col);
        if (rows > 0 && used > rows) {
            break;
        }
        out_bytes(out, (tj_str){text, length});
        out_format(out, END_OF_LINE "\n");
        text += length + (text[length] == '\n');
    }
    out_format(out, END_OF_SCREEN);
    out_flush(out);
}

typedef struct frame {
    char *text; /* NULL: there was none yet */
    tj_time at;
} frame;

/* What it fails with, and below it what was seen last. */
static void show_failure(command_line *cli, const frame *last, const tj_error *error)
{
    char time[TJ_TIME_TEXT_SIZE];
    out_trouble(&cli->out, "%s", error->message);
    if (last->text) {
        tj_time_format(last->at / 1000000000 * 1000000000, time);
        out_format(&cli->out, "\nAs it was seen last, %s:\n%s", time, last->text);
    }
}

/* What a run prints. Released with free. */
static char *run_once(command_line *cli, frame *last, tj_error *error)
{
    char *text = NULL;
    size_t size = 0;
    output terminal = cli->out;
    cli->out.stream = need(open_memstream(&text, &size));
    tj_status status = cli->command->run(cli, error);
    if (status != TJ_OK) {
        show_failure(cli, last, error);
    }
    need(fclose(cli->out.stream) == 0 ? text : NULL);
    if (status == TJ_OK) {
        free(last->text);
        *last = (frame){need(strdup(text)), tj_time_now()};
    }
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
    frame last = {NULL, 0};
    while (!ended && !cli->usage && cli->out.os_errno == 0) {
        *error = (tj_error)TJ_ERROR_INIT;
        char *text = run_once(cli, &last, error);
        if (!cli->usage) {
            show_frame(&cli->out, text);
            (void)nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
        }
        free(text);
    }
    free(last.text);
    if (null >= 0 && standard_error >= 0) {
        (void)dup2(standard_error, STDERR_FILENO);
    }
    return cli->usage ? error->status : TJ_OK;
}
