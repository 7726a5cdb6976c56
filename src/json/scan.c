/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "json/scan.h"

#include <tesser/json.h>

#include "json/text.h"

typedef struct scan {
    const char *at;
    const char *end;
    unsigned depth;
    bool is_object
        [TJ_JSON_DEPTH_MAX]; /* of the array or object open at each depth, or it is an array */
} scan;

static void skip_space(scan *s)
{
    s->at = tj__json_skip_space(s->at, s->end);
}

static bool take_char(scan *s, char c)
{
    if (s->at == s->end || *s->at != c) {
        return false;
    }
    s->at++;
    return true;
}

static bool take_word(scan *s, const char *word, size_t size)
{
    if ((size_t)(s->end - s->at) < size || memcmp(s->at, word, size) != 0) {
        return false;
    }
    s->at += size;
    return true;
}

static bool take_digits(scan *s)
{
    const char *first = s->at;
    while (s->at < s->end && *s->at >= '0' && *s->at <= '9') {
        s->at++;
    }
    return s->at > first;
}

static bool take_number(scan *s)
{
    (void)take_char(s, '-');
    if (!take_char(s, '0') && !take_digits(s)) {
        return false;
    }
    if (take_char(s, '.') && !take_digits(s)) {
        return false;
    }
    if (take_char(s, 'e') || take_char(s, 'E')) {
        (void)(take_char(s, '+') || take_char(s, '-'));
        return take_digits(s);
    }
    return true;
}

static bool take_string(scan *s)
{
    tj__json_fault ignored;
    const char *behind =
        s->at < s->end && *s->at == '"' ? tj__json_string_end(s->at, s->end, &ignored) : NULL;
    if (!behind) {
        return false;
    }
    s->at = behind;
    return true;
}

static bool take_scalar(scan *s)
{
    switch (*s->at) {
    case '"':
        return take_string(s);
    case 't':
        return take_word(s, "true", 4);
    case 'f':
        return take_word(s, "false", 5);
    case 'n':
        return take_word(s, "null", 4);
    default:
        return take_number(s);
    }
}

/* What stands before the next value inside: nothing, or in an object its name and a colon. */
static bool take_name(scan *s)
{
    if (!s->is_object[s->depth - 1]) {
        return true;
    }
    skip_space(s);
    if (!take_string(s)) {
        return false;
    }
    skip_space(s);
    return take_char(s, ':');
}

/* Goes into an array or object whose bracket is at hand, up to its first value, or behind it when it is
 * empty. */
static bool enter(scan *s, bool *empty)
{
    bool is_object = *s->at == '{';
    if (s->depth == TJ_JSON_DEPTH_MAX) {
        return false;
    }
    s->is_object[s->depth++] = is_object;
    s->at++;
    skip_space(s);
    *empty = take_char(s, is_object ? '}' : ']');
    s->depth -= *empty;
    return *empty || take_name(s);
}

/* Behind a value: goes out of what it ends, up to the next value; at the end of the text *done. */
static bool leave(scan *s, bool *done)
{
    skip_space(s);
    while (s->depth > 0 && take_char(s, s->is_object[s->depth - 1] ? '}' : ']')) {
        s->depth--;
        skip_space(s);
    }
    *done = s->depth == 0;
    return *done ? s->at == s->end : take_char(s, ',') && take_name(s);
}

bool tj__json_is_valid(tj_str text)
{
    if (text.size == 0 || tj__json_utf8_end(text) != text.data + text.size) {
        return false;
    }
    scan s;
    s.at = text.data;
    s.end = text.data + text.size;
    s.depth = 0;
    for (bool done = false; !done;) {
        skip_space(&s);
        if (s.at == s.end) {
            return false;
        }
        bool complete = true;
        if (*s.at == '{' || *s.at == '[') {
            if (!enter(&s, &complete)) {
                return false;
            }
        } else if (!take_scalar(&s)) {
            return false;
        }
        if (complete && !leave(&s, &done)) {
            return false;
        }
    }
    return true;
}
