/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The sentences of a checkup. */
#include "maintain/checkup.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"

const char *tj__amount(uint64_t bytes, char out[TJ__AMOUNT_SIZE])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double amount = (double)bytes;
    size_t unit = 0;
    while (amount >= 1024 && unit + 1 < sizeof units / sizeof *units) {
        amount /= 1024;
        unit++;
    }
    snprintf(out, TJ__AMOUNT_SIZE, unit == 0 ? "%.0f %s" : "%.1f %s", amount, units[unit]);
    return out;
}

static const char *format_text(tj__examinee *x, const char *format, va_list arguments)
{
    char text[TJ_PATH_SIZE + TJ_ERROR_MESSAGE_SIZE];
    vsnprintf(text, sizeof text, format, arguments);
    tj_str copy = tj__arena_str(x->arena, tj_str_of(text));
    x->failed = x->failed || !copy.data;
    return copy.data ? copy.data : "";
}

const char *tj__checkup_word(tj__examinee *x, const char *path)
{
    char word[TJ__WORD_SIZE];
    tj_str copy = tj__arena_str(x->arena, tj_str_of(tj__word(path, word)));
    x->failed = x->failed || !copy.data;
    return copy.data ? copy.data : "";
}

const char *tj__checkup_command(tj__examinee *x, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const char *command = format_text(x, format, arguments);
    va_end(arguments);
    return command;
}

/* What could not be measured is worse than what is well, and nothing more is said of it. */
static tj_health worse(tj_health a, tj_health b)
{
    return a > b ? a : b;
}

void tj__checkup_add(tj__examinee *x, const char *name, tj_health health, const char *command,
                     const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    tj_checkup_item item = {.name = tj_str_of(name),
                            .health = health,
                            .sentence = tj_str_of(format_text(x, format, arguments)),
                            .command = tj_str_of(command)};
    va_end(arguments);
    tj__put_bytes(&x->items, &item, sizeof item);
    x->worst = worse(x->worst, health);
}
