/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A loop over tokens that knows which brackets are open, and nothing else. */
#include "json/scan.h"

#include <tesser/json.h>

#include "json/text.h"

/*
 * Each of these takes what begins at p and returns what follows it, NULL when it is not there. The
 * place goes from one to the next in a register: that is half of the speed.
 */

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

static inline const char *take_number(const char *p, const char *end)
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

const char *tj__json_take_string(const char *at, const char *end)
{
    return take_string(at, end);
}

static inline const char *take_scalar(const char *p, const char *end)
{
    if (p == end) {
        return NULL;
    }
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

static const char *refuse(tj__json_stop *stop, const char *at, bool too_deep)
{
    *stop = (tj__json_stop){at, too_deep};
    return NULL;
}

/* A name, its colon and the space around them. */
static inline const char *take_name(const char *p, const char *end, tj__json_stop *stop)
{
    const char *behind = take_string(p, end);
    if (!behind) {
        return refuse(stop, p, false);
    }
    behind = tj__json_skip_space(behind, end);
    return behind < end && *behind == ':' ? tj__json_skip_space(behind + 1, end)
                                          : refuse(stop, behind, false);
}

const char *tj__json_value_end(const char *at, const char *end, int depth, tj__json_stop *stop)
{
    const int outside = depth;
    char closes[TJ_JSON_DEPTH_MAX + 1]; /* the bracket that ends what is open at each depth */
    const char *p = at;
    do {
        if (p < end && (*p == '{' || *p == '[')) {
            if (depth == TJ_JSON_DEPTH_MAX) {
                return refuse(stop, p, true);
            }
            closes[++depth] = *p == '{' ? '}' : ']';
            p = tj__json_skip_space(p + 1, end);
            if (p == end || *p != closes[depth]) {
                p = closes[depth] == '}' ? take_name(p, end, stop) : p;
                continue;
            }
        } else {
            const char *behind = take_scalar(p, end);
            if (!behind) {
                return refuse(stop, p, false);
            }
            p = behind;
        }
        /* Behind a value: out of all that it ends, and on to the next. */
        while (depth > outside && (p = tj__json_skip_space(p, end)) < end && *p == closes[depth]) {
            depth--;
            p++;
        }
        if (depth == outside) {
            return p;
        }
        if (p == end || *p != ',') {
            return refuse(stop, p, false);
        }
        p = tj__json_skip_space(p + 1, end);
        p = closes[depth] == '}' ? take_name(p, end, stop) : p;
    } while (p);
    return NULL;
}
