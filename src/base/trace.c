/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The messages of a thread, until it may say them. */
#include "base/trace.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* It carries its callback: the journal may be closed before it is said. */
typedef struct message {
    struct message *next;
    tj_trace_fn *say;
    void *context;
    tj_trace_level level;
    char text[TJ_ERROR_MESSAGE_SIZE];
} message;

static _Thread_local unsigned holds;
static _Thread_local message *first;

/* Each is taken out before it is said: the callback may come back here. */
static void say_all(void)
{
    while (holds == 0 && first) {
        message *next = first;
        first = next->next;
        next->say(next->context, next->level, next->text);
        free(next);
    }
}

void tj__trace(const tj_config *config, tj_trace_level level, const char *format, ...)
{
    message *new = config->trace ? malloc(sizeof *new) : NULL;
    if (!new) {
        return;
    }
    *new = (message){.say = config->trace, .context = config->trace_context, .level = level};
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(new->text, sizeof new->text, format, arguments);
    va_end(arguments);
    message **at = &first;
    while (*at) {
        at = &(*at)->next;
    }
    *at = new;
    say_all();
}

void tj__trace_hold(void)
{
    holds++;
}

void tj__trace_let_go(void)
{
    TJ_ASSERT(holds > 0);
    holds--;
    say_all();
}

void tj__trace_forget(void)
{
    holds = 0;
    while (first) {
        message *next = first;
        first = next->next;
        free(next);
    }
}
