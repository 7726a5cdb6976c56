/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Paths that cannot be what is meant. */
#include <tesser/config.h>

#include <ctype.h>

#include "base/error.h"
#include "base/text.h"

/* The place of a variable that a shell would have replaced: $NAME, ${NAME}, $(command). */
static const char *find_variable(const char *path)
{
    const char *at = strchr(path, '$');
    while (at && !isalpha((unsigned char)at[1]) && !strchr("_{(", at[1])) {
        at = strchr(at + 1, '$');
    }
    return at && at[1] ? at : NULL;
}

static bool is_blank_or_control(char c)
{
    return (unsigned char)c <= ' ' || c == 0x7f;
}

static bool holds_control(const char *path)
{
    while (*path && (*path == ' ' || !is_blank_or_control(*path))) {
        path++;
    }
    return *path != '\0';
}

/* What is wrong with a path that is not empty, NULL when nothing is. */
static const char *fault_of(const char *path)
{
    char first = path[0];
    char last = path[strlen(path) - 1];
    if (is_blank_or_control(first) || is_blank_or_control(last)) {
        return "begins or ends with a blank or a carriage return: take it away";
    }
    if (holds_control(path)) {
        return "holds a control character: take it away";
    }
    if (strchr("\"'`", first) || strchr("\"'`", last)) {
        return "has quotes, which nobody takes away here: write it without";
    }
    if (first == '~') {
        return "begins with ~, which only a shell replaces: write the home directory out, or ./~ "
               "where a name really begins so";
    }
    if (find_variable(path)) {
        return "holds a variable, which only a shell replaces: write out what it stands for";
    }
    if (strstr(path, "://")) {
        return "is a URL: write the path alone";
    }
    return NULL;
}

tj_status tj_path_check(const char *path, tj_error *error)
{
    if (!path) {
        return tj__fail(error, TJ_MISUSE, "no path is given");
    }
    const char *fault = path[0] ? fault_of(path) : "is empty";
    if (!fault) {
        return TJ_OK;
    }
    char quote[TJ__QUOTE_SIZE];
    return tj__fail(error, TJ_INVALID, "the path %s %s", tj__text_quote(tj_str_of(path), quote),
                    fault);
}
