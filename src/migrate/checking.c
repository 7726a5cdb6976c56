/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Noting a finding while checking, and ending with an error that counts them. */
#include "migrate/checking.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/error.h"

void tj__checking_note(tj__checking *c, bool refused, const char *what, const char *reason, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, reason);
    (void)vsnprintf(text, sizeof text, reason, arguments);
    va_end(arguments);
    tj_report_note item = {.what = tj__arena_str(c->arena, tj_str_of(what)),
                           .reason = tj__arena_str(c->arena, tj_str_of(text))};
    tj__put_bytes(&c->notes, &item, sizeof item);
    c->report->refused_count += refused;
    if (c->status == TJ_OK && (!item.what.data || !item.reason.data || c->notes.failed)) {
        c->status = tj__fail(c->error, TJ_NOMEM, "no memory for the report");
    }
}

tj_status tj__checking_finish(tj__checking *c)
{
    c->report->lost_count = c->notes.size / sizeof *c->report->lost;
    c->report->lost = tj__arena_alloc(c->arena, c->notes.size);
    if (c->status == TJ_OK && !c->report->lost) {
        c->status = tj__fail(c->error, TJ_NOMEM, "no memory for the report");
    }
    if (c->status == TJ_OK && c->notes.size > 0) {
        memcpy(c->report->lost, c->notes.data, c->notes.size);
    }
    tj__buffer_dispose(&c->notes);
    return c->status;
}
