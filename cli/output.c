/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Writing to standard output: what is gathered, when it is written, and how texts and sizes look.
 * */
#include "output.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

/* Width of the names in a summary. */
#define PAIR_WIDTH 20

void wait_for(int fd, short events)
{
    struct pollfd one = {.fd = fd, .events = events};
    (void)poll(&one, 1, -1); /* what is wrong with it shows in the next call */
}

int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The writer of a stream; 0 is its failure. */
static ssize_t write_all(void *cookie, const char *data, size_t size)
{
    int fd = (int)(intptr_t)cookie;
    size_t done = 0;
    while (done < size) {
        ssize_t put = write(fd, data + done, size - done);
        if (put >= 0) {
            done += (size_t)put;
        } else if (errno == EAGAIN) {
            wait_for(fd, POLLOUT);
        } else if (errno != EINTR) {
            return 0;
        }
    }
    return (ssize_t)size;
}

/* COLUMNS goes before what the terminal says, as in other programs. */
size_t output_width(int fd)
{
    const char *columns = getenv("COLUMNS");
    struct winsize size = {0};
    unsigned long wanted = columns ? strtoul(columns, NULL, 10) : 0;
    if (!isatty(fd)) {
        return 0;
    }
    if (wanted > 0 && wanted < USHRT_MAX) {
        return wanted;
    }
    return ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

/* Where colours would be letters, and less asks for a key before anything, and for each screen. */
bool is_dumb_terminal(void)
{
    const char *name = getenv("TERM");
    return !name || !name[0] || strcmp(name, "dumb") == 0;
}

output output_of(int fd)
{
    const char *no_colour = getenv("NO_COLOR");
    bool wanted = (!no_colour || !no_colour[0]) && !is_dumb_terminal();
    cookie_io_functions_t calls = {.write = write_all};
    FILE *stream = need(fopencookie((void *)(intptr_t)fd, "w", calls));
    return (output){.stream = stream, .colour = wanted && isatty(fd), .width = output_width(fd)};
}

static void note_failure(output *out, bool failed)
{
    if (failed && out->os_errno == 0) {
        out->os_errno = errno ? errno : EIO;
    }
}

static void out_list(output *out, const char *format, va_list arguments)
{
    if (out->os_errno == 0) {
        note_failure(out, vfprintf(out->stream, format, arguments) < 0);
    }
}

void out_format(output *out, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    out_list(out, format, arguments);
    va_end(arguments);
}

void out_bytes(output *out, tj_str bytes)
{
    if (out->os_errno == 0 && bytes.size > 0) {
        note_failure(out, fwrite(bytes.data, 1, bytes.size, out->stream) != bytes.size);
    }
}

void out_flush(output *out)
{
    if (out->os_errno == 0) {
        note_failure(out, fflush(out->stream) != 0);
    }
}

static void bold(output *out, bool on)
{
    if (out->colour) {
        out_format(out, on ? "\033[1m" : "\033[0m");
    }
}

void out_heading(output *out, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    bold(out, true);
    out_list(out, format, arguments);
    bold(out, false);
    out_format(out, "\n");
    va_end(arguments);
}

/* Where memory is short, nothing is at hand to ask. */
static bool needs_json;
static const char *needs_durable = "";

void need_tells(bool json, const char *durable)
{
    needs_json = json;
    needs_durable = durable;
}

void *need(void *memory)
{
    if (memory) {
        return memory;
    }
    bool done = needs_durable[0] != '\0';
    int code = done ? EXIT_DURABLE : EXIT_STATUS_BASE + TJ_NOMEM;
    const char *but = done ? ", but what followed failed: " : "";
    if (needs_json) {
        fprintf(stderr,
                "{\"error\":\"%s%sout of memory\",\"status\":\"%s\",\"exit_code\":%d,"
                "\"place\":\"\",\"advice\":\"\"}\n",
                done ? "it is durable" : "", but, done ? "DURABLE" : "NOMEM", code);
    } else {
        fprintf(stderr, "tesser-journal: %s%sout of memory\n", needs_durable, but);
    }
    _exit(code);
}

size_t character_size(tj_str text)
{
    const unsigned char *at = (const unsigned char *)text.data;
    if (at[0] < 0x80) {
        return 1;
    }
    size_t length = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    if (at[0] < 0xc2 || at[0] > 0xf4 || length > text.size) {
        return 0;
    }
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    bool overlong = (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xf0 && at[1] < 0x90);
    bool outside = (at[0] == 0xed && at[1] >= 0xa0) || (at[0] == 0xf4 && at[1] >= 0x90);
    return overlong || outside ? 0 : length;
}

char *safe_text(tj_str text)
{
    size_t size = tj_text_visible(text, NULL, 0) + 1;
    char *safe = need(malloc(size));
    (void)tj_text_visible(text, safe, size);
    return safe;
}

char *word_text(const char *text)
{
    size_t size = tj_text_word(tj_str_of(text), NULL, 0) + 1;
    char *word = need(malloc(size));
    (void)tj_text_word(tj_str_of(text), word, size);
    return word;
}

char *text_format(const char *format, va_list arguments)
{
    char *text = NULL;
    return need(vasprintf(&text, format, arguments) < 0 ? NULL : text);
}

void out_alarm(output *out, bool on)
{
    if (out->colour) {
        out_format(out, on ? "\033[31m" : "\033[0m");
    }
}

/* Takes the text. */
static void out_safe(output *out, char *text, bool trouble)
{
    char *safe = safe_text(tj_str_of(text));
    if (trouble) {
        out_alarm(out, true);
    }
    out_format(out, "%s\n", safe);
    if (trouble) {
        out_alarm(out, false);
    }
    free(safe);
    free(text);
}

void out_line(output *out, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    out_safe(out, text_format(format, arguments), false);
    va_end(arguments);
}

void out_trouble(output *out, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    out_safe(out, text_format(format, arguments), true);
    va_end(arguments);
}

void out_shown(output *out, tj_str text)
{
    for (size_t i = 0, start = 0; i <= text.size; i++) {
        if (i < text.size && text.data[i] != '\n' && text.data[i] != '\t') {
            continue;
        }
        char *safe = safe_text((tj_str){text.data + start, i - start});
        out_format(out, "%s", safe);
        free(safe);
        out_bytes(out, (tj_str){text.data + i, i < text.size});
        start = i + 1;
    }
}

void out_pair(output *out, const char *name, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = text_format(format, arguments);
    va_end(arguments);
    char *safe = safe_text(tj_str_of(text));
    out_format(out, "  %-*s %s\n", PAIR_WIDTH, name, safe);
    free(safe);
    free(text);
}

const char *plural(uint64_t count, const char *one, const char *many)
{
    return count == 1 ? one : many;
}

const char *size_text(uint64_t bytes, char buffer[SIZE_TEXT_SIZE])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    size_t unit = 0;
    double value = (double)bytes;
    /* 1023.95 would be shown as "1024.0". */
    while (value >= 1023.95 && unit + 1 < sizeof units / sizeof units[0]) {
        value /= 1024;
        unit++;
    }
    snprintf(buffer, SIZE_TEXT_SIZE, "%.*f %s", unit == 0 ? 0 : 1, value, units[unit]);
    return buffer;
}
