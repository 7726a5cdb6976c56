/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Moments on the command line: a commit's sequence, or a time. */
#include "cli.h"

#include <inttypes.h>

#define NS_PER_S 1000000000

const option_spec option_at = {.name = "at",
                               .value = "SEQ|TIME",
                               .help =
                                   "as it was right after this commit, or at this RFC 3339 time"};

tj_status parse_moment(command_line *cli, const char *what, const char *text, tj_moment *moment,
                       tj_error *error)
{
    tj_error cause = TJ_ERROR_INIT;
    if (tj_moment_parse(tj_str_of(text), moment, &cause) != TJ_OK) {
        return usage_error(cli, error, "%s is neither a commit's sequence nor a time: %s", what,
                           cause.message);
    }
    return TJ_OK;
}

bool moment_is_after(tj_moment first, tj_moment last)
{
    return (last.sequence > 0 && first.sequence > last.sequence) ||
           (last.has_time && first.has_time && first.time > last.time);
}

tj_status option_moment(command_line *cli, const option_spec *option, tj_moment *moment,
                        tj_error *error)
{
    char what[64];
    const char *text = option_value(cli, option);
    *moment = (tj_moment)TJ_MOMENT_INIT;
    snprintf(what, sizeof what, "--%s", option->name);
    return text ? parse_moment(cli, what, text, moment, error) : TJ_OK;
}

bool is_to_come(tj_time time)
{
    return time - tj_time_now() > (int64_t)60 * NS_PER_S;
}

const char *span_text(int64_t ns, char out[SPAN_TEXT_SIZE])
{
    int64_t s = ns / NS_PER_S;
    if (s >= 86400) {
        snprintf(out, SPAN_TEXT_SIZE, "%" PRId64 " d %" PRId64 " h", s / 86400, s / 3600 % 24);
    } else {
        snprintf(out, SPAN_TEXT_SIZE, "%" PRId64 " h %" PRId64 " min %" PRId64 " s", s / 3600,
                 s / 60 % 60, s % 60);
    }
    return out;
}
