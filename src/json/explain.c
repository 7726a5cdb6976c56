/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The sentence for a parser's refusal, from the token at which it stopped. */
#include "json/explain.h"

#include <ctype.h>

#include "base/text.h"

static bool is_word_byte(char c)
{
    return isalnum((unsigned char)c) || c == '+' || c == '-' || c == '.' || c == '_';
}

static size_t digits(const char *p, const char *end)
{
    size_t count = 0;
    while (p + count < end && p[count] >= '0' && p[count] <= '9') {
        count++;
    }
    return count;
}

/* Whether a word is one that JSON has: a literal or a number. */
static bool is_json_word(tj_str word)
{
    if (tj_str_equal(word, TJ_STR("true")) || tj_str_equal(word, TJ_STR("false")) ||
        tj_str_equal(word, TJ_STR("null"))) {
        return true;
    }
    const char *p = word.data;
    const char *end = p + word.size;
    p += *p == '-';
    size_t whole = digits(p, end);
    if (whole == 0 || (whole > 1 && *p == '0')) {
        return false;
    }
    p += whole;
    if (p < end && *p == '.') {
        size_t fraction = digits(p + 1, end);
        p += fraction ? fraction + 1 : 0;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        size_t sign = p + 1 < end && (p[1] == '+' || p[1] == '-');
        size_t exponent = digits(p + 1 + sign, end);
        p += exponent ? exponent + sign + 1 : 0;
    }
    return p == end;
}

/* The token at a place: a word, else one character. */
static tj_str token_at(const char *at, const char *end)
{
    size_t size = 0;
    while (at + size < end && is_word_byte(at[size])) {
        size++;
    }
    if (size == 0) {
        size = 1;
        while (at + size < end && ((unsigned char)at[size] & 0xc0) == 0x80) {
            size++;
        }
    }
    return (tj_str){at, size};
}

tj_status tj__json_explain(const tj__json_source *source, const char *at, bool complete,
                           tj_error *error)
{
    const char *end = source->text.data + source->text.size;
    char shown[TJ__QUOTE_SIZE];
    tj__json_fault fault;
    if (at < end && complete) {
        return tj__json_fail(source, NULL, at, TJ_INVALID, error,
                             "there is more text after the value");
    }
    if (at >= end) {
        bool empty = tj__json_skip_space(source->text.data, end) == end;
        return tj__json_fail(source, NULL, end, TJ_INVALID, error,
                             empty ? "there is no JSON value"
                                   : "the text ends before the value is complete");
    }
    if (*at == '"' && !tj__json_string_end(at, end, &fault)) {
        return tj__json_fail(source, NULL, fault.at, TJ_INVALID, error, "%s", fault.reason);
    }
    if (*at == '"') {
        return tj__json_fail(source, NULL, at, TJ_INVALID, error, "a string is not expected here");
    }
    tj_str token = token_at(at, end);
    bool known = !is_word_byte(*at) || is_json_word(token);
    return tj__json_fail(source, NULL, at, TJ_INVALID, error,
                         known ? "%s is not expected here" : "%s is not a JSON value",
                         tj__text_quote(token, shown));
}
