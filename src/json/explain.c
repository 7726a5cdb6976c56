/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The sentence for a parser's refusal, from the token at which it stopped. */
#include "json/explain.h"

#include <ctype.h>

#include "base/text.h"
#include "json/scan.h"

static bool is_word_byte(char c)
{
    return isalnum((unsigned char)c) || c == '+' || c == '-' || c == '.' || c == '_';
}

/* Whether a word is one that JSON has: a literal or a number. */
static bool is_json_word(tj_str word)
{
    tj__json_stop ignored;
    const char *end = word.data + word.size;
    return tj__json_value_end(word.data, end, 0, &ignored) == end;
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
