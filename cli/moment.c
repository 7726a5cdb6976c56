/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Moments on the command line: a commit's sequence, or a time. */
#include "cli.h"

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
