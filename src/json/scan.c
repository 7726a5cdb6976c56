/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A recursive look at the bytes that only answers yes or no. */
#include "json/scan.h"

#include <tesser/json.h>

#include "json/text.h"

/*
 * Each of these takes what begins at p and returns what follows it, NULL when it is not there. The
 * place goes from one to the next in a register: that is half of the speed.
 */

static inline const char *skip_space(const char *p, const char *end)
{
    while (p < end && *p <= ' ' && (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r')) {
        p++;
    }
    return p;
}

static inline const char *take_char(const char *p, const char *end, char c)
{
    return p < end && *p == c ? p + 1 : NULL;
}

static const char *take_word(const char *p, const char *end, tj_str word)
{
    bool there = (size_t)(end - p) >= word.size && memcmp(p, word.data, word.size) == 0;
    return there ? p + word.size : NULL;
}

static inline bool is_digit(const char *p, const char *end)
{
    return p < end && *p >= '0' && *p <= '9';
}

static inline const char *take_digits(const char *p, const char *end)
{
    const char *first = p;
    while (is_digit(p, end)) {
        p++;
    }
    return p > first ? p : NULL;
}

static inline const char *take_exponent(const char *p, const char *end)
{
    if (p == end || (*p | 0x20) != 'e') {
        return p;
    }
    p++;
    return take_digits(p < end && (*p == '+' || *p == '-') ? p + 1 : p, end);
}

static const char *take_number(const char *p, const char *end)
{
    p += *p == '-';
    if (!is_digit(p, end)) {
        return NULL;
    }
    p = *p == '0' ? p + 1 : take_digits(p, end);
    if (p < end && *p == '.') {
        p = take_digits(p + 1, end);
    }
    return p ? take_exponent(p, end) : NULL;
}

/* Without escapes the end is soon found; the rest is seldom. */
static inline const char *take_string(const char *p, const char *end)
{
    tj__json_fault ignored;
    if (p == end || *p != '"') {
        return NULL;
    }
    const char *q = p + 1;
    while (q < end && (unsigned char)*q >= 0x20 && *q != '"' && *q != '\\') {
        q++;
    }
    return q < end && *q == '"' ? q + 1 : tj__json_string_end(p, end, &ignored);
}

static inline const char *take_scalar(const char *p, const char *end)
{
    switch (*p) {
    case '"':
        return take_string(p, end);
    case 't':
        return take_word(p, end, TJ_STR("true"));
    case 'f':
        return take_word(p, end, TJ_STR("false"));
    case 'n':
        return take_word(p, end, TJ_STR("null"));
    default:
        return take_number(p, end);
    }
}

/* A name and its colon. */
static inline const char *take_name(const char *p, const char *end)
{
    p = take_string(skip_space(p, end), end);
    return p ? take_char(skip_space(p, end), end, ':') : NULL;
}

static bool is_valid(const char *p, const char *end)
{
    char
        closes[TJ_JSON_DEPTH_MAX + 1]; /* the bracket that ends the array or object at each depth */
    unsigned depth = 0;
    do {
        p = skip_space(p, end);
        if (p < end && (*p == '{' || *p == '[')) {
            if (depth == TJ_JSON_DEPTH_MAX) {
                return false;
            }
            closes[++depth] = *p == '{' ? '}' : ']';
            p = skip_space(p + 1, end);
            if (p < end && *p != closes[depth]) {
                p = closes[depth] == '}' ? take_name(p, end) : p;
                continue;
            }
        } else {
            p = p < end ? take_scalar(p, end) : NULL;
        }
        /* Behind a value: out of all that it ends, and on to the next. */
        while (p && depth > 0 && (p = skip_space(p, end)) < end && *p == closes[depth]) {
            depth--;
            p++;
        }
        if (depth == 0) {
            return p && skip_space(p, end) == end;
        }
        p = p ? take_char(p, end, ',') : NULL;
        if (p && closes[depth] == '}') {
            p = take_name(p, end);
        }
    } while (p);
    return false;
}

bool tj__json_is_valid(tj_str text)
{
    if (text.size == 0) {
        return false; /* an absent text is NULL, from which nothing is counted */
    }
    const char *end = text.data + text.size;
    return tj__json_utf8_end(text) == end && is_valid(text.data, end);
}
